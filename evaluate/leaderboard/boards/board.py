"""What a board is, wherever it lies: its words, and what every kind of board can do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, Protocol, TypeAlias

from ..record import Record

MAX_READ_BYTES: Final = 100_000_000  # of one file that is read whole

Files: TypeAlias = Mapping[str, bytes | Path]
Change: TypeAlias = Mapping[str, bytes | Path | None]  # None deletes


@dataclass(frozen=True)
class Snapshot:
    """All records of a board at one moment, by their path; `problems` are sentences on files that are none.

    `revision` tells one state from another: on a hub the commit, of a folder a hash over the records' files.
    """

    revision: str
    records: Mapping[str, Record]
    problems: list[str] = field(default_factory=list)


class Proposal(NamedTuple):
    """A submission: on a hub the number of its pull request and its page, in a folder its model and no page."""

    id: str
    url: str | None


class Board(Protocol):
    """A board in a folder or on a hub. Every method raises BoardError or HubError in words for a person."""

    @property
    def name(self) -> str:
        """The board as a person names it: `hf://ORG/NAME`, or a folder."""

    @property
    def url(self) -> str | None:
        """The board's page; None where it has none."""

    def snapshot(self) -> Snapshot:
        """All records, as they were together at one moment."""

    def read_bytes(self, path: str, revision: str) -> bytes:
        """One file's bytes at a revision of `snapshot` or `proposal_files`; a folder knows its present state only.

        Refused is a file of more than MAX_READ_BYTES.
        """

    def paths(self, prefix: str, revision: str) -> list[str]:
        """The paths of all files in the folder `prefix` ("" for everything), sorted."""

    def propose(self, change: Files, message: str) -> Proposal:
        """Submit claimed records with their details and model folder, all or nothing.

        A folder shows them at once as claimed rows; on a hub they wait in a pull request. What is on the board
        already, or stands under a name that belongs to somebody else, is refused.
        """

    def proposals(self) -> list[Proposal]:
        """The open pull requests that touch results; a folder has none."""

    def proposal_files(self, proposal_id: str) -> tuple[str, dict[str, int]]:
        """The commit of an open proposal, and path and size of every file of the trials and models that it proposes."""

    def apply(self, update: Callable[[Snapshot], Change], message: str, closes: Proposal | None = None) -> str:
        """Change the board: `update` is given its present state and says what to write; returns the new revision.

        `update` is called again on the new state when somebody else was faster, so it must compute quickly and must
        not assume the state it saw first. The change becomes visible as a whole.
        """
