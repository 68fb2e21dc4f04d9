"""Which measurements of a benchmark are current, so that numbers of different data or protocols are never compared.

A benchmark is fixed by its name, `data set@version`, and yet a record may have been computed under an older protocol,
with other motifs, or on data that only bear the name. Only records with the benchmark's current stamps are ranked.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from ...data_cards.cards import PACKAGED, Card, read_card
from ...data_cards.motifs import content_hash, search_database
from ..protocol import PROTOCOL
from .record import Record


class BoardStamps(NamedTuple):
    """What numbers must share to be compared: protocol version, fingerprint of the data, hash of the motifs."""

    protocol: int
    data_fingerprint: str
    motifs_sha256: str


def stamps_of(record: Record) -> BoardStamps:
    """The stamps of a record."""
    return BoardStamps(record.protocol, record.data_fingerprint, record.motifs_sha256)


def packaged_card(benchmark: str) -> Card | None:
    """The packaged data card that a benchmark `name@version` is of; None where there is none of that version.

    A data set of the user's own is not looked at: a board must read the same wherever it is read.
    """
    name, _, version = benchmark.partition("@")
    path = PACKAGED / name / "card.toml"
    if not path.is_file():
        return None
    card = read_card(path)
    return card if str(card.version) == version else None


def current_stamps(records: Iterable[Record]) -> dict[str, BoardStamps]:
    """The current stamps of every benchmark among the records.

    Protocol: this package's, or a newer one under which a maintainer has recomputed a record; what a submitter claims
    of a newer protocol puts nobody out of date. Data: the fingerprint that the packaged card states. Motifs: this
    package's, under its protocol. Where the package has no answer (a data set that it does not hold or has never
    built, a newer protocol), that of the most recomputed records, then of the most records, then the lowest hash.
    """
    counts: defaultdict[str, Counter[tuple[BoardStamps, bool]]] = defaultdict(Counter)
    for record in records:
        counts[record.benchmark][stamps_of(record), record.trust == "recomputed"] += 1
    return {benchmark: _current(benchmark, found) for benchmark, found in counts.items()}


def _current(benchmark: str, found: Counter[tuple[BoardStamps, bool]]) -> BoardStamps:
    protocol = max([PROTOCOL, *(stamps.protocol for stamps, recomputed in found if recomputed)])
    card = packaged_card(benchmark)
    votes: tuple[Counter[str], Counter[str]] = Counter(), Counter()  # for data, for motifs; recomputed ones outweigh
    for (stamps, recomputed), count in found.items():
        if stamps.protocol == protocol:
            weight = count * (1 + found.total() * recomputed)
            votes[0][stamps.data_fingerprint] += weight
            votes[1][stamps.motifs_sha256] += weight
    data, motifs = (min(vote, key=lambda name: (-vote[name], name), default="") for vote in votes)
    return BoardStamps(
        protocol,
        card.fingerprint if card is not None and card.fingerprint else data,
        _motifs() if protocol == PROTOCOL else motifs,
    )


@cache
def _motifs() -> str:
    return content_hash(search_database())
