"""Boards for the tests of the pages: made-up records, and a folder that holds them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from motifzoo.data_cards.cards import load_card
from motifzoo.data_cards.motifs import content_hash, query_motif, search_database, write_meme
from motifzoo.evaluate.leaderboard.details import write_maps
from motifzoo.evaluate.leaderboard.record import FreshDraw, Record, Verification
from motifzoo.evaluate.match_tsv import hits_tsv
from motifzoo.evaluate.protocol import METHODS, PROTOCOL
from motifzoo.evaluate.report.sides import Attribution
from motifzoo.evaluate.results import FilterResult, Result, SideFile, Stamps
from motifzoo.evaluate.tomtom import pvalues

BENCHMARK = "synthetic-codes@1"
AUROC = "classification/auroc"
MATCH = "filters/match_fraction"
METRICS = (
    AUROC,
    "classification/aupr",
    "filters/match_any",
    "filters/dead",
    MATCH,
    "filters/motif_coverage",
    *(f"attribution/{method}/{score}" for method in METHODS for score in ("auroc", "aupr")),
)
VERSIONS = {"python": "3.11.7", "motifzoo": "0.1.0", "torch": "2.13.0"}


def record(
    model: str = "cnn-dist-relu.synthetic-codes", trial: int = 0, value: float = 0.9, **changes: object
) -> Record:
    """A record whose scores are all about `value`; its weights are other ones for every model and trial."""
    name, _, dataset = model.partition(".")
    architecture, _, activation = name.rpartition("-")
    fields = {
        "benchmark": BENCHMARK,
        "model": model,
        "trial": trial,
        "architecture": architecture,
        "activation": activation,
        "dataset": dataset,
        "metrics": dict.fromkeys(METRICS, value),
        "n": dict.fromkeys(METRICS, 24),
        "model_sha256": hashlib.sha256(f"{model}:{trial}".encode()).hexdigest(),
        "data_fingerprint": load_card("synthetic-codes").fingerprint,
        "motifs_sha256": content_hash(search_database()),
        "protocol": PROTOCOL,
        "versions": VERSIONS,
        "device": "cpu (x86_64, 1 thread)",
        "command": f"motifzoo evaluate {model}:{trial} --device cpu",
        "source": "packaged",
        "submitter": "motifzoo",
        "submitted": "2026-11-20T10:00:00+00:00",
    }
    return Record.model_validate(fields | changes)


def trials(model: str, values: Sequence[float], **changes: object) -> list[Record]:
    """A record for each value."""
    return [record(model, trial, value, **changes) for trial, value in enumerate(values)]


def checked(claim: Record, *, shift: float = 0.0, fresh: float | None = None, problem: str | None = None) -> Record:
    """A record that a maintainer has recomputed: `shift` off the claim, which disputes it, and `fresh` less on fresh
    sequences."""
    found = {name: None if value is None else value + shift for name, value in claim.metrics.items()}
    drawn = None
    if fresh is not None:
        values = {name: None if value is None else value - fresh for name, value in found.items()}
        drawn = FreshDraw(seed=7, sequences=4000, metrics=values)
    verification = Verification(
        by="maintainer",
        at="2026-11-21T10:00:00+00:00",
        device="cpu",
        versions=VERSIONS,
        metrics={} if problem else found,
        differs=tuple(found) if shift else (),
        problem=problem,
        fresh=drawn,
    )
    trust = "disputed" if shift or problem else "recomputed"
    return claim.model_copy(update={"trust": trust, "verification": verification})


def write(folder: Path, records: Iterable[Record]) -> Path:
    """A board's folder with these records."""
    folder.mkdir(parents=True, exist_ok=True)
    write_files(folder, {str(item.path): item.to_json() for item in records})
    return folder


