"""The way to the Hub: huggingface_hub in a thread of its own, and plain requests beside it.

The token is looked up for each use and goes to the Hub's address only. Whatever goes wrong comes
back as a ToolError that says what to do next. huggingface_hub is imported at the first use: it is
slow to load.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import itertools
import logging
import os
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from configs.settings import Settings
from graph.context import NotBegun, ToolRun
from graph.errors import ToolError
from tools import http
from tools.hub.words import Repo, refusal

if TYPE_CHECKING:
    import httpx2
    from huggingface_hub import HfApi

T = TypeVar("T")

#: Seconds: of silence in an answer, to connect, and the longest pause the Hub may ask for.
SILENCE, CONNECT, LONGEST_PAUSE = 60.0, 10.0, 20.0
#: Names that are looked through for one that is near.
NAMES = 2000
OFFLINE = "HF_HUB_OFFLINE is set: nothing is asked of the Hub. Unset it to go online."

_PREPARING = threading.Lock()
_prepared = False
#: Set when nobody waits for the call any more: a thread cannot be cancelled, its requests can.
_LEFT: ContextVar[threading.Event | None] = ContextVar("left", default=None)


class _Left(Exception):
    """Whoever asked is gone."""


def hub_url(settings: Settings) -> str:
    """The Hub's address, without a slash at its end."""
    return (settings.hub_url or os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip(
        "/"
    )


def offline() -> bool:
    """Whether the person wants nothing asked of the Hub. huggingface_hub looks at start only."""
    return any(
        os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE")
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    )


async def ask(run: ToolRun, work: Callable[[HfApi], T], about: Repo | None = None) -> T:
    """What `work` returns; it runs in a thread, and iterates whatever it is given there.

    Args:
        about: names the repository in what is said of a failure.
    Raises ToolError.
    """
    if offline():
        raise ToolError(OFFLINE)
    left = threading.Event()
    try:
        return await asyncio.to_thread(_asked, work, hub_url(run.services.settings), about, left)
    except asyncio.CancelledError:
        left.set()
        raise


async def get(
    run: ToolRun,
    path: str,
    params: Mapping[str, Any] | None = None,
    *,
    about: Repo | None = None,
    missing: str = "",
) -> http.Reply:
    """A plain GET of the Hub, for what huggingface_hub has no call for.

    Args:
        path: below the Hub's address, or a URL there. missing: what a 404 means.
    Raises ToolError, for any other address too.
    """
    if offline():
        raise ToolError(OFFLINE)
    hub = hub_url(run.services.settings)
    url = path if "://" in path else f"{hub}{path}"
    if not is_hub(url, hub):
        raise ToolError(f"{url} is not on the Hub ({hub})")
    token = await asyncio.to_thread(_token)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    reply = await http.get(url, params=params, headers=headers, log=run.log)
    if reply.ok:
        return reply
    if reply.status == 404 and missing and "x-error-code" not in reply.headers:
        raise ToolError(missing)
    raise ToolError(
        refusal(
            reply.status,
            reply.headers,
            reply.text,
            hub=hub,
            logged_in=token is not None,
            about=about,
        )
    )


def is_hub(url: str, hub: str) -> bool:
    """Whether a URL is on the Hub's own host: only there goes the token."""
    there, here = urlsplit(url), urlsplit(hub)
    return (there.scheme, there.netloc) == (here.scheme, here.netloc)


def _token() -> str | None:
    from huggingface_hub import get_token

    return get_token()


def _asked(work: Callable[[HfApi], T], hub: str, about: Repo | None, left: threading.Event) -> T:
    """In the thread. The context is this call's own: to_thread copies it."""
    from huggingface_hub import HfApi

    _prepare()
    _LEFT.set(left)
    token = _token()
    api = HfApi(endpoint=hub, token=token or False)
    try:
        return work(api)
    except (ToolError, NotBegun, _Left):
        raise
    except Exception as error:
        told = _told(error, api, about)
        if told is None:
            raise
        raise ToolError(told) from error


def _told(error: Exception, api: HfApi, about: Repo | None) -> str | None:
    """A failure in words; None if it has nothing to do with the Hub."""
    import httpx2
    from huggingface_hub import errors

    hub = api.endpoint
    if isinstance(error, errors.HfHubHTTPError):
        headers = {name.lower(): value for name, value in error.response.headers.items()}
        said = refusal(
            error.response.status_code,
            headers,
            _text(error.response),
            hub=hub,
            logged_in=bool(api.token),
            about=about,
        )
        return said + _near(headers.get("x-error-code", ""), error, api, about)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return OFFLINE
    if isinstance(error, errors.LocalTokenNotFoundError):
        return "This needs a token: `hf auth login` (or HF_TOKEN) logs in."
    if isinstance(error, errors.HFValidationError):
        return str(error)
    if isinstance(error, httpx2.HTTPError):
        why = str(error) or type(error).__name__
        return f"{hub} cannot be reached: {why}. Is the network there? Try again later."
    if isinstance(error, KeyError | TypeError | AttributeError | IndexError | ValueError):
        # huggingface_hub takes answers apart unchecked; ValueError is its refusal of arguments too.
        return f"The Hub's answer could not be understood ({type(error).__name__}: {error})."
    return None


def _text(response: httpx2.Response) -> str:
    import httpx2

    try:
        return response.text
    except httpx2.ResponseNotRead:
        return ""


def _near(code: str, error: Exception, api: HfApi, about: Repo | None) -> str:
    """Names that look like the missing one, where there are any."""
    from huggingface_hub import errors

    if about is None:
        return ""
    missing = isinstance(error, errors.RepositoryNotFoundError) or code == "RepoNotFound"
    found: list[str] = []
    # A help beside a failure: when it fails too, the failure is told without it.
    with contextlib.suppress(errors.HfHubHTTPError, OSError, ValueError, KeyError, TypeError):
        if code == "EntryNotFound":
            found = _near_files(api, about)
        elif code == "RevisionNotFound":
            refs = api.list_repo_refs(about.id, repo_type=about.type)
            found = [ref.name for ref in [*refs.branches, *refs.tags]][:10]
        elif missing:
            name = about.id.rsplit("/", 1)[-1]
            lists: dict[str, Callable[..., Any]] = {
                "model": api.list_models,
                "dataset": api.list_datasets,
                "space": api.list_spaces,
            }
            found = [info.id for info in lists[about.type](search=name, limit=5)]
    return f" There is: {', '.join(found)}." if found else ""


def _near_files(api: HfApi, about: Repo) -> list[str]:
    tree = api.list_repo_tree(
        about.id, recursive=True, revision=about.revision or None, repo_type=about.type
    )
    names = [entry.path for entry in itertools.islice(tree, NAMES)]
    last = {name: name.rsplit("/", 1)[-1] for name in names}
    near = difflib.get_close_matches(about.path, names, 5, 0.5)
    same = [n for n in names if last[n].lower() == about.path.rsplit("/", 1)[-1].lower()]
    return list(dict.fromkeys([*same[:5], *near])) or names[:10]


def _prepare() -> None:
    """Once in a process: huggingface_hub's client waits for ever on a silent server, sleeps
    through a pause of minutes, and writes warnings and bars into the terminal."""
    global _prepared
    with _PREPARING:
        if _prepared:
            return
        from huggingface_hub import set_client_factory
        from huggingface_hub.utils.tqdm import disable_progress_bars

        set_client_factory(_client)
        disable_progress_bars()
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
        _prepared = True


def _client() -> httpx2.Client:
    from huggingface_hub.utils._http import default_client_factory

    client = default_client_factory()
    client.event_hooks = {
        "request": [*client.event_hooks["request"], _on_request],
        "response": [*client.event_hooks["response"], _on_response],
    }
    return client


def _on_request(request: httpx2.Request) -> None:
    left = _LEFT.get()
    if left is not None and left.is_set():
        raise _Left
    # Its callers pass timeout=None along, so that a default of the client would not count.
    ours = {"connect": CONNECT, "read": SILENCE, "write": SILENCE, "pool": CONNECT}
    given = request.extensions.get("timeout", {})
    request.extensions["timeout"] = {k: given.get(k) or v for k, v in ours.items()}


def _on_response(response: httpx2.Response) -> None:
    pause = wanted_pause_of(response) if response.status_code in http.RETRIED else None
    if pause is not None and pause > LONGEST_PAUSE:
        from huggingface_hub.utils._http import hf_raise_for_status

        response.read()
        hf_raise_for_status(response)


def wanted_pause_of(response: httpx2.Response) -> float | None:
    return http.wanted_pause({k.lower(): v for k, v in response.headers.items()})
