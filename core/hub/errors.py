"""Exceptions of huggingface_hub in words, with names that look like what is missing."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from core.hub.refusals import Repo, Said, log_in, refusal
from core.result_text import near_paths, there_is

if TYPE_CHECKING:
    import httpx2
    from huggingface_hub import HfApi

#: Names that are looked through for one that is near.
NAMES = 2000
OFFLINE = "HF_HUB_OFFLINE is set: nothing is asked of the Hub. Unset it to go online."


def told(error: Exception, api: HfApi, about: Repo | None) -> str | None:
    """A failure in words; None if it has nothing to do with the Hub."""
    import httpx2
    from huggingface_hub import errors

    hub = api.endpoint
    if isinstance(error, errors.HfHubHTTPError):
        headers = {name.lower(): value for name, value in error.response.headers.items()}
        url = str(error.response.url)
        answer = Said(error.response.status_code, headers, _text(error.response), url)
        said = refusal(answer, hub, bool(api.token), about)
        return said + _near(headers.get("x-error-code", ""), error, api, about)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return OFFLINE
    if isinstance(error, errors.LocalTokenNotFoundError):
        return f"This needs a token: {log_in()}."
    if isinstance(error, errors.HFValidationError):
        return str(error)
    if isinstance(error, httpx2.HTTPError):
        why = str(error) or type(error).__name__
        return f"{hub} cannot be reached: {why}. Is the network there? Try again later."
    if isinstance(error, OSError | RuntimeError):
        # What hf_xet raises, which carries the large files; or a local file that went away.
        hint = " If this hub does not speak Xet, start again with HF_HUB_DISABLE_XET=1." * (
            "xet" in str(error).lower() and "404" in str(error)
        )
        return f"The files could not be transferred: {error}{hint}"
    if isinstance(error, ValueError) and not isinstance(error, json.JSONDecodeError):
        # What huggingface_hub refuses by itself: a card's bad metadata, odd arguments.
        return str(error)
    if isinstance(error, KeyError | TypeError | AttributeError | IndexError | ValueError):
        # huggingface_hub takes answers apart unchecked.
        return f"The Hub's answer could not be understood ({type(error).__name__}: {error})."
    return None


def timed_out(error: Exception) -> bool:
    """Whether the Hub did not answer in time: what was asked of it may yet happen."""
    import httpx2

    return isinstance(error.__cause__, httpx2.TimeoutException)


def _text(response: httpx2.Response) -> str:
    import httpx2

    try:
        return response.text
    except httpx2.ResponseNotRead:
        return ""


def _near(code: str, error: Exception, api: HfApi, about: Repo | None) -> str:
    """Names that look like the missing one, where there are any."""
    from huggingface_hub import errors

    if about is None or about.type == "bucket":
        return ""
    missing = isinstance(error, errors.RepositoryNotFoundError) or code == "RepoNotFound"
    found: list[str] = []
    # A help next to a failure: when it fails too, the failure is told without it.
    with contextlib.suppress(errors.HfHubHTTPError, OSError, ValueError, KeyError, TypeError):
        if code == "EntryNotFound":
            found = near_files(api, about)
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
            other = _other_type(api, about)
            if other:
                return f" There is a {other} of this name: say type={other}."
            found = [info.id for info in lists[about.type](search=name, limit=5)]
    return there_is(found)


def _other_type(api: HfApi, about: Repo) -> str:
    """What the name is for, where the wrong type was asked for."""
    from huggingface_hub import errors

    for kind in [k for k in ("model", "dataset", "space") if k != about.type]:
        try:
            api.repo_info(about.id, repo_type=kind)
        except errors.HfHubHTTPError:
            continue
        return kind
    return ""


def near_files(api: HfApi, about: Repo) -> list[str]:
    tree = api.list_repo_tree(
        about.id, recursive=True, revision=about.revision or None, repo_type=about.type
    )
    return near_paths(about.path, [entry.path for entry in itertools.islice(tree, NAMES)])
