"""The records of a benchmark's controls, with the honest stamps of what each one is."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ....data_cards.content import SequenceDataset
from ....data_cards.duplicates import leaked
from ....data_cards.motifs import Motif, content_hash, jaspar2016, search_database
from ....zoo.device import describe_device, pick_device
from ....zoo.shapes import plan
from ...attribution.scores import score_maps
from ...benchmark import evaluate_trial
from ...groups import GROUPS, Group
from ...protocol import METHODS, PROTOCOL
from ...run import TrialRun, versions
from ...targets import Targets, targets
from ..details import details
from ..record import Control, Record, record_of
from .maps import random_maps, scan_maps
from .networks import SCAN, SEEDS, scan_source, untrained_recipes, untrained_sources

SOURCE: Final = "controls"  # a record's source: nothing was submitted, this package makes the rows
SUBMITTER: Final = "motifzoo"
RANDOM: Final = "random-attribution"


class Row(NamedTuple):
    """A record, and the files of its model's page by their path in the store."""

    record: Record
    files: Mapping[str, bytes]


def control_rows(dataset: SequenceDataset, work: Path, submitted: str) -> Iterator[Row]:
    """All control rows of a data set's benchmark but those of networks with shuffled labels, computed on the CPU.

    work: a folder for model folders and results. The motif scan is a control where motifs were planted; on real DNA a
    scan is what attribution maps are compared with, so it would be compared with itself. Raises what evaluation does.
    """
    yield from _untrained(dataset, work, submitted)
    if dataset.card.generator is not None:
        yield _scan(dataset, work, submitted)
    if "attribution" in dataset.card.benchmarks:
        yield from _random(dataset, submitted)


def command_of(benchmark: str) -> str:
    """The command that computes a benchmark's control rows anew."""
    return f"python -m motifzoo.evaluate.leaderboard.controls {benchmark} --board FOLDER"


def _untrained(dataset: SequenceDataset, work: Path, submitted: str) -> Iterator[Row]:
    for recipe in untrained_recipes(dataset.card.name):
        for source in untrained_sources(recipe, dataset, work):
            result, folder, _ = evaluate_trial(source, work, dataset=dataset)
            stamps = result.stamps.model_copy(update={"command": command_of(result.benchmark)})
            result = result.model_copy(update={"stamps": stamps})
            record = record_of(
                result,
                source=SOURCE,
                submitter=SUBMITTER,
                submitted=submitted,
                variant=recipe.variant,
                control="untrained",
                parameters=plan(source.config.layers, source.config.input_length).parameters,
            )
            yield Row(record, details(result, folder) if source.trial == 0 else {})


def planted_motifs(dataset: SequenceDataset) -> list[Motif]:
    """The motifs that were planted in the training sequences for which some class is true, ordered by id."""
    true = np.flatnonzero(dataset.train.labels.any(axis=1))
    names = set(dataset.train.placements.take(true).motif.tolist())
    return sorted((motif for motif in jaspar2016() if motif.id in names), key=lambda motif: motif.id)


def _scan(dataset: SequenceDataset, work: Path, submitted: str) -> Row:
    motifs = planted_motifs(dataset)
    source = scan_source(motifs, dataset, work)
    run = TrialRun(source, dataset)
    scores = Group({}, {}, [f"The filters are the planted motifs {', '.join(motif.name for motif in motifs)}."], {})
    if "filters" in dataset.card.benchmarks:
        scores = _joined(scores, GROUPS["filters"](run))
    if "attribution" in dataset.card.benchmarks:
        aim = targets(dataset.card, run.test)
        about = "The map is the best match, on either strand, of any planted motif that covers a position."
        scores = _joined(scores, _map_scores(scan_maps(aim.codes, motifs), aim, about))
    return Row(_record(dataset, SCAN, 0, "motif_scan", scores, source.sha256, run.left_out, submitted), {})


def _random(dataset: SequenceDataset, submitted: str) -> Iterator[Row]:
    kept = np.flatnonzero(~leaked(dataset))
    aim = targets(dataset.card, dataset.test.subset(kept))
    for seed in SEEDS:
        scores = _map_scores(
            random_maps(kept[aim.rows], aim.codes.shape[1], seed), aim, f"The map is uniform noise from seed {seed}."
        )
        definition = {"control": RANDOM, "noise": "PCG64(SeedSequence([seed, row])), 53 bits", "seed": seed}
        digest = hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()
        left_out = len(dataset.test) - len(kept)
        yield Row(_record(dataset, RANDOM, seed, "random_attribution", scores, digest, left_out, submitted), {})


def _map_scores(maps: npt.NDArray[np.float64], aim: Targets, about: str) -> Group:
    """A map's scores, under the name of every method: none of them made it, and it stands beside all."""
    metrics: dict[str, float | None] = {}
    n: dict[str, int] = {}
    for name, values in score_maps(maps, aim.information)._asdict().items():
        defined = values[np.isfinite(values)]
        for method in METHODS:
            metrics[f"attribution/{method}/{aim.prefix}{name}"] = float(defined.mean()) if len(defined) else None
            n[f"attribution/{method}/{aim.prefix}{name}"] = len(defined)
    return Group(metrics, n, [*aim.notes, f"{about} Its scores stand under every attribution method."], {})


def _joined(one: Group, other: Group) -> Group:
    return Group(one.metrics | other.metrics, one.n | other.n, one.notes + other.notes, {})


def _record(
    dataset: SequenceDataset,
    name: str,
    trial: int,
    control: Control,
    scores: Group,
    digest: str,
    left_out: int,
    submitted: str,
) -> Record:
    """The record of what is not a network with an architecture; `digest` is the hash of what it is."""
    card = dataset.card
    return Record(
        benchmark=card.benchmark,
        model=f"{name}.{card.name}",
        trial=trial,
        architecture=name,
        activation="none",
        dataset=card.name,
        control=control,
        metrics=scores.metrics,
        n=scores.n,
        left_out=left_out,
        notes=tuple(scores.notes),
        model_sha256=digest,
        data_fingerprint=dataset.fingerprint,
        motifs_sha256=content_hash(search_database()),
        protocol=PROTOCOL,
        versions=versions(),
        device=describe_device(pick_device()),
        command=command_of(card.benchmark),
        source=SOURCE,
        submitter=SUBMITTER,
        submitted=submitted,
    )
