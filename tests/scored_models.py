"""Models with made-up scores, for the tests of the comparison."""

import hashlib
from collections.abc import Mapping, Sequence

from motifzoo.data_cards.cards import load_card
from motifzoo.data_cards.motifs import content_hash, search_database
from motifzoo.evaluate.protocol import PROTOCOL
from motifzoo.evaluate.reproduce.scored import Measured, Missing, Scored, label_of, recipe_is_control
from motifzoo.evaluate.results import Result, Stamps
from motifzoo.zoo.names import parse
from motifzoo.zoo.recipe import packaged


def measured(name: str, values: Mapping[str, Sequence[float | None]]) -> Measured:
    """A model whose trials 0, 1, ... have these values, each taken over 32 of whatever is counted."""
    parts = parse(name)
    count = max(map(len, values.values()))
    return Measured(
        name,
        parts.dataset,
        parts.architecture,
        parts.activation,
        label_of(name, parts.architecture),
        recipe_is_control(name),
        tuple(range(count)),
        {metric: tuple(scores) for metric, scores in values.items()},
        dict.fromkeys(values, (32,) * count),
        tuple(hashlib.sha256(f"{name}:{trial}".encode()).hexdigest() for trial in range(count)),
    )


def scored(
    *models: Measured, missing: Sequence[str] = (), problems: Sequence[str] = (), untrained: Sequence[Measured] = ()
) -> Scored:
    """Scores of these models; `missing` are names of recipes."""
    absent = []
    for name in missing:
        recipe = packaged()[name]
        label = label_of(name, recipe.architecture)
        absent.append(Missing(name, recipe.dataset, recipe.architecture, label, recipe.trials, 0, "not trained"))
    return Scored("made up", models, tuple(absent), tuple(problems), (("python", "3.11.7"),), tuple(untrained))


def result(name: str, trial: int, metrics: Mapping[str, float | None], **changes: object) -> Result:
    """A result of the present protocol and data; its weights' hash is made of the trial's number."""
    dataset = name.partition(".")[2]
    card = load_card(dataset)
    stamps: dict[str, object] = {
        "model_sha256": f"{trial:064x}",
        "data_fingerprint": card.fingerprint,
        "motifs_sha256": content_hash(search_database()),
        "protocol": PROTOCOL,
        "parameters": {},
        "seeds": {},
        "versions": {"python": "3.11.7"},
        "device": "cpu",
        "seconds": {},
        "started": "2026-01-01T00:00:00+00:00",
        "command": f"motifzoo evaluate {name}:{trial}",
    }
    network = name.partition(".")[0]
    return Result(
        model=name,
        trial=trial,
        benchmark=card.benchmark,
        architecture=network.rpartition("-")[0],
        activation=network.rpartition("-")[2],
        dataset=dataset,
        metrics=metrics,
        n=dict.fromkeys(metrics, 24),
        filters=(),
        notes=(),
        stamps=Stamps.model_validate(stamps | changes),
        files={},
    )
