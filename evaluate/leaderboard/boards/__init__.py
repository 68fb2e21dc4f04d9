"""Boards: a folder, or a data set repository on a Hugging Face hub."""

from pathlib import Path
from typing import Final

from ....errors import BoardError
from .board import Board, Change, Files, Proposal, Snapshot

__all__ = ["EMBEDDED", "Board", "Change", "Files", "Proposal", "Snapshot", "open_board"]

EMBEDDED: Final = Path(__file__).parent.parent / "board"


def open_board(text: str | None = None) -> Board:
    """The board that a person named: None for the one that comes with motifzoo, a folder, or `hf://ORG/NAME[@REVISION]`.

    Raises BoardError for a folder that does not exist, HubError for an address that is none.
    """
    from .folder import FolderBoard

    if text is None:
        return FolderBoard(EMBEDDED, "of motifzoo itself")
    if text.startswith("hf://"):
        from .hub import HubBoard

        return HubBoard(text)
    root = Path(text).expanduser()
    if not root.is_dir():
        raise BoardError(
            f"board {text} is no folder. Write the path of a folder, which may be empty, or hf://ORG/NAME for a data "
            "set repository on the hub."
        )
    return FolderBoard(root, text)
