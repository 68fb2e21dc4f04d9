"""`motifzoo doctor`: whether this machine gives the numbers that the zoo was published with."""

from .examination import Progress, Report, examine

__all__ = ["Progress", "Report", "examine"]
