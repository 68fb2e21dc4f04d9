"""Whether what motifzoo holds on this machine is whole: weights and data sets."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from ...data_cards.cards import PACKAGED, Card, card_folder, list_datasets, load_card
from ...data_cards.load import built_folder
from ...data_cards.store import check, is_built, open_splits
from ...errors import DataError, MotifzooError
from ...zoo.golden import GOLDEN
from ...zoo.sources import Source, weights_path
from ...zoo.weights import check_hash, read_weights
from ..report.words import plural
from .findings import Finding, some_of

# What reading a Parquet file that was cut, changed or replaced can raise.
_DAMAGE = (OSError, DataError, ValueError, TypeError, KeyError, pa.ArrowException)


def weights(sources: Sequence[Source]) -> Iterator[Finding]:
    """Whether the weights of the models' trials are those that their config.json states.

    Those of a trial other than a folder's first may be elsewhere, and those of a packaged model with its golden values:
    a release packs fewer than there are.
    """
    whole, absent = 0, 0
    for source in sources:
        for trial in source.config.trials:
            path = weights_path(source.folder, trial.trial)
            if not path.exists() and (trial.trial != source.trial or is_elsewhere(source)):
                absent += 1
                continue
            try:
                check_hash(path, read_weights(path), trial.sha256)
            except MotifzooError as error:
                yield Finding("problem", "weights", f"{source.config.name}:{trial.trial}: {error}")
            else:
                whole += 1
    of = plural(sum(not is_elsewhere(source) for source in sources), "model")
    elsewhere = f"; {plural(absent, 'further trial')} not on this machine" if absent else ""
    yield Finding("ok", "weights", f"{plural(whole, 'trial')} of {of} as stated{elsewhere}")


def is_elsewhere(source: Source) -> bool:
    """Whether a packaged model is one of those that a release leaves out: neither weights nor golden values."""
    return source.is_left_out and not (source.folder / GOLDEN).exists()


def data_sets(*, read: bool) -> Iterator[Finding]:
    """Which data sets are on this machine and, where they are to be `read`, whether each is what its card says."""
    here: list[str] = []
    missing: list[str] = []
    by_hand: list[str] = []
    for name in list_datasets():
        try:
            card = load_card(name)
            folder = _folder(card)
            if folder is None:
                (by_hand if any(source.obtain for source in card.sources) else missing).append(name)
                continue
            if read:
                check(open_splits(card, folder))
            here.append(name)
        except _DAMAGE as error:
            reason = " ".join(str(error).split())[:200]
            yield Finding("problem", "data sets", f"{name}: {reason} {_remedy(name)}")
    how = "each with the fingerprint of its card" if read else "not read"
    if here:
        yield Finding("ok", "data sets", f"{', '.join(here)}: here, {how}")
    if missing:
        yield Finding("ok", "data sets", f"{some_of(missing, 20)}: not built yet, which the first use does")
    if by_hand:
        how = "not built yet; `motifzoo datasets show NAME` says how to get their files, which nobody serves"
        yield Finding("ok", "data sets", f"{some_of(by_hand, 20)}: {how}")


def _folder(card: Card) -> Path | None:
    """Where the data set's tables are, None for one that is not built yet. Raises DataError for lost ones."""
    home = card_folder(card.name)
    if is_built(home):
        return home
    if card.generator is None and card.reader is None:
        raise DataError(f"its tables are missing from {home}.")
    built = built_folder(card)
    if not built.is_dir():
        return None
    if not is_built(built):
        raise DataError(f"tables are missing from {built}.")
    return built


def _remedy(name: str) -> str:
    home = card_folder(name)
    if home.parent != PACKAGED:
        return "Add it again."
    return "Install motifzoo again." if is_built(home) else "Its next use builds it anew."
