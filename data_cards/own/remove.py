"""Remove a data set of one's own."""

import os

from ...errors import DataError, UnknownNameError, unknown_name
from ..cards import own_dir
from .facts import check_name
from .folder import is_packaged, workplace


def own_names() -> tuple[str, ...]:
    """Names of the user's own data sets, sorted, whatever their cards are worth."""
    return tuple(sorted(path.parent.name for path in own_dir().glob("*/card.toml")))


def check_own(name: str) -> None:
    """Raise UnknownNameError for a name that no data set of the user's has, and DataError for a packaged one."""
    if name in own_names():
        return
    if is_packaged(name):
        raise DataError(f"data set {name!r} comes with motifzoo; only your own can be removed.")
    if not own_names():
        raise UnknownNameError(f"there is no data set {name!r} to remove: you have none of your own.")
    raise unknown_name("data set of your own", name, own_names())


def remove(name: str) -> None:
    """Remove the user's own data set: its tables and its card. Raises as `check_own`."""
    check_own(name)
    check_name(name)
    with workplace(name) as place:
        check_own(name)
        # Out of sight at once, and then file by file.
        os.replace(own_dir() / name, place / "removed")
