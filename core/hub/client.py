"""huggingface_hub's HTTP client, made fit for a tool: it does not wait for ever, does not sleep
through minutes, and stops when no one needs the answer any more."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core import http
from core.hub.library import http_library
from core.hub.refusals import Repo

if TYPE_CHECKING:
    import httpx2

#: Seconds: of silence in an answer, to connect, and the longest pause the Hub may ask for.
SILENCE, CONNECT, LONGEST_PAUSE = 60.0, 10.0, 20.0

_PREPARING = threading.Lock()
_prepared = False


@dataclass(frozen=True)
class HubRequest:
    """A call under way, as its thread and the hooks of the client see it.

    Attributes:
        again: it only looks, so it may be asked again as a whole.
        log: takes a line of progress from any thread.
        left: set when no one waits any more: a thread cannot be cancelled, its requests can.
    """

    hub: str
    about: Repo | None
    again: bool
    log: Callable[[str], None]
    left: threading.Event = field(default_factory=threading.Event)


CALL: ContextVar[HubRequest | None] = ContextVar("call", default=None)


class Left(Exception):
    """Whoever asked is gone."""


def prepare() -> None:
    """Once in a process: huggingface_hub's client waits for ever on a silent server, sleeps
    through a pause of minutes, and writes warnings and bars into the terminal."""
    global _prepared
    with _PREPARING:
        if _prepared:
            return
        http_library()
        from huggingface_hub import set_client_factory
        from huggingface_hub.utils.tqdm import disable_progress_bars

        set_client_factory(_client)
        disable_progress_bars()
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
        _prepared = True


def _client() -> httpx2.Client:
    client: httpx2.Client = http_library().default_client_factory()
    client.cookies = http.no_cookies()
    client.event_hooks = {
        "request": [*client.event_hooks["request"], _on_request],
        "response": [*client.event_hooks["response"], _on_response],
    }
    return client


def _on_request(request: httpx2.Request) -> None:
    call = CALL.get()
    if call is not None and call.left.is_set():
        raise Left
    # Its callers pass timeout=None along, so that a default of the client would not count.
    ours = {"connect": CONNECT, "read": SILENCE, "write": SILENCE, "pool": CONNECT}
    given = request.extensions.get("timeout", {})
    request.extensions["timeout"] = {k: given.get(k) or v for k, v in ours.items()}


def _on_response(response: httpx2.Response) -> None:
    """Busy answers leave the library at once where the call is made again anyway (some of its
    functions retry and some do not), and where it would sleep for minutes."""
    if response.status_code not in http.RETRIED:
        return
    call, pause = CALL.get(), pause_of(response)
    if (call is not None and call.again) or (pause is not None and pause > LONGEST_PAUSE):
        response.read()
        http_library().hf_raise_for_status(response)


def pause_of(response: httpx2.Response) -> float | None:
    """Seconds that the Hub asks to wait."""
    return http.wanted_pause({k.lower(): v for k, v in response.headers.items()})


def pause_after(error: Exception, attempt: int) -> float | None:
    """Seconds until the call is made again; None where that would not help."""
    from huggingface_hub.errors import HfHubHTTPError

    if not isinstance(error, HfHubHTTPError) or attempt == http.ATTEMPTS:
        return None
    if error.response.status_code not in http.RETRIED:
        return None
    named = pause_of(error.response)
    wait = 2.0 ** (attempt - 1) if named is None else named
    return wait if wait <= LONGEST_PAUSE else None
