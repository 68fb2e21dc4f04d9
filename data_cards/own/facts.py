"""The card of a user's data set: what was counted, what they said, and what is left for them to fill in."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import tomli_w
from pydantic import ValidationError

from ...errors import DataError, describe_invalid, unknown_name
from ...files import sha256_file, write_text
from ..cards import DATASET_NAME, Card
from ..motifs import jaspar2016
from .labels import Meaning
from .request import Given, Request
from .staging import Staged

_UNSTATED: Final = "not stated"
_HEAD: Final = (
    "# The facts about this data set. What is not stated may be filled in: title, summary, assay, organism, genome,\n"
    "# licence (an SPDX identifier), citation, collection. What was counted must stay: the tables are checked by it.\n"
    "\n"
)
_MEANINGS: Final = {
    "id": "name of the sequence",
    "chrom": "chromosome",
    "start": "first position, 0-based",
    "end": "position after the last",
}
# What a card that came with the data does not say of the data set that is made of it.
_NOT_TAKEN: Final = {
    *("name", "version", "task", "classes", "length", "splits", "positives", "fingerprint"),
    *("sources", "reader", "generator", "columns", "known_motifs", "benchmarks"),
}


def draft(request: Request, staged: Staged, meaning: Meaning, origin: Card | None, version: int) -> Card:
    """The card before anything is counted. Raises DataError for known motifs and facts that cannot be."""
    rows = len(staged)
    question = (
        f"is it {meaning.classes[0]}?"
        if meaning.task == "binary"
        else f"which of {len(meaning.classes)} classes is it?"
        if meaning.task == "multi-class"
        else f"which of {len(meaning.classes)} classes are true of it?"
    )
    facts: dict[str, Any] = {
        "title": request.name,
        "summary": f"{rows:,} sequences of {staged.length} nt: {question}",
        "monitor": "auroc",
        "assay": _UNSTATED,
        "organism": _UNSTATED,
        "genome": _UNSTATED,
        "licence": _UNSTATED,
        "citation": "",
    }
    if origin is not None:
        facts |= origin.model_dump(exclude=_NOT_TAKEN)
    else:
        facts["source"] = described(request.files())
    known = known_motifs(request.known_motifs, meaning.classes)
    if origin is not None and not known:
        known = {label: dict(motifs) for label, motifs in origin.known_motifs.items() if label in meaning.classes}
    facts |= request.facts
    facts |= {
        "name": request.name,
        "version": version,
        "task": meaning.task,
        "classes": meaning.classes,
        "length": staged.length,
        "benchmarks": ("classification", "filters", *(("attribution",) if known else ())),
        "known_motifs": known,
        "columns": [
            {
                "name": name,
                "type": "int64" if str(column.type) == "int64" else "string",
                "meaning": _meaning(name, origin),
            }
            for name, column in zip(staged.about.column_names, staged.about.columns, strict=True)
            if name != "motifs"
        ],
    }
    try:
        return Card.model_validate(facts)
    except ValidationError as error:
        raise DataError(f"the card of {request.name!r} would not be valid: {describe_invalid(error)}") from error


def check_name(name: str) -> None:
    """Raise DataError for what cannot be the name of a data set."""
    if not re.fullmatch(DATASET_NAME, name):
        raise DataError(
            f"{name!r} cannot be the name of a data set: it has 1 to 64 lower-case letters, digits and hyphens, such "
            "as my-tf, and begins with a letter or digit."
        )


def known_motifs(texts: Sequence[str], classes: Sequence[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Known motifs by class, from texts `NAME=ID`, `NAME=ID,ID` or `CLASS:NAME=ID`.

    Raises DataError for another form or a class that is not stated where there are several, and UnknownNameError for
    an id that JASPAR 2016 does not have.
    """
    identifiers = {motif.id for motif in jaspar2016()}
    known: dict[str, dict[str, tuple[str, ...]]] = {}
    for text in texts:
        key, mark, values = text.rpartition("=")
        ids = tuple(value.strip() for value in values.split(",") if value.strip())
        # Names of motifs may have colons, as Pou5f1::Sox2 has; the longest class that fits is meant.
        prefixes = [label for label in classes if key.startswith(f"{label}:") and not key.startswith(f"{label}::")]
        label = max(prefixes, key=len) if prefixes else classes[0] if len(classes) == 1 else None
        name = key[len(label) + 1 :] if prefixes and label else key
        if not mark or not ids or not name.strip() or label is None:
            form = "NAME=ID" if len(classes) == 1 else "CLASS:NAME=ID"
            raise DataError(
                f"the known motif {text!r} is not of the form {form}, with a JASPAR id: write, for example, "
                + ("TP53=MA0106.3." if len(classes) == 1 else f"{classes[0]}:GATA1=MA0035.3.")
            )
        for identifier in ids:
            if identifier not in identifiers:
                raise unknown_name("JASPAR 2016 motif", identifier, identifiers)
        known.setdefault(label, {})[name.strip()] = ids
    return known


def described(files: Sequence[Given]) -> str:
    """Names and hashes of the files, for the card's source."""
    paths: list[Path] = []
    for given in files:
        paths += sorted(given.path.rglob("*.parquet")) if given.path.is_dir() else [given.path]
    return "; ".join(f"{path.name}, {path.stat().st_size:,} bytes, sha256 {sha256_file(path)}" for path in paths)


def write_card(card: Card, folder: Path) -> None:
    """Write `card.toml`, what is empty left out."""
    fields: Mapping[str, Any] = card.model_dump(mode="json", exclude_none=True)
    required = {name for name, field in Card.model_fields.items() if field.is_required()}
    kept = {name: value for name, value in fields.items() if name in required or value not in ("", [], {})}
    write_text(folder / "card.toml", _HEAD + tomli_w.dumps(kept))


def _meaning(name: str, origin: Card | None) -> str:
    stated = {column.name: column.meaning for column in origin.columns} if origin is not None else {}
    return stated.get(name) or _MEANINGS.get(name) or f"{name}, from the file"
