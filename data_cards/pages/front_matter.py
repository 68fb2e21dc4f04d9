"""The front matter of README.md: what Hugging Face's hub and its `datasets` library read of a data set card."""

from typing import Any, Final

import pyarrow as pa
from huggingface_hub import CardData

from ..cards import SPLITS, Card
from .eval_yaml import CONFIG
from .tables import PUBLIC_SPLIT, Tables, columns

# SPDX identifiers that the hub knows; it writes them in lower case.
HUB_LICENCES: Final = frozenset(
    {"MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "GPL-3.0", "CC0-1.0"}
    | {"CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"}
)
_SIZES: Final = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
)
_LARGEST: Final = "100M<n<1B"


def front_matter(card: Card, tables: Tables) -> str:
    """The YAML between the dashed lines; sizes are there where tables are."""
    files = [{"split": PUBLIC_SPLIT[name], "path": f"{name}.parquet"} for name in SPLITS]
    sizes = [
        {"name": PUBLIC_SPLIT[name], "num_bytes": table.uncompressed, "num_examples": table.rows}
        for name, table in tables.items()
    ]
    features = [feature(field) for field in columns(card, tables)]
    total = sum(card.splits.values())
    matter: dict[str, Any] = {
        "pretty_name": card.title,
        "license": card.licence.lower() if card.licence in HUB_LICENCES else "unknown",
        "task_categories": ["text-classification"],
        "task_ids": ["multi-label-classification" if card.task == "multi-label" else "multi-class-classification"],
        "tags": tags(card),
        # CardData leaves out what is None.
        "size_categories": [next((name for limit, name in _SIZES if total < limit), _LARGEST)] if total else None,
        "configs": [{"config_name": CONFIG, "data_files": files}],
        "dataset_info": {"config_name": CONFIG, "features": features} | ({"splits": sizes} if sizes else {}),
    }
    return CardData(**matter).to_yaml()


def tags(card: Card) -> list[str]:
    """What a search should find the data set by."""
    assays = [tag for tag in ("ChIP-seq", "DNase-seq") if tag in card.assay]
    return [
        "motifzoo",
        "biology",
        "genomics",
        "dna",
        "sequence-motifs",
        "interpretability",
        *map(str.lower, assays),
    ] + (["synthetic"] if card.generator is not None else [])


def feature(field: pa.Field) -> dict[str, object]:
    """A column of a table as Hugging Face's front matter writes it."""
    return {"name": field.name, **_type(field.type)}


def _type(kind: pa.DataType) -> dict[str, object]:
    if pa.types.is_list(kind):
        inner = _type(kind.value_type)
        return {"list": inner.get("struct") or inner.get("dtype") or inner}
    if pa.types.is_struct(kind):
        return {"struct": [feature(kind.field(index)) for index in range(kind.num_fields)]}
    return {"dtype": {"double": "float64", "float": "float32"}.get(str(kind), str(kind))}
