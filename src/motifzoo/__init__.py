"""motifzoo: pretrained genomic CNNs, and how readable the motifs are that they learned."""

from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .data_cards.load import load_dataset
    from .zoo.export import export
    from .zoo.load import load
    from .zoo.sources import list_models

__all__ = ["__version__", "export", "list_models", "load", "load_dataset"]
__version__ = _version("motifzoo")

_HOMES = {
    "export": ".zoo.export",
    "list_models": ".zoo.sources",
    "load": ".zoo.load",
    "load_dataset": ".data_cards.load",
}


def __getattr__(name: str) -> Any:
    # PyTorch takes a second to import; `motifzoo --help` must not wait for it.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
