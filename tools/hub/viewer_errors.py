"""What the dataset viewer's refusals mean, in words that say what to do next.

Its errors are a status, a header X-Error-Code and a body {error, cause_message?}. It tells gated,
private and missing datasets apart for nobody, so the Hub is asked which of them it is.
"""

from __future__ import annotations

import asyncio
import os
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from graph.errors import ToolError
from tools.http import Reply, wanted_pause

if TYPE_CHECKING:
    from huggingface_hub import HfApi

#: The document and the server spell it differently; both mean "ask later".
NOT_READY = ("ResponseNotReady", "ResponseNotReadyError")
NOT_SEARCHABLE = ("SearchFeatureNotAvailable", "SearchFeatureNotAvailableError")
NO_ACCESS = ("ExternalUnauthenticatedError", "ExternalAuthenticatedError")

#: Names that are offered in place of one that does not exist; seconds for that look-up.
NEAR, PATIENCE = 5, 10


class ViewerError(ToolError):
    """A refusal of the viewer: `status` of HTTP, `code` its X-Error-Code."""

    def __init__(self, message: str, status: int = 0, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


async def refusal(reply: Reply, dataset: str, has_token: bool) -> ViewerError:
    """The error for an answer that is none. `dataset`: what was asked about."""
    code = reply.headers.get("x-error-code", "")
    said, cause = _body(reply)
    if code in NO_ACCESS or (reply.status == 401 and not code):
        text = await asyncio.to_thread(why_no_access, dataset, has_token)
    elif reply.status == 404:
        text = f"the dataset viewer has nothing of that name in {dataset}: {said}"
    elif reply.status == 429:
        pause = wanted_pause(reply.headers)
        when = f"; the limit resets in {pause:.0f} s" if pause is not None else ""
        hint = "" if has_token else "; with a Hub token (HF_TOKEN) the limit is higher"
        text = f"the dataset viewer's rate limit is reached{when}{hint}"
    elif code in NOT_READY:
        text = (
            f"the dataset viewer is still preparing {dataset} and was not ready after several "
            "tries: ask again in some minutes, or load the dataset with a script"
        )
    elif code in NOT_SEARCHABLE:
        text = (
            f"{dataset} cannot be searched here (no text column, or no index): use where= "
            "instead, or load it with a script"
        )
    elif reply.status == 422:
        text = f"the dataset viewer refused the request: {said}"
    elif reply.status == 501:
        text = f"the dataset viewer does not serve {dataset}: {said}; load it with a script"
    elif reply.status >= 500 and cause:
        text = f"the dataset viewer cannot read {dataset}: {said} ({cause}); a fault in its files"
    else:
        text = f"the dataset viewer failed ({reply.status}: {said}); try again later"
    return ViewerError(text, reply.status, code)


def _body(reply: Reply) -> tuple[str, str]:
    """(what it says, the cause beneath) in a line each, whatever the body is."""
    try:
        body = reply.json()
    except ToolError:
        body = None
    if not isinstance(body, dict):
        return _line(reply.text) or "no explanation", ""
    return _line(str(body.get("error", ""))) or "no explanation", _line(
        str(body.get("cause_message", "") or "")
    )


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line[:300] + ("..." if len(line) > 300 else "")


def why_no_access(dataset: str, has_token: bool) -> str:
    """Gated, private, missing or unknown: what the Hub says of a dataset; blocking."""
    import httpx2
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

    page = f"{(os.environ.get('HF_ENDPOINT') or constants.ENDPOINT).rstrip('/')}/datasets/{dataset}"
    log_in = "" if has_token else " and set a token (HF_TOKEN or `hf auth login`)"
    gated = f"{dataset} is gated: ask for access at {page}{log_in}, then try again"
    try:
        info = _api().dataset_info(dataset, timeout=PATIENCE)
    except GatedRepoError:
        return gated
    except HFValidationError as error:
        return f"{dataset!r} is no dataset's name (owner/name): {_line(str(error))}"
    except RepositoryNotFoundError:
        hidden = "" if has_token else "; if it is private, set a token (HF_TOKEN)"
        return f"there is no dataset {dataset}{hidden}{near(dataset)}"
    except (httpx2.HTTPError, OSError, ValueError):
        return f"{dataset} does not exist, or is private or gated: see {page}{log_in}"
    if getattr(info, "gated", False):
        return gated
    if getattr(info, "private", False):
        return (
            f"{dataset} is private, and the dataset viewer serves private datasets only of PRO "
            "and Team accounts: load it with a script"
        )
    return f"{dataset} exists ({page}), but the dataset viewer has nothing of it yet"


def near(dataset: str) -> str:
    """`; did you mean a, b?` from the Hub's search, the likest first; empty where there is none."""
    import httpx2

    try:
        name = dataset.rsplit("/", 1)[-1]
        found = [d.id for d in _api().list_datasets(search=name, limit=20)]
    except (httpx2.HTTPError, OSError, ValueError):
        return ""
    found.sort(key=lambda other: -SequenceMatcher(None, dataset.lower(), other.lower()).ratio())
    return f"; did you mean {', '.join(found[:NEAR])}?" if found else ""


def _api() -> HfApi:
    """A client for one use: the library reads HF_ENDPOINT only when it is imported."""
    from huggingface_hub import HfApi

    return HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None)
