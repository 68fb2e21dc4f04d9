"""The report page of an evaluation, and the SVG logos it is made of."""

from .logos import attribution_svg, logo_svg
from .page import build_report

__all__ = ["attribution_svg", "build_report", "logo_svg"]
