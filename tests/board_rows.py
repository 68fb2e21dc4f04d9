"""Records for tests of the leaderboard, made from the few facts a test is about."""

from functools import cache
from typing import Any

from motifzoo.data_cards.cards import load_card
from motifzoo.data_cards.motifs import content_hash, search_database
from motifzoo.evaluate.leaderboard.record import Record, Verification
from motifzoo.evaluate.protocol import PROTOCOL

BENCHMARK = "synthetic-codes@1"
OTHER_SHA256 = "f" * 64


@cache
def _usual() -> Record:
    name = "tiny-relu.synthetic-codes"
    return Record(
        benchmark=BENCHMARK,
        model=name,
        trial=0,
        architecture="tiny",
        activation="relu",
        dataset="synthetic-codes",
        metrics={"classification/auroc": 0.9},
        n={},
        model_sha256="0" * 64,
        data_fingerprint=load_card("synthetic-codes").fingerprint,
        motifs_sha256=content_hash(search_database()),
        protocol=PROTOCOL,
        versions={},
        device="cpu",
        command=f"motifzoo evaluate {name}",
        source=f"models/{name}",
        submitter="somebody",
        submitted="2025-01-01T00:00:00+00:00",
    )


def make_record(model: str = "tiny-relu.synthetic-codes", trial: int = 0, **facts: Any) -> Record:
    """A claimed record with the current stamps of synthetic-codes@1, and whatever `facts` say otherwise, unchecked."""
    return _usual().model_copy(update={"model": model, "trial": trial, **facts})


def make_verification(metrics: dict[str, float | None], **facts: Any) -> Verification:
    """What a maintainer found."""
    return Verification(
        by="a maintainer", at="2025-01-02T00:00:00+00:00", device="cpu", versions={}, metrics=metrics, **facts
    )
