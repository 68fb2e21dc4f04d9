"""croissant.json: the data set in MLCommons' Croissant 1.1, with the fields of its responsible-AI extension.

Source: the Croissant format specification 1.1 and the Croissant RAI specification 1.0, mlcommons.org/croissant.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from ..cards import SPLITS, Card, Source, SplitName
from .front_matter import HUB_LICENCES, tags
from .readme import preparation
from .tables import PUBLIC_SPLIT, Table, Tables, meanings

_VERSION: Final = "http://mlcommons.org/croissant/1.1"
_RAI: Final = "http://mlcommons.org/croissant/RAI/1.0"
_TERMS: Final = (
    "arrayShape citeAs column containedIn equivalentProperty extract field fileProperty fileObject fileSet format "
    "includes isArray isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace "
    "samplingRate separator source subField transform"
)
_CONTEXT: Final = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS.split()},
}
_MEDIA_TYPES: Final = {".h5": "application/x-hdf5", ".fasta": "text/x-fasta", ".whl": "application/zip"}
_USES: Final = (
    "Training sequence classifiers, comparing them, and measuring whether their filters and attribution maps show "
    "motifs that are known. Not validated for any clinical or diagnostic use."
)
_NO_PERSONS: Final = "None: short pieces of DNA with labels, without a record of any person."


def croissant(card: Card, tables: Tables, findings: Sequence[str]) -> str:
    """The text of croissant.json. Records are described where there are tables; else the files they are made of are."""
    content: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": card.name,
        "alternateName": card.title,
        "description": card.summary,
        "conformsTo": [_VERSION, _RAI],
        "version": f"{card.version}.0.0",
        "license": f"https://spdx.org/licenses/{card.licence}.html" if card.licence in HUB_LICENCES else card.licence,
        "url": card.homepage,
        "citeAs": "\n".join(line for line in card.citation.splitlines() if line),
        "datePublished": card.published,
        "creator": [{"@type": "sc:Person", "name": name} for name in card.creators],
        "keywords": tags(card),
        "isBasedOn": [source.url for source in card.sources if source.url] if tables else [],
        "rai:dataCollection": " ".join(card.collection.split()),
        "rai:dataCollectionRawData": card.source,
        "rai:dataPreprocessingProtocol": [preparation(card)],
        "rai:dataUseCases": [_USES],
        "rai:dataLimitations": list(card.traps),
        "rai:dataBiases": list(findings),
        # What a user added, nobody here can vouch for.
        "rai:personalSensitiveInformation": [_NO_PERSONS] if card.reader or card.generator else [],
        "distribution": [_table_file(name, table) for name, table in tables.items()]
        or [file for source in card.sources if (file := _source_file(source))],
        "recordSet": [
            *_splits(card),
            _classes(card),
            *(_records(card, name, table) for name, table in tables.items()),
        ],
    }
    return json.dumps({key: value for key, value in content.items() if value}, indent=2, ensure_ascii=False) + "\n"


def _table_file(name: SplitName, table: Table) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": table.file,
        "name": table.file,
        "description": f"The {PUBLIC_SPLIT[name]} split.",
        "contentUrl": table.file,
        "contentSize": f"{table.bytes} B",
        "encodingFormat": "application/x-parquet",
        "sha256": table.sha256,
    }


def _source_file(source: Source) -> dict[str, Any] | None:
    """The source as a file to download; None where the format's demand for URL and hash cannot be met."""
    if source.url is None or source.sha256 is None:
        return None
    suffix = source.file[source.file.rindex(".") :] if "." in source.file else ""
    return {
        "@type": "cr:FileObject",
        "@id": source.file,
        "name": source.file,
        "description": "A file of the source, which the tables are made of.",
        "contentUrl": source.url,
        "contentSize": f"{source.bytes} B",
        "encodingFormat": _MEDIA_TYPES.get(suffix, "application/octet-stream"),
        "sha256": source.sha256,
    }


def _splits(card: Card) -> list[dict[str, Any]]:
    if not card.splits:
        return []
    fields = {"name": ("sc:Text", "name of the split"), "sequences": ("sc:Integer", "how many sequences it has")}
    rows = [{"name": PUBLIC_SPLIT[name], "sequences": card.splits[name]} for name in SPLITS]
    return [_inline("splits", "cr:Split", "name", fields, rows)]


def _classes(card: Card) -> dict[str, Any]:
    fields = {
        "index": ("sc:Integer", "position in the list `label`"),
        "name": ("sc:Text", "what a 1 there says that the sequence is"),
    }
    rows = [{"index": index, "name": name} for index, name in enumerate(card.classes)]
    return _inline("classes", "sc:Enumeration", "index", fields, rows)


def _inline(
    name: str, kind: str, key: str, fields: dict[str, tuple[str, str]], rows: list[dict[str, Any]]
) -> dict[str, Any]:
    """A record set that stands in the file itself."""
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "dataType": kind,
        "key": {"@id": f"{name}/{key}"},
        "field": [
            {"@type": "cr:Field", "@id": f"{name}/{field}", "name": field, "description": text, "dataType": type_}
            for field, (type_, text) in fields.items()
        ],
        "data": [{f"{name}/{field}": value for field, value in row.items()} for row in rows],
    }


def _records(card: Card, split: SplitName, table: Table) -> dict[str, Any]:
    name, meaning = PUBLIC_SPLIT[split], meanings(card)
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"The sequences of the {name} split.",
        "field": [_field(name, table.file, field, meaning.get(field.name, field.name)) for field in table.schema],
    }


def _field(parent: str, file: str, column: pa.Field, meaning: str) -> dict[str, Any]:
    """A column as a field: a list is an array, a list of structs has a sub-field for each of their entries."""
    source = {"fileObject": {"@id": file}, "extract": {"column": column.name}}
    described: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{parent}/{column.name}",
        "name": column.name,
        "description": meaning,
    }
    kind = column.type
    if pa.types.is_list(kind):
        described |= {"isArray": True, "arrayShape": "-1"}
        kind = kind.value_type
    if pa.types.is_struct(kind):
        described["subField"] = [
            {
                "@type": "cr:Field",
                "@id": f"{parent}/{column.name}/{inner.name}",
                "name": inner.name,
                "dataType": _data_type(inner.type),
                "source": source | {"transform": {"jsonPath": inner.name}},
            }
            for inner in (kind.field(index) for index in range(kind.num_fields))
        ]
        return described
    return described | {"dataType": _data_type(kind), "source": source}


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(kind) else "sc:Boolean" if pa.types.is_boolean(kind) else "sc:Text"
