"""The few metrics that a benchmark's table shows first; all others are one click away."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from ...data_cards.cards import Card
from ..protocol import METHODS
from ..targets import PLANTED, SCANNED
from .current import packaged_card
from .entries import Entry

_ACCURACY: Final = ("classification/auroc",)
_PLANTED: Final = ("filters/match_fraction", *(f"attribution/{method}/{PLANTED}auroc" for method in METHODS))
_KNOWN: Final = ("filters/target_match", *(f"attribution/{method}/{SCANNED}auroc" for method in METHODS))


def headline(benchmark: str, entries: Sequence[Entry] = ()) -> tuple[str, ...]:
    """A benchmark's headline metrics, the one that the table is sorted by first.

    Accuracy, the share of filters that match a true motif (of real DNA: a known one), and how well each attribution
    method finds motifs, as far as the data card lists their groups. Of a data set that is not packaged: those that
    most of its `entries` state.
    """
    card = packaged_card(benchmark)
    if card is not None:
        return headline_of(card)
    stated = Counter(name for entry in entries for name in entry.spreads)
    return tuple(name for name in (*_ACCURACY, *_PLANTED, *_KNOWN) if 2 * stated[name] > len(entries))


def headline_of(card: Card) -> tuple[str, ...]:
    """The headline metrics of a data set's benchmark, as `headline`."""
    truth = _KNOWN if card.generator is None else _PLANTED
    return tuple(name for name in (*_ACCURACY, *truth) if name.partition("/")[0] in card.benchmarks)
