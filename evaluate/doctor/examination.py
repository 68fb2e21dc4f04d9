"""The whole examination: environment, what is held, and whether models still give their golden values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Protocol

from ...errors import MotifzooError
from ...zoo.golden import GOLDEN, Golden, read_golden
from ...zoo.sources import PRETRAINED, Source
from ..drift import QUANTITIES, Drift, drifts, public
from ..protocol import PROTOCOL
from ..report.words import plural
from ..run import versions
from .environment import environment
from .findings import Finding, some_of
from .holdings import data_sets, is_elsewhere, weights

_FULL: Final = "too little free memory. Run it again when other programs there have ended"


class Progress(Protocol):
    """What a caller sees of an examination while it goes on."""

    def step(self, model: str, done: int, total: int) -> None:
        """`done` of `total` models are compared; `model` comes next."""


@dataclass(frozen=True)
class Report:
    """What an examination found, and the size of every drift, rounding included."""

    findings: tuple[Finding, ...]
    drifts: tuple[Drift, ...]

    @property
    def well(self) -> bool:
        """Whether nothing is damaged, drifts or does not work."""
        return all(finding.level != "problem" for finding in self.findings)


class _Case(NamedTuple):
    """A trial and its golden values."""

    source: Source
    golden: Golden


def examine(sources: Sequence[Source], *, quick: bool = False, progress: Progress | None = None) -> Report:
    """Look at this machine and at these models; needs no network, downloads and builds nothing.

    quick: of the models only one an architecture is computed, on the CPU alone, and data sets are not read.
    """
    found = [*environment(), *weights(sources), *data_sets(read=not quick)]
    cases, trouble = _golden_files(sources)
    found += [*trouble, *_left_out(cases), *_versions(cases, versions())]
    if quick:
        cases = list({case.source.config.architecture: case for case in reversed(cases)}.values())[::-1]
    compared, trouble = _compare_all(cases, _devices(quick), progress)
    return Report((*found, *trouble, *_summary(compared)), tuple(compared))


def _devices(quick: bool) -> tuple[str, ...]:
    import torch

    return ("cpu",) if quick or not torch.cuda.is_available() else ("cpu", "cuda")


def _golden_files(sources: Sequence[Source]) -> tuple[list[_Case], list[Finding]]:
    """The models that have golden values, and what is to be said of the others."""
    cases: list[_Case] = []
    findings: list[Finding] = []
    without: list[str] = []
    lost: list[str] = []  # a packaged model that has its weights has them, too
    for source in sources:
        try:
            golden = read_golden(source.folder, source.config)
        except MotifzooError as error:
            findings.append(Finding("problem", "golden values", str(error)))
            continue
        if golden is None and not is_elsewhere(source):
            (lost if source.folder.parent == PRETRAINED else without).append(source.config.name)
        elif golden is not None and (why := _incomparable(golden)):
            findings.append(Finding("problem", "golden values", f"{source.config.name}: {why}"))
        elif golden is not None:
            cases.append(_Case(replace(source, trial=golden.facts.trial), golden))
    if lost:
        text = (
            f"{GOLDEN} is missing from {plural(len(lost), 'packaged model')}: {some_of(lost)}. Install motifzoo again."
        )
        findings.append(Finding("problem", "golden values", text))
    if without:
        text = f"{plural(len(without), 'model')} without {GOLDEN}: {some_of(without)}"
        findings.append(Finding("note", "golden values", text))
    return cases, findings


def _incomparable(golden: Golden) -> str:
    """Why golden values cannot be compared with any of here; "" where they can."""
    if golden.facts.protocol != PROTOCOL:
        return (
            f"its {GOLDEN} is of protocol version {golden.facts.protocol}, and this motifzoo follows {PROTOCOL}. "
            "Compute it anew: python -m motifzoo.evaluate.golden FOLDER"
        )
    return "" if "logits" in golden.arrays else f"its {GOLDEN} has no predictions: {golden.facts.left_out['logits']}"


def _left_out(cases: Sequence[_Case]) -> Iterator[Finding]:
    """The quantities that golden values lack, and so nobody compares."""
    for quantity, titled in QUANTITIES.items():
        if lacking := [case for case in cases if quantity in case.golden.facts.left_out]:
            names = some_of([case.source.config.name for case in lacking])
            reason = lacking[0].golden.facts.left_out[quantity]
            yield Finding("note", "golden values", f"no {titled.title} for {names}: {reason}")


def _versions(cases: Sequence[_Case], here: Mapping[str, str]) -> Iterator[Finding]:
    """Which packages have another version than what the golden values, and so the scores, were computed with."""
    there: dict[str, dict[str, None]] = {}
    for case in cases:
        for package, version in case.golden.facts.versions.items():
            there.setdefault(package, {})[version] = None
    for package, known in there.items():
        if public(here.get(package, "")) not in map(public, known):
            text = f"{package} {here.get(package, 'is not here')}; golden values are of {' and '.join(known)}"
            yield Finding("note", "versions", text)


def _compare_all(
    cases: Sequence[_Case], devices: Sequence[str], progress: Progress | None
) -> tuple[list[Drift], list[Finding]]:
    """The drifts of every model on every device, and a problem for each that cannot be computed."""
    from ...zoo.device import is_out_of_memory

    compared: list[Drift] = []
    findings: list[Finding] = []
    refused: dict[tuple[str, str], list[str]] = {}
    for number, case in enumerate(cases):
        name = case.source.config.name
        if progress is not None:
            progress.step(name, number, len(cases))
        for device in devices:
            try:
                compared += _compare(case, device)
            except MotifzooError as error:  # damage, which is the same on every device
                findings.append(Finding("problem", "golden values", f"{name}: {error}"))
                break
            except RuntimeError as error:  # by which PyTorch says what a device refuses
                full = is_out_of_memory(error)
                if device == "cpu" and not full:
                    raise
                reason = _FULL if full else str(error).partition("\n")[0].rstrip(".")  # more lines are PyTorch's advice
                refused.setdefault((device, reason), []).append(name)
    for (device, reason), names in refused.items():  # one for all models: what one meets on a device, many do
        text = f"{plural(len(names), 'model')} not computed on {device} ({some_of(names)}): {reason}."
        findings.append(Finding("problem", "golden values", text))
    return compared, findings


def _compare(case: _Case, device: str) -> list[Drift]:
    from ...zoo.device import describe_device, pick_device
    from ...zoo.load import load_source
    from ..golden import compute

    arrays, left_out = compute(load_source(case.source, device), case.golden.codes)
    return drifts(case.golden, arrays, left_out, describe_device(pick_device(device)), versions())


def _summary(compared: Sequence[Drift]) -> Iterator[Finding]:
    """For each device one problem for each quantity that drifts, or one sentence that none does."""
    for device in dict.fromkeys(drift.device for drift in compared):
        own = [drift for drift in compared if drift.device == device]
        for quantity in QUANTITIES:
            of_all = [drift for drift in own if drift.quantity == quantity]
            if beyond := [drift for drift in of_all if drift.beyond]:
                yield Finding("problem", "golden values", _words(beyond, len(of_all)))
        if not any(drift.beyond for drift in own):
            count = plural(len({drift.model for drift in own}), "model")
            yield Finding("ok", "golden values", f"{count} on {device}: the same but for rounding")


def _words(beyond: Sequence[Drift], models: int) -> str:
    """What is to be said of one quantity that drifts on one device."""
    title = QUANTITIES[beyond[0].quantity].title
    text = f"{title} drifted in {len(beyond)} of {plural(models, 'model')} on {beyond[0].device}: "
    sized = sorted(((drift.size, drift) for drift in beyond if drift.size is not None), key=lambda one: -one[0])
    if sized:
        size, largest = sized[0]
        text += f"by up to {size:.1e} (limit {largest.limit:.0e}): {some_of([drift.model for _, drift in sized])}. "
    if missing := [drift for drift in beyond if drift.size is None]:
        text += f"None here for {some_of([drift.model for drift in missing])}: {missing[0].reason} "
    causes = dict.fromkeys(cause for drift in beyond for cause in drift.causes)
    if causes:
        return f"{text}What differs: {'; '.join(causes)}."
    return f"{text}Libraries and device are those of the golden values: please report this."
