"""`publish`: find out what a person means, and bring it to the hub."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from ...data_cards.cards import card_folder, list_datasets
from ...errors import HubError, UnknownNameError, unknown_name
from ...zoo.config import read_config
from ...zoo.hub.address import SCHEME, HubAddress, RepoType
from ...zoo.hub.client import connect
from ...zoo.sources import find, list_models
from .push import Published, Remote, Wanted, push

BOARD: Final = "leaderboard"  # names the board that comes with motifzoo, and a board's or a site's own repository


class Item(NamedTuple):
    """One repository's worth: its name, the kind of repository, and its files given what is there."""

    name: str
    repo_type: RepoType
    wanted: Callable[[Remote], Wanted]


def publish(
    what: str, to: str, *, board: Path | None = None, dry_run: bool = False, private: bool = False
) -> Iterator[Published]:
    """Publish models, a data set, a leaderboard or a site; yields what was done as each repository is finished.

    what: a packaged model's name or a pattern such as `*-relu.*`, a data set's name, `leaderboard` (that of motifzoo),
    or the folder of a model, data set, leaderboard or site. to: `hf://ORG/NAME`, or `hf://ORG` for the name that each
    thing has. board: whose records become .eval_results of models; default that of motifzoo. private: of repositories
    that are made. Raises MotifzooError subclasses; repositories that were finished before stay.
    """
    with TemporaryDirectory(prefix="motifzoo-publish-") as scratch:
        items = list(_items(what, board, Path(scratch)))
        targets = [_target(to, item, alone=len(items) == 1) for item in items]
        hub = connect()
        if not (hub.signed_in or dry_run):
            raise HubError("publishing needs an account on the hub: log in with `hf auth login` or set HF_TOKEN.")
        for item, address in zip(items, targets, strict=True):
            yield push(hub, address, item.name, item.wanted, dry_run=dry_run, private=private)


def _items(what: str, board: Path | None, scratch: Path) -> Iterator[Item]:
    folder = Path(what).expanduser()
    names = list_models(what)
    if names:
        for name in names:
            yield _model(find(name).folder, board)
    elif what in list_datasets():
        yield _dataset(what, card_folder(what), scratch)
    elif what == BOARD:
        from ..leaderboard.boards import EMBEDDED

        yield _board(EMBEDDED)
    elif folder.is_dir():
        yield _folder(folder.resolve(), board, scratch)
    elif any(mark in what for mark in "*?["):
        raise UnknownNameError(f"no packaged model matches {what!r}. `motifzoo models` lists them.")
    elif "/" in what or what.startswith((".", "~")):
        raise HubError(f"folder {what} does not exist.")
    else:
        known = {*list_models(), *list_datasets(), BOARD}
        raise unknown_name("model, data set or folder", what, known, hint="Nothing was published.")


def _folder(folder: Path, board: Path | None, scratch: Path) -> Item:
    if (folder / "config.json").is_file():
        return _model(folder, board)
    if (folder / "card.toml").is_file():
        return _dataset(folder.name, folder, scratch)
    if (folder / "results").is_dir():
        return _board(folder)
    if (folder / "index.html").is_file():
        return Item(BOARD, "space", lambda _: _site(folder))
    raise HubError(
        f"{folder} is nothing to publish: a model has config.json, a data set card.toml, a leaderboard results/, a "
        "site index.html."
    )


def _model(folder: Path, board: Path | None) -> Item:
    def wanted(_: Remote) -> Wanted:
        from .contents import model_files
        from .evidence import eval_results

        return model_files(folder, eval_results(folder, board))

    return Item(read_config(folder).name, "model", wanted)


def _dataset(name: str, folder: Path, scratch: Path) -> Item:
    made: list[Wanted] = []  # once, though a lost race asks again

    def wanted(_: Remote) -> Wanted:
        from .contents import dataset_files

        if not made:
            made.append(dataset_files(name, folder, scratch))
        return made[0]

    return Item(name, "dataset", wanted)


def _board(folder: Path) -> Item:
    def wanted(remote: Remote) -> Wanted:
        from .board import board_files

        return board_files(folder, remote)

    return Item(BOARD, "dataset", wanted)


def _site(folder: Path) -> Wanted:
    from .contents import site_files

    return site_files(folder)


def _target(to: str, item: Item, *, alone: bool) -> HubAddress:
    """The repository for one thing. Raises HubError for an address of another kind, or of one repository for many."""
    text = to.rstrip("/")
    place = text.removeprefix(SCHEME)
    for prefix in ("models/", "datasets/", "spaces/"):
        place = place.removeprefix(prefix)
    if text.startswith(SCHEME) and "/" not in place:
        text = f"{text}/{item.name}"
    elif not alone:
        raise HubError(f"{to} is one repository, and there are several models to publish. Give hf://ORG alone.")
    address = HubAddress.parse(text, item.repo_type)
    if address.repo_type != item.repo_type:
        right = HubAddress(item.repo_type, address.repo_id)
        raise HubError(f"{item.name} belongs into a {item.repo_type} repository. Publish it to {right}.")
    if address.revision:
        raise HubError(f"{to} names a revision. What is published becomes the newest: leave out @{address.revision}.")
    return address
