"""The error of an attribution method; here, so that catching it does not import PyTorch."""

from ...errors import MotifzooError


class AttributionError(MotifzooError):
    """A network that a method cannot explain, or an explanation that fails its own check."""
