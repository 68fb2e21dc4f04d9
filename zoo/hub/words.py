"""What a hub's refusals and a network's troubles mean, in words, and what to do about them."""

import json

import httpx2
from huggingface_hub.errors import (
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from ...errors import HubError
from .address import HubAddress

# What a call of the client raises when the hub, the network or the disk is at fault: RuntimeError where another thread
# closed the line they shared, the last four for an answer that is JSON of another shape, or none.
TROUBLES = (httpx2.HTTPError, OSError, RuntimeError, ValueError, LookupError, TypeError, AttributeError)
# Those of an answer that no hub gives.
_NO_HUB = (FileMetadataError, json.JSONDecodeError, UnicodeDecodeError, LookupError, TypeError, AttributeError)
PASSING_STATUS = (408, 425, 429, 500, 502, 503, 504)
_NOUNS = {"model": "model repository", "dataset": "data set repository", "space": "Space"}


class LostRaceError(HubError):
    """Somebody else committed first: what was read is no longer the newest."""


class NoRepositoryError(HubError):
    """There is no such repository, or none that we may see."""


class UnreachableError(HubError):
    """The hub could not be asked, or is out of order: what is in the cache may stand in."""


def root(error: BaseException) -> BaseException:
    """The trouble itself: the client wraps it when it then finds nothing in its cache, or must not look there."""
    while error.__cause__ is not None and (
        isinstance(error, LocalEntryNotFoundError) or str(error).startswith("Force download failed")
    ):
        error = error.__cause__
    return error


def status_of(error: BaseException, seen: int = 200) -> int | None:
    """The HTTP status behind an error, None where no answer came; `seen` is that of the last answer on the line."""
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code
    # The client parses some answers before it looks at their status.
    return seen if isinstance(error, json.JSONDecodeError) and seen >= 400 else None


def passing(error: BaseException, seen: int = 200) -> bool:
    """Whether the same request may well succeed a moment later."""
    error = root(error)
    return (
        status_of(error, seen) in PASSING_STATUS
        or isinstance(error, RuntimeError)
        or (isinstance(error, httpx2.TransportError) and not isinstance(error, httpx2.ConnectError))
        or _cut_short(error)
    )


def in_words(
    error: BaseException, address: HubAddress, doing: str, endpoint: str, *, signed_in: bool, seen: int = 200
) -> HubError:
    """The HubError for a trouble met while `doing` something ("reading hf://org/name") at `address`.

    It says what was asked, what the hub answered or the network did, and what to do next.
    """
    error = root(error)
    if isinstance(error, HubError):
        return error
    status = status_of(error, seen)
    said = _said(error, status, address, endpoint, signed_in=signed_in)
    return _kind(error, status)(f"{doing}: {said}")


def _kind(error: BaseException, status: int | None) -> type[HubError]:
    if status == 412:
        return LostRaceError
    if (status or 0) >= 500 or isinstance(error, httpx2.TransportError | OfflineModeIsEnabled):
        return UnreachableError
    return NoRepositoryError if _no_repository(error, status) else HubError


def _no_repository(error: BaseException, status: int | None) -> bool:
    if isinstance(error, GatedRepoError | RevisionNotFoundError | RemoteEntryNotFoundError):
        return False
    # Of a hub without TLS the client does not recognise a 401 as what it is.
    return isinstance(error, RepositoryNotFoundError) or (status in (401, 404) and not _bad_token(error))


def _bad_token(error: BaseException) -> bool:
    return "Invalid credentials" in str(error) or "Invalid user token" in str(error)


def _said(error: BaseException, status: int | None, address: HubAddress, endpoint: str, *, signed_in: bool) -> str:
    log_in = "log in with `hf auth login` or set HF_TOKEN"
    repo = f"{_NOUNS[address.repo_type]} {address.repo_id}"
    if isinstance(error, GatedRepoError):
        return (
            f"the owner of {repo} grants access on request. Ask for it at {endpoint}/{address.path}"
            + ("." if signed_in else f", then {log_in}.")
        )  # fmt: skip
    if isinstance(error, RevisionNotFoundError):
        return f"{repo} has no revision {address.revision or 'main'!r}. {endpoint}/{address.path} lists what it has."
    if isinstance(error, RemoteEntryNotFoundError):
        return f"{repo} has no such file at this revision. {endpoint}/{address.path} lists what it has."
    if _bad_token(error):
        return f"the hub does not accept your token: it is expired, revoked or mistyped. To renew it, {log_in}."
    if _no_repository(error, status):
        found = f"{endpoint} has no {repo}, or it is private"
        return f"{found} and your token may not see it. Check the name." if signed_in else (
            f"{found}. Check the name; if it is private, {log_in}."
        )  # fmt: skip
    if status == 403:
        return (
            f"the hub forbids it{_quoted(error)}. Use a token with write access to {address.repo_id.split('/')[0]} "
            f"({endpoint}/settings/tokens), or ask its owner for the right."
        )
    if status == 409:
        return f"the hub reports a conflict{_quoted(error)}. Look at {endpoint}/{address.path}, then try again."
    if status == 412:
        return "somebody else committed in the meantime; nothing was changed. Read the newest state and try again."
    if status == 429:
        return "the hub limits the number of requests. Try again in some minutes, signed in if you are not."
    if status is not None and status >= 500:
        return f"the hub is out of order (status {status}). Try again in some minutes."
    if status is not None:
        return f"the hub refuses with status {status}{_quoted(error)}."
    return _network(error, endpoint)


def _network(error: BaseException, endpoint: str) -> str:
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set and this is not in the cache. Unset it to download."
    if isinstance(error, httpx2.ProxyError):
        return f"the proxy refuses ({error}). Check HTTPS_PROXY and NO_PROXY."
    if isinstance(error, httpx2.TimeoutException):
        return f"{endpoint} did not answer in time. Check the network, then try again."
    if isinstance(error, httpx2.ConnectError):
        return f"{endpoint} cannot be reached. Check the network and HF_ENDPOINT, then try again."
    if isinstance(error, httpx2.TransportError | RuntimeError):
        return f"{endpoint} closed the line half-way. Nothing incomplete was kept; try again."
    if _cut_short(error):
        return (
            "what came is not as long as the hub says (cut off on the way, or a page of the network instead). Nothing "
            "of it was kept; try again."
        )
    if isinstance(error, _NO_HUB):
        return (
            f"{endpoint} answered with something else than a hub does (a login page of the network?). Open it in a "
            "browser, check HF_ENDPOINT, then try again."
        )
    if isinstance(error, LocalEntryNotFoundError):
        return "this is not in the cache. Unset HF_HUB_OFFLINE to download."
    if isinstance(error, OSError):
        return (
            f"the cache cannot be used ({error.strerror or error}). Free some space or set HF_HOME to another folder."
        )
    return f"{error}"


def _cut_short(error: BaseException) -> bool:
    """Whether a file ended before its stated length, which the client reports as a bare OSError."""
    return isinstance(error, OSError) and "Consistency check failed" in str(error)


def _quoted(error: BaseException) -> str:
    """The hub's own words, shortened: they come from elsewhere."""
    words = error.server_message if isinstance(error, HfHubHTTPError) else None
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in words or "").split())
    return f' ("{line[:200]}")' if line else ""
