"""Evaluate one trial of a model on its data set's benchmark: run the score groups, write result and side files."""

import datetime
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ..data_cards.cards import GroupName, list_datasets
from ..data_cards.content import SequenceDataset
from ..data_cards.load import load_dataset
from ..data_cards.motifs import content_hash, search_database, write_meme
from ..errors import ModelError, MotifzooError, unknown_name
from ..files import sha256_file, write_text
from ..zoo.sources import Source
from ..zoo.weights import save_arrays
from .groups import GROUPS, Group
from .match_tsv import hits_tsv
from .protocol import PARAMETERS, PROTOCOL, SEED
from .results import FilterResult, Result, SideFile, Stamps, write_result
from .run import Progress, TrialRun, versions
from .stages import Arrays


class Evaluated(NamedTuple):
    """A result, the folder its files are in, and whether anything had to be computed for it."""

    result: Result
    folder: Path
    computed: bool


def evaluate_trial(
    source: Source,
    output: Path,
    *,
    dataset: SequenceDataset | None = None,
    device: str = "cpu",
    fresh: bool = False,
    progress: Progress | None = None,
) -> Evaluated:
    """Recompute every score of one trial that its data set allows; write result.json and side files.

    They go to `output/<model>/trial-<k>/<benchmark>/`. Finished stages are kept in the cache by content, so a
    repeated call computes nothing and a killed one resumes; `fresh` ignores what is kept. dataset: from `data_of`, for
    callers that evaluate many trials on it. device: cpu, cuda, ...
    Raises ModelError when the model does not fit its data set, MotifzooError when it does not fit in the memory of the
    device, and whatever loading the model or data raises.
    """
    if device != "cpu":
        from ..zoo.device import pick_device

        device = str(pick_device(device))
    started = datetime.datetime.now(datetime.UTC)
    dataset = data_of(source) if dataset is None else dataset
    run = TrialRun(source, dataset, device=device, fresh=fresh, progress=progress)
    try:
        groups = {name: GROUPS[name](run) for name in dataset.card.benchmarks}
    except RuntimeError as error:
        from ..zoo.device import is_out_of_memory

        if not is_out_of_memory(error):
            raise
        raise MotifzooError(
            f"{source.name} does not fit in the free memory of {device}. Wait until other programs there have ended, "
            "or compute on the CPU: --device cpu"
        ) from error
    folder = output / source.config.name / f"trial-{source.trial}" / dataset.card.benchmark
    filters: tuple[FilterResult, ...] = ()
    for group in groups.values():
        if group.matches is not None:
            filters = group.matches.filters
    config = source.config
    result = Result(
        model=config.name,
        trial=source.trial,
        benchmark=dataset.card.benchmark,
        architecture=config.architecture,
        activation=config.activation,
        dataset=dataset.card.name,
        metrics={name: value for group in groups.values() for name, value in group.metrics.items()},
        n={name: value for group in groups.values() for name, value in group.n.items()},
        filters=filters,
        left_out=run.left_out,
        notes=(*_data_notes(source, run), *(note for group in groups.values() for note in group.notes)),
        stamps=Stamps(
            model_sha256=source.sha256,
            data_fingerprint=dataset.fingerprint,
            motifs_sha256=content_hash(search_database()),
            protocol=PROTOCOL,
            parameters=PARAMETERS,
            seeds={"shuffles": SEED},
            versions=versions(),
            device=", ".join(sorted({stage.device for stage in run.stages.values()})),
            seconds={name: round(stage.seconds, 3) for name, stage in run.stages.items()},
            started=started.isoformat(timespec="seconds"),
            command=f"motifzoo evaluate {source.given} --device {device}",
        ),
        files=_write_files(groups, folder),
    )
    write_result(result, folder)
    return Evaluated(result, folder, any(not stage.cached for stage in run.stages.values()))


def data_of(source: Source) -> SequenceDataset:
    """The model's data set, loaded and checked to fit it.

    Raises UnknownNameError for one that there is not, ModelError when it does not fit, and what loading it raises.
    """
    config = source.config
    name = config.dataset.name
    if name not in list_datasets():
        raise unknown_name("data set", name, list_datasets(), hint=f"config.json of {config.name} states it.")
    dataset = load_dataset(name)
    card = dataset.card
    if config.input_length != card.length:
        raise ModelError(
            f"model {config.name} reads {config.input_length} nt and the sequences of {name} have {card.length}: "
            "it cannot be evaluated on them."
        )
    if len(config.outputs) != len(card.classes):
        raise ModelError(
            f"model {config.name} has {len(config.outputs)} outputs and {name} has {len(card.classes)} classes: "
            "it cannot be evaluated on it."
        )
    return dataset


def _data_notes(source: Source, run: TrialRun) -> Iterator[str]:
    trained_on, found = source.config.dataset.fingerprint, run.dataset.fingerprint
    if trained_on != found:
        yield f"The model was trained on data with fingerprint {trained_on[:12]} and is evaluated on {found[:12]}."
    if run.left_out:
        yield (
            f"{run.left_out} of {len(run.dataset.test):,} test sequences are also in the training split: every score "
            "leaves them out."
        )


def _write_files(groups: Mapping[GroupName, Group], folder: Path) -> dict[str, SideFile]:
    """Write the side files of `results`' table; returns them by what they hold."""
    written: dict[str, Path] = {}
    if "classification" in groups:
        written["predictions"] = _write_arrays(groups["classification"].arrays, folder / "predictions.safetensors")
    if "attribution" in groups:
        written["attribution"] = _write_arrays(groups["attribution"].arrays, folder / "attribution.safetensors")
    for group in groups.values():
        if group.matches is not None:
            written |= {"filters": folder / "filters.meme", "hits": folder / "hits.tsv"}
            write_meme(written["filters"], group.matches.queries)
            write_text(written["hits"], hits_tsv(group.matches.hits))
    return {kind: SideFile(name=path.name, sha256=sha256_file(path)) for kind, path in written.items()}


def _write_arrays(arrays: Arrays, path: Path) -> Path:
    save_arrays(arrays, path, ("format", "np"))
    return path
