"""The command line: `motifzoo`. Each command parses, calls the library and prints; nothing imports this package.

Command modules import what they call inside their functions, so that `motifzoo --help` answers at once.
"""

from .main import main

__all__ = ["main"]
