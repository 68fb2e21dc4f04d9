"""A private copy of a submission's files, from wherever its record says that they are; sizes are known before bytes."""

from pathlib import Path
from typing import Final

from ....data_cards.cards import own_dir
from ....data_cards.load import built_folder, load_dataset
from ....errors import BoardError, HubError
from ....zoo.hub.address import SCHEME, HubAddress
from ....zoo.hub.client import connect
from ....zoo.sources import find
from ..boards import Board
from ..boards.folder import FolderBoard
from ..record import PACKAGED, Record
from ..submission.limits import LIMITS, refusal
from ..submission.listing import check_listing, is_kept
from ..submission.staging import copy_in
from .claims import Claims

_MODELS: Final = "models"


def fetch(board: Board, claims: Claims, record: Record, into: Path) -> Path:
    """Copy the model folder that a record names into the new folder `into`, and return it.

    `models/<model>` is taken from the board at the claims' revision, `hf://org/name@<commit>` from the hub,
    "packaged" from this package. Paths and sizes are checked before anything is downloaded. Raises BoardError for a
    folder that is no submission, HubError for a hub that cannot be reached or has no such commit.
    """
    if record.source == PACKAGED:
        return _from_disk(find(record.model).folder, into)
    if record.source.startswith(SCHEME):
        address, commit = _named_commit(record.source)
        return _from_hub(address, commit, "", into)
    if record.source != f"{_MODELS}/{record.model}":
        raise BoardError(
            f"its source is {record.source!r}; it must be {_MODELS}/{record.model}, or hf://org/name@ and a commit's "
            "40 hex digits."
        )
    if isinstance(board, FolderBoard):
        folder = board.root / record.source
        if folder.is_symlink() or folder.parent.is_symlink():
            raise BoardError(f"{record.source} is a symbolic link, and a board has none.")
        return _from_disk(folder, into)
    address = HubAddress.parse(board.name, default="dataset")
    return _from_hub(address, claims.revision, f"{record.source}/", into)


def _named_commit(source: str) -> tuple[HubAddress, str]:
    """The model repository and the commit that a claim names; what it names wrongly is the claim's fault."""
    try:
        address = HubAddress.parse(source)
        if address.commit is not None and address.repo_type == "model":
            return address, address.commit
    except HubError:
        pass
    raise BoardError(
        f"its source is {source!r}, which is no commit of a model: hf://org/name@ needs the 40 hex digits of one."
    )


def _from_disk(folder: Path, into: Path) -> Path:
    try:
        return copy_in(folder, into)
    except BoardError as error:  # whose words become public: where on this machine the folder is, is nobody's business
        raise BoardError(str(error).replace(f"{folder.parent}/", "")) from error


def _from_hub(address: HubAddress, commit: str, prefix: str, into: Path) -> Path:
    """Fetch the model folder that begins with `prefix` in a repository's commit."""
    hub = connect()
    listed = hub.files(address, commit)
    sizes = {path.removeprefix(prefix): size for path, size in listed.items() if path.startswith(prefix)}
    if reasons := check_listing(sizes):
        raise refusal(f"submission {address._replace(revision=commit)}", reasons)
    kept = [f"{prefix}{path}" for path in sizes if is_kept(path)]
    return hub.fetch(address, commit, kept, into=into, max_bytes=LIMITS.folder_bytes) / prefix


def lend_data(name: str, scratch: Path) -> str:
    """Make a data set readable in the quarantine `scratch`, without network; returns its fingerprint.

    It is built or fetched here, by its card alone. The quarantined process finds it through a link and cannot change
    it. Raises what `load_dataset` raises.
    """
    dataset = load_dataset(name)
    for folder, inside in ((built_folder(dataset.card), "cache"), (own_dir() / name, "data")):
        place = scratch / inside / "datasets"
        place.mkdir(parents=True, exist_ok=True)
        if folder.is_dir():
            (place / folder.name).symlink_to(folder.resolve(), target_is_directory=True)
    return dataset.fingerprint
