"""The generated files of data set folders: current, valid for the tools that read them, and true of the tables."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import DatasetCard

from motifzoo.data_cards import refresh
from motifzoo.data_cards.cards import PACKAGED, SPLITS, Card, load_card
from motifzoo.data_cards.content import SequenceDataset, Split, no_placements
from motifzoo.data_cards.generate import generate
from motifzoo.data_cards.load import load_dataset
from motifzoo.data_cards.pages import card_files, write_pages
from motifzoo.data_cards.pages.eval_yaml import headline_metrics, task_id
from motifzoo.data_cards.pages.front_matter import feature
from motifzoo.data_cards.pages.tables import PUBLIC_SPLIT, columns
from motifzoo.data_cards.store import open_splits, write_splits
from motifzoo.errors import DataError
from motifzoo.evaluate.metric_table import METRICS

SHARED = Path(__file__).parent.parent.parent / "shared" / "data"
NAMES = sorted(path.parent.name for path in PACKAGED.glob("*/card.toml"))
UNBUILT = ("basset-dnase164", "deepsea-tf12")  # their sources are too large for a test, or served by nobody


@pytest.fixture(scope="module", autouse=True)
def offline() -> Iterator[None]:
    """Folders are opened without asking any server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
        yield


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built folder of a small synthetic data set whose card states neither sizes nor fingerprint nor balance."""
    card = load_card("synthetic-codes")
    small = card.model_copy(update={"splits": {"train": 140, "valid": 20, "test": 40}, "fingerprint": ""})
    drawn = generate(small)
    folder = tmp_path_factory.mktemp("built") / "synthetic-codes"
    unstated = small.model_copy(update={"splits": {}, "positives": {}})
    write_pages(write_splits(unstated, drawn.splits(), folder), folder)
    return folder


def hugging_face(folder: Path, cache: Path, caplog: pytest.LogCaptureFixture) -> datasets.DatasetDict:
    """A folder as its users open it; the library has nothing to remark."""
    opened = datasets.load_dataset(str(folder), cache_dir=str(cache))
    assert isinstance(opened, datasets.DatasetDict)
    assert [record.getMessage() for record in caplog.records if record.name.startswith("datasets")] == []
    return opened


def front_matter(folder: Path) -> dict[str, Any]:
    return DatasetCard.load(folder / "README.md").data.to_dict()


def croissant(folder: Path) -> Any:
    import mlcroissant

    return mlcroissant.Dataset(jsonld=folder / "croissant.json")


def test_there_are_eleven() -> None:
    assert len(NAMES) == 11


def test_packaged_files_are_current() -> None:
    """If this fails: python -m motifzoo.data_cards.refresh."""
    assert sorted(refresh.stale_files()) == []


def test_changed_and_missing_files_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("chip-rest", "dhs-4cell"):
        shutil.copytree(PACKAGED / name, tmp_path / name)
    monkeypatch.setattr(refresh, "PACKAGED", tmp_path)
    assert refresh.stale_files() == {}
    kept = (tmp_path / "chip-rest" / "README.md").read_text(encoding="utf-8")
    (tmp_path / "chip-rest" / "README.md").write_text(kept + "More.\n", encoding="utf-8")
    (tmp_path / "dhs-4cell" / "eval.yaml").unlink()
    assert sorted(refresh.stale_files()) == [
        tmp_path / "chip-rest" / "README.md",
        tmp_path / "dhs-4cell" / "eval.yaml",
    ]
    assert refresh.stale_files()[tmp_path / "chip-rest" / "README.md"] == kept


@pytest.mark.parametrize("name", NAMES)
def test_front_matter(name: str) -> None:
    card, matter = load_card(name), front_matter(PACKAGED / name)
    assert matter["pretty_name"] == card.title
    assert matter["license"] == {"MIT": "mit", "Apache-2.0": "apache-2.0"}.get(card.licence, "unknown")
    (config,) = matter["configs"]
    assert config["data_files"] == [
        {"split": "train", "path": "train.parquet"},
        {"split": "validation", "path": "valid.parquet"},
        {"split": "test", "path": "test.parquet"},
    ]
    assert ("size_categories" in matter) == (name not in UNBUILT)


def test_sizes_in_front_matter() -> None:
    """Where there are tables; Hugging Face's library takes no sizes without bytes, which only tables have."""
    described = front_matter(PACKAGED / "dhs-4cell")["dataset_info"]["splits"]
    assert {split["name"]: split["num_examples"] for split in described} == {
        "train": 39_254,
        "validation": 4_053,
        "test": 4_565,
    }
    for split in described:
        assert split["num_bytes"] > 200 * split["num_examples"]
    assert "splits" not in front_matter(PACKAGED / "chip-rest")["dataset_info"]


@pytest.mark.parametrize(
    ("name", "category"),
    [("chip-irf1", "1K<n<10K"), ("chip-rest", "10K<n<100K"), ("synthetic-motifs", "10K<n<100K")],
)
def test_size_category(name: str, category: str) -> None:
    assert front_matter(PACKAGED / name)["size_categories"] == [category]


