"""A network's layers as rows of text, for the terminal and for cards."""

from collections.abc import Iterator
from typing import NamedTuple

from .config import ModelConfig
from .shapes import plan


class LayerRow(NamedTuple):
    """One layer: its name, "(filters)" behind that of the layer whose filters are studied; its kind; its settings where
    they are not the usual ones, "filters 24, kernel 19"; the shape that it puts out, "24 x 200"."""

    name: str
    kind: str
    settings: str
    output: str


def layer_rows(config: ModelConfig) -> Iterator[LayerRow]:
    """The rows of all layers, in their order."""
    shapes = plan(config.layers, config.input_length).shapes
    for layer, shape in zip(config.layers, shapes, strict=True):
        settings = layer.model_dump(exclude_defaults=True, exclude={"name", "kind"})
        yield LayerRow(
            layer.name + (" (filters)" if layer.name == config.filter_layer else ""),
            layer.kind,
            ", ".join(f"{key} {value}" for key, value in settings.items()),
            " x ".join(map(str, shape)),
        )