def details_of(item: Record, **changes: object) -> dict[str, bytes]:
    """Details for a record: a filter on YY1, one on nothing, a dead one, and maps of two sequences."""
    rng = np.random.default_rng(0)
    known = next(motif for motif in search_database() if motif.id == "MA0095.2")
    queries = [query_motif("filter0", known.probabilities), query_motif("filter1", rng.dirichlet([30] * 4, 20).T)]
    table = pvalues(queries, search_database())
    hits = [hit for hit in table.hits(0.1) if hit.query_id == "filter0"]
    best = table.best(1)
    filters = (
        FilterResult(
            filter=0,
            maximum=3.5,
            windows=200,
            dead=None,
            best_motif="MA0095.2",
            best_motif_name="YY1",
            best_e=min(hit.e_value for hit in hits),
            hits=tuple(hit.target_id for hit in hits),
            true_motif="YY1",
        ),
        FilterResult(filter=1, maximum=1.0, windows=90, dead=None, best_motif=best.target_id, best_e=best.e_value),
        FilterResult(filter=2, maximum=0.0, windows=0, dead="no windows"),
    )
    with TemporaryDirectory() as folder:
        write_meme(Path(folder) / "filters.meme", queries)
        meme = (Path(folder) / "filters.meme").read_bytes()
    information = np.zeros((2, 60))
    information[:, 20:32] = 1.5
    maps = {method: rng.normal(size=(2, 60)).astype(np.float32) for method in METHODS}
    codes = rng.integers(0, 4, (2, 60)).astype(np.uint8)
    found = Attribution(np.array([3, 8]), np.zeros(2, np.int64), codes, information, maps)
    files = {"filters.meme": meme, "hits.tsv": hits_tsv(hits).encode(), "maps.safetensors": write_maps(found)}
    stamps = Stamps(
        model_sha256=item.model_sha256,
        data_fingerprint=item.data_fingerprint,
        motifs_sha256=item.motifs_sha256,
        protocol=item.protocol,
        parameters={},
        seeds={},
        versions=dict(item.versions),
        device=item.device,
        seconds={},
        started=item.submitted,
        command=item.command,
    )
    result = Result(
        model=item.model,
        trial=item.trial,
        benchmark=item.benchmark,
        architecture=item.architecture,
        activation=item.activation,
        dataset=item.dataset,
        metrics=item.metrics,
        n=item.n,
        filters=filters,
        notes=(),
        stamps=stamps,
        files={
            Path(name).stem: SideFile(name=name, sha256=hashlib.sha256(content).hexdigest())
            for name, content in files.items()
        },
    ).model_copy(update=changes)
    prefix = f"{item.path.with_suffix('')}/"
    return {prefix + name: content for name, content in files.items()} | {
        f"{prefix}result.json": result.model_dump_json().encode()
    }


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Files of a board by their paths in it."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def many(count: int, seed: int = 0) -> list[Record]:
    """Records of `count` entries: three trials each, some of one trial, names and scores of usual length and spread."""
    rng = np.random.default_rng(seed)
    base = record()
    architectures = ("cnn-dist", "cnn-local", "cnn-deep", "dilated-res", "attention-cnn")
    activations = ("relu", "exponential", "sigmoid", "tanh", "softplus", "linear", "elu", "shift_scale_sigmoid")
    records = []
    for index in range(count):
        name = f"{architectures[index % 5]}-{index:04d}-{activations[index // 5 % 8]}.synthetic-codes"
        centre, spread = rng.uniform(0.55, 0.99, len(METRICS)), rng.uniform(0.002, 0.02)
        for trial in range(1 if index % 9 == 0 else 3):
            values = np.clip(rng.normal(centre, spread), 0, 1)
            changes = {
                "model": name,
                "trial": trial,
                "architecture": architectures[index % 5],
                "activation": activations[index // 5 % 8],
                "metrics": dict(zip(METRICS, values.tolist(), strict=True)),
                "submitter": f"laboratory-{index % 300}",
            }
            item = base.model_copy(update=changes)
            records.append(checked(item, fresh=float(rng.normal(0, 0.005))) if index % 3 else item)
    return records