@pytest.mark.parametrize("name", NAMES)
def test_eval_yaml(name: str) -> None:
    card = load_card(name)
    content = yaml.safe_load((PACKAGED / name / "eval.yaml").read_text(encoding="utf-8"))
    assert list(content) == ["name", "description", "evaluation_framework", "tasks"]
    assert (content["name"], content["evaluation_framework"]) == (f"{name}@1", "motifzoo")
    (config,) = front_matter(PACKAGED / name)["configs"]
    assert {(task["config"], task["split"]) for task in content["tasks"]} == {(config["config_name"], "test")}
    ids = [task["id"] for task in content["tasks"]]
    assert len(set(ids)) == len(ids)
    assert {id_.split("_")[0] for id_ in ids} == set(card.benchmarks)


def test_headline_metrics_exist_and_are_better_when_higher() -> None:
    for metric in {metric for name in NAMES for metric in headline_metrics(load_card(name))}:
        assert METRICS[metric].higher_is_better, metric


def test_task_id() -> None:
    assert task_id("attribution/saliency/auroc") == "attribution_saliency_auroc"


@pytest.mark.parametrize(
    ("name", "metrics"),
    [
        ("basset-dnase164", ["classification/auroc", "classification/aupr", "filters/match_any"]),
        (
            "synthetic-motifs",
            ["classification/auroc", "classification/aupr", "filters/match_any", "filters/match_fraction"],
        ),
        (
            "chip-zbed2",
            [
                "classification/auroc",
                "classification/aupr",
                "filters/match_any",
                "filters/target_match",
                "attribution/saliency/scan_auroc",
                "attribution/mutagenesis/scan_auroc",
                "attribution/integrated_gradients/scan_auroc",
                "attribution/deepshap/scan_auroc",
            ],
        ),
    ],
)
def test_headline_metrics(name: str, metrics: list[str]) -> None:
    assert list(headline_metrics(load_card(name))) == metrics


@pytest.mark.parametrize("name", NAMES)
def test_croissant_is_valid(name: str) -> None:
    """The reference implementation finds neither errors nor anything recommended that is missing."""
    card, opened = load_card(name), croissant(PACKAGED / name)
    assert opened.metadata.ctx.issues.errors == set()
    assert opened.metadata.ctx.issues.warnings == set()
    assert opened.metadata.ctx.conforms_to.value == "http://mlcommons.org/croissant/1.1"
    assert (opened.metadata.name, opened.metadata.version) == (name, "1.0.0")
    assert opened.metadata.data_limitations == list(card.traps)
    for responsible in ("data_collection", "data_use_cases", "personal_sensitive_information"):
        assert getattr(opened.metadata, responsible)
    classes = [record["classes/name"] for record in opened.records("classes")]
    assert tuple(name.decode() if isinstance(name, bytes) else name for name in classes) == card.classes


@pytest.mark.parametrize("name", [name for name in NAMES if name != "dhs-4cell"])
def test_croissant_without_tables_names_the_sources(name: str) -> None:
    files = json.loads((PACKAGED / name / "croissant.json").read_text(encoding="utf-8")).get("distribution", [])
    known = [source for source in load_card(name).sources if source.sha256]
    assert [(file["contentUrl"], file["sha256"]) for file in files] == [(s.url, s.sha256) for s in known]


