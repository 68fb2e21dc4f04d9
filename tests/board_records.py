"""Records and submissions made on the spot, for the tests of the board."""

import hashlib
from functools import cache
from typing import Any

from motifzoo.data_cards.cards import load_card
from motifzoo.data_cards.motifs import content_hash, search_database
from motifzoo.evaluate.leaderboard.record import Record
from motifzoo.evaluate.protocol import PROTOCOL

BENCHMARK = "synthetic-codes@1"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def stamps() -> dict[str, Any]:
    """Those of results that this version computes now."""
    return {
        "data_fingerprint": load_card("synthetic-codes").fingerprint,
        "motifs_sha256": content_hash(search_database()),
        "protocol": PROTOCOL,
    }


def record(model: str = "cnn-a-relu.synthetic-codes", trial: int = 0, **changes: Any) -> Record:
    """A claimed record with the current stamps; its weights are other ones for every model and trial."""
    fields: dict[str, Any] = {
        "benchmark": BENCHMARK,
        "model": model,
        "trial": trial,
        "architecture": "cnn-a",
        "activation": "relu",
        "dataset": "synthetic-codes",
        "metrics": {"classification/auroc": 0.9, "filters/match_fraction": 0.5},
        "n": {"classification/auroc": 1, "filters/match_fraction": 24},
        "model_sha256": sha256(f"{model}:{trial}"),
        **stamps(),
        "versions": {"motifzoo": "0.1.0", "torch": "2.13.0"},
        "device": "cpu",
        "command": f"motifzoo evaluate {model}:{trial}",
        "source": f"models/{model}",
        "submitter": "alice",
        "submitted": "2026-01-02T03:04:05Z",
    }
    return Record.model_validate(fields | changes)


def submission(*records: Record, folder: bool = True) -> dict[str, bytes]:
    """The files of a submission: records, details of each trial, and the model folder."""
    files: dict[str, bytes] = {}
    for entry in records:
        path = str(entry.path)
        files[path] = entry.to_json()
        files[path.removesuffix(".json") + "/filters.meme"] = f"MEME of {entry.model}:{entry.trial}\n".encode()
        if folder:
            files[f"models/{entry.model}/config.json"] = f'{{"name": "{entry.model}"}}\n'.encode()
            files[f"models/{entry.model}/trial-{entry.trial}/model.safetensors"] = entry.model_sha256.encode() * 100
    return files
