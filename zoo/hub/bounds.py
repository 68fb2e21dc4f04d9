"""Bounds on how long a hub may keep us waiting.

huggingface_hub 2.x calls without time-outs, and sleeps as long as a Retry-After header says. Its documented door for
both is the client factory. Ours wraps the one in force, whoever set it, and bounds no request outside `bounded`. It is
set by the first `bounded`, and again by one that finds another in its place; each time the library closes the client
that it shares, and a request that somebody else has under way on that client may fail.
"""

import contextlib
import contextvars
import threading
import time
from collections.abc import Callable, Iterator

import httpx2
from huggingface_hub import set_client_factory
from huggingface_hub.utils import _http as hub_http

from .words import PASSING_STATUS, UnreachableError

CONNECT_SECONDS = 10.0
_WAITS = (0.5, 1.0, 2.0)
_UNANSWERED = 3


class Budget:
    """What one operation may take: `seconds` since the last good answer, `stall` seconds of silence on a line.

    A transfer that moves is never cut off: `seconds` bounds attempts, not bytes.
    """

    def __init__(self, doing: str, seconds: float, stall: float) -> None:
        self.doing = doing
        self.seconds = seconds
        self.stall = stall
        self.status = 200  # of the last answer
        self._ends = time.monotonic() + seconds
        self._unanswered = 0
        self._waits = iter(_WAITS)

    @property
    def left(self) -> float:
        """Seconds left."""
        return self._ends - time.monotonic()

    def wait(self) -> bool:
        """Wait a little before another attempt; False where none is left."""
        seconds = next(self._waits, None)
        if seconds is None or seconds >= self.left:
            return False
        time.sleep(seconds)
        return True

    def before(self, request: httpx2.Request) -> None:
        """Give a request its time-outs. Raises UnreachableError when the time is up or nobody answers."""
        if self._unanswered >= _UNANSWERED:
            raise UnreachableError(
                f"{self.doing}: the hub answered none of {_UNANSWERED} requests. Check the network and HF_ENDPOINT, "
                "then try again."
            )
        if self.left <= 0:
            trouble = f"answered {self.status}" if self.status >= 400 else "did not answer"
            raise UnreachableError(
                f"{self.doing}: the hub {trouble}, for more than {self.seconds:.0f} seconds. Try again in some minutes."
            )
        self._unanswered += 1
        request.extensions["timeout"] = {
            "connect": min(CONNECT_SECONDS, self.stall),
            "read": self.stall,
            "write": self.stall,
            "pool": self.stall,
        }

    def after(self, response: httpx2.Response) -> None:
        """Note how it went. Raises UnreachableError when the hub asks for more patience than there is."""
        self.status = response.status_code
        self._unanswered = 0
        if self.status < 400:
            self._ends = time.monotonic() + self.seconds
            return
        asked = _retry_after(response)
        if self.status in PASSING_STATUS and asked is not None and asked >= self.left:
            raise UnreachableError(
                f"{self.doing}: the hub answered {self.status} and asks to come back in {asked} seconds. "
                "Try again then; signed in (`hf auth login`), more requests are allowed."
            )


def _retry_after(response: httpx2.Response) -> int | None:
    """Seconds a Retry-After or RateLimit header asks for."""
    limit = hub_http.parse_ratelimit_headers(response.headers)
    if response.status_code == 429 and limit is not None and limit.remaining == 0:
        return limit.reset_in_seconds
    text = response.headers.get("Retry-After", "")
    return int(text) if text.isascii() and text.isdigit() else None


_budget: contextvars.ContextVar[Budget | None] = contextvars.ContextVar("hub_budget", default=None)
_installing = threading.Lock()
_ours: Callable[[], httpx2.Client] | None = None


@contextlib.contextmanager
def bounded(doing: str, seconds: float, stall: float) -> Iterator[Budget]:
    """Every request of the client inside, in this context or a copy of it, keeps within one budget."""
    _ensure_installed()
    token = _budget.set(Budget(doing, seconds, stall))
    try:
        yield _budget.get()  # type: ignore[misc]
    finally:
        _budget.reset(token)


def _ensure_installed() -> None:
    global _ours
    with _installing:
        inner = hub_http._GLOBAL_CLIENT_FACTORY  # which the library tells in no other way
        if inner is _ours:
            return

        def factory() -> httpx2.Client:
            client = inner()
            hooks = client.event_hooks
            if _before not in hooks["request"]:  # it is when somebody wrapped our factory
                client.event_hooks = {
                    "request": [*hooks["request"], _before],
                    "response": [*hooks["response"], _after],
                }
            return client

        set_client_factory(factory)
        _ours = factory


def _before(request: httpx2.Request) -> None:
    if budget := _budget.get():
        budget.before(request)


def _after(response: httpx2.Response) -> None:
    if budget := _budget.get():
        budget.after(response)