def test_packaged_tables_open_with_hugging_face(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    opened, expected = hugging_face(PACKAGED / "dhs-4cell", tmp_path, caplog), load_dataset("dhs-4cell")
    assert list(opened) == ["train", "validation", "test"]
    for name, split in expected.splits():
        rows = opened[PUBLIC_SPLIT[name]]
        assert rows.data.table.combine_chunks() == split.to_arrow().combine_chunks()


def test_packaged_croissant_reads_the_tables(tmp_path: Path) -> None:
    """From a copy of the folder, without a network; the hashes are those of the files."""
    folder = shutil.copytree(PACKAGED / "dhs-4cell", tmp_path / "dhs-4cell")
    opened = croissant(folder)
    assert {file.id: file.sha256 for file in opened.metadata.file_objects} == {
        f"{name}.parquet": hashlib.sha256((folder / f"{name}.parquet").read_bytes()).hexdigest() for name in SPLITS
    }
    records = [record for record, _ in zip(opened.records("validation"), range(50), strict=False)]
    rows = pq.read_table(folder / "valid.parquet").slice(0, 50).to_pylist()
    assert [{key: plain(value) for key, value in record.items()} for record in records] == [
        {f"validation/{key}": value for key, value in row.items()} for row in rows
    ]


def plain(value: Any) -> Any:
    """What mlcroissant yields, with text where it has bytes."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, np.ndarray)):
        return [plain(inner) for inner in value]
    return value.decode() if isinstance(value, bytes) else value


def test_built_folder_opens_with_hugging_face(built: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    opened = hugging_face(built, tmp_path, caplog)
    for name, split in open_splits(load_card("synthetic-codes"), built).splits():
        assert opened[PUBLIC_SPLIT[name]].to_list() == split.to_arrow().to_pylist()


def test_built_folder_says_what_its_card_did_not(built: Path) -> None:
    test = open_splits(load_card("synthetic-codes"), built).test
    positive = int(test.labels.sum())
    text = (built / "README.md").read_text(encoding="utf-8")
    assert f"| test (`test.parquet`) | 40 | {positive} ({positive / 40:.1%}) |" in text
    assert front_matter(built)["dataset_info"]["splits"][0]["num_examples"] == 140


def test_built_croissant_reads_planted_motifs(built: Path) -> None:
    opened = croissant(built)
    assert opened.metadata.ctx.issues.warnings == set()
    rows = pq.read_table(built / "test.parquet").to_pylist()
    for record, row in zip(opened.records("test"), rows, strict=True):
        assert plain(record["test/sequence"]) == row["sequence"]
        assert plain(record["test/motifs"]) == [
            {f"test/motifs/{key}": value for key, value in motif.items()} for motif in row["motifs"]
        ]


def test_further_columns_of_ones_own(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Columns that the card does not describe are there all the same, with their types."""
    card = load_card("chip-rest").model_copy(
        update={"name": "mine", "length": 4, "splits": {}, "positives": {}, "fingerprint": "", "known_motifs": {}}
    )
    about = pa.table({"id": ["a", "b"], "start": pa.array([1, 2], pa.int64()), "score": [0.5, 1.5]})
    codes, labels = np.zeros((2, 4), np.uint8), np.array([[0], [1]], np.int8)
    split = Split(codes, labels, no_placements(), about)
    folder = tmp_path / "mine"
    write_pages(write_splits(card, SequenceDataset(card, split, split, split).splits(), folder), folder)
    opened = hugging_face(folder, tmp_path / "cache", caplog)
    assert opened["test"].to_list() == [
        {"sequence": "AAAA", "label": [0], "id": "a", "start": 1, "score": 0.5},
        {"sequence": "AAAA", "label": [1], "id": "b", "start": 2, "score": 1.5},
    ]
    records = list(croissant(folder).records("test"))
    assert [record["test/score"] for record in records] == [0.5, 1.5]


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.int8(),
        pa.int64(),
        pa.float32(),
        pa.float64(),
        pa.bool_(),
        pa.list_(pa.int8()),
        pa.list_(pa.list_(pa.int32())),
        pa.struct([("a", pa.string()), ("b", pa.float64())]),
        pa.list_(pa.struct([("id", pa.string()), ("start", pa.int32())])),
    ],
    ids=str,
)
def test_features_are_written_as_hugging_face_writes_them(kind: pa.DataType) -> None:
    """The oracle is the library's own serialisation."""
    schema = pa.schema([("column", kind)])
    assert [feature(field) for field in schema] == datasets.Features.from_arrow_schema(schema)._to_yaml_list()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in UNBUILT])
def test_card_is_true_of_the_data(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Balance, columns and audit are those of what is built from the real sources; loading checks the rest."""
    card = load_card(name)
    if card.sources and name != "dhs-4cell":
        if not SHARED.is_dir():
            pytest.skip("the sources are not on this machine")
        monkeypatch.setenv("MOTIFZOO_MIRROR", str(SHARED))
    dataset = load_dataset(name)
    counted = {split: tuple(part.labels.sum(axis=0, dtype=int).tolist()) for split, part in dataset.splits()}
    assert card.positives == counted
    for _, part in dataset.splits():
        schema = part.to_arrow(motifs=card.generator is not None).schema
        assert columns(card, {}).equals(schema)
    audited = json.loads((PACKAGED / name / "audit.json").read_text(encoding="utf-8"))
    assert (audited["dataset"], audited["fingerprint"]) == (name, card.fingerprint)


def audited_copy(tmp_path: Path, change: dict[str, Any]) -> tuple[Card, Path]:
    folder = shutil.copytree(PACKAGED / "chip-gabpa", tmp_path / "chip-gabpa")
    content = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    (folder / "audit.json").write_text(json.dumps(content | change), encoding="utf-8")
    return load_card("chip-gabpa"), folder


def test_audit_is_summarised(tmp_path: Path) -> None:
    card, folder = audited_copy(tmp_path, {})
    leaked = "16 of 3,150 test sequences are also in train"
    assert leaked in card_files(card, folder)["README.md"]
    (folder / "audit.json").unlink()
    assert "## Audit" not in card_files(card, folder)["README.md"]


def test_audit_of_other_data(tmp_path: Path) -> None:
    card, folder = audited_copy(tmp_path, {"fingerprint": "0" * 64})
    with pytest.raises(DataError) as error:
        card_files(card, folder)
    assert str(error.value) == (
        f"{folder / 'audit.json'} is of data with fingerprint 000000000000, and the card of 'chip-gabpa' says "
        "bbddba101d1e. Make it again: python -m motifzoo.data_cards.refresh --audit."
    )


def test_audit_that_is_none(tmp_path: Path) -> None:
    card, folder = audited_copy(tmp_path, {"leeked": 3})
    with pytest.raises(DataError) as error:
        card_files(card, folder)
    assert str(error.value) == (
        f"{folder / 'audit.json'} is no audit. Make it again: python -m motifzoo.data_cards.refresh --audit."
    )
