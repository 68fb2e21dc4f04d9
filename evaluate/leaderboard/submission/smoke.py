"""A tiny benchmark on which a submission is tried before anything that takes long: every score, on a few sequences."""

import dataclasses
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch

from ....data_cards.cards import Card, Generator, load_card
from ....data_cards.content import SequenceDataset
from ....data_cards.generate import generate
from ....data_cards.motifs import jaspar2016
from ....errors import MotifzooError
from ....zoo.builder import Network
from ....zoo.load import load_source
from ....zoo.sources import Source
from ...benchmark import evaluate_trial
from ...results import Result
from ...run import Progress
from .limits import refusal

POSITIVES: Final = 4  # sequences with the first class, which are explained: most of the time goes there
NEGATIVES: Final = 8
_DRAWN: Final = 100
_PLANTED: Final = 12  # motifs at most: more classes share them
_SEED: Final = 5


class Smoke(NamedTuple):
    """How the trial fared: its scores on the tiny benchmark, and how long they took in seconds."""

    result: Result
    seconds: float


def tiny_dataset(name: str) -> SequenceDataset:
    """Twelve synthetic sequences in the shape of a data set: its length, its number of classes, all kinds of scores.

    Each class is the presence of one of twelve motifs; further classes repeat them.
    """
    like = load_card(name)
    classes = len(like.classes)
    first_of_name = {motif.name: motif.id for motif in reversed(jaspar2016())}
    names = sorted(first_of_name, key=str.lower)[: min(max(classes, 2), _PLANTED)]
    card = Card.model_validate(
        {
            **{field: getattr(like, field) for field in ("title", "summary", "length", "monitor")},
            **dict.fromkeys(("assay", "organism", "genome", "licence", "source", "citation"), "none"),
            "name": "tiny",
            "version": 1,
            "task": "multi-label",
            "classes": names,
            "benchmarks": ("classification", "filters", "attribution"),
            "splits": {"train": 1, "valid": 1, "test": _DRAWN},
            "ground_truth": {name: (first_of_name[name],) for name in names},
            "generator": Generator(
                seed=_SEED, core=tuple(names), count_probabilities=(0, 0.5, 0.5), count_offset=1, gap_high=1.0
            ),
        }
    )
    drawn = generate(card).test
    positive = drawn.labels[:, 0] == 1
    rows = np.concatenate([np.flatnonzero(positive)[:POSITIVES], np.flatnonzero(~positive)[:NEGATIVES]])
    labels = np.ascontiguousarray(drawn.labels[np.ix_(rows, np.arange(classes) % len(names))])
    test = dataclasses.replace(drawn.subset(rows), labels=labels)
    other = drawn.subset(np.setdiff1d(np.arange(len(drawn)), rows)[:1])
    other = dataclasses.replace(other, labels=np.zeros((1, classes), np.int8))
    shape = {"classes": like.classes, "task": "binary" if classes == 1 else "multi-label"}
    return SequenceDataset(card.model_copy(update=shape), other, other, test)


def smoke_test(source: Source, *, device: str = "cpu", progress: Progress | None = None) -> Smoke:
    """Load one trial and compute every score of the tiny benchmark, end to end: seconds on a CPU.

    Raises BoardError for a network that puts out the same for all sequences, NaN or infinity, or that some score
    cannot be computed of, with the reason.
    """
    dataset = tiny_dataset(source.config.dataset.name)
    started = time.perf_counter()
    what = f"submission {source.config.name}"
    try:
        reasons = _wrong_outputs(load_source(source, device), dataset)
        if reasons:
            raise refusal(what, [f"trial {source.trial}: {reason}" for reason in reasons])
        with tempfile.TemporaryDirectory(prefix="motifzoo-smoke-") as scratch:
            result = evaluate_trial(source, Path(scratch), dataset=dataset, device=device, progress=progress).result
    except (RuntimeError, MemoryError) as error:
        reason = " ".join(str(error).split()) or "out of memory"
        raise refusal(what, [f"trial {source.trial} cannot be computed: {reason}."]) from error
    except MotifzooError as error:
        if str(error).startswith(what):
            raise
        raise refusal(what, [f"trial {source.trial}: {error}"]) from error
    return Smoke(result, time.perf_counter() - started)


def _wrong_outputs(network: Network, dataset: SequenceDataset) -> list[str]:
    """Why the network's outputs for a few sequences cannot be scored."""
    device = next(network.parameters()).device
    with torch.inference_mode():
        onehot = torch.from_numpy(dataset.test.onehot()).to(device)
        maps, logits = network.feature_maps(onehot).cpu(), network(onehot).cpu()
    reasons = []
    if not torch.isfinite(logits).all():
        bad = int((~torch.isfinite(logits)).any(dim=1).sum())
        reasons.append(f"its outputs are NaN or infinite for {bad} of {len(logits)} sequences.")
    elif bool((logits == logits[0]).all()):
        reasons.append("its outputs are the same for all sequences, so there is nothing to score.")
    if not torch.isfinite(maps).any(dim=2).any(dim=0).any():
        reasons.append(f"the maps of filter layer {network.filter_layer!r} are NaN or infinite for every filter.")
    return reasons
