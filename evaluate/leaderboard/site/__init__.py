"""The leaderboard's pages: static, built from a board's files."""

from .build import Site, build_site

__all__ = ["Site", "build_site"]
