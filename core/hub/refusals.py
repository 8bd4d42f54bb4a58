"""What a refusal of the Hub means, and what to do next, in words for the model and the user.

The Hub says why in headers (X-Error-Code, X-Error-Message, RateLimit); a body is optional. Names
and meanings are huggingface_hub's (utils/_http.py, errors.py, 2.4).
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from core.credentials import is_shared, way_in
from core.http import wanted_pause
from core.refusals import HUB, sentence

RepoType = Literal["model", "dataset", "space", "bucket"]
LOG_IN = "`hf auth login` (or HF_TOKEN) logs in"
#: Hugging Face's own hosts, and what only they are sure to have, by path.
OWN_HOSTS = ("huggingface.co", "hf.co")
SERVICES = {
    "/api/jobs": "jobs", "/api/scheduled-jobs": "scheduled jobs", "/api/papers": "papers",
    "/api/daily_papers": "papers", "/api/docs": "documentation", "/docs": "documentation",
    "/papers": "papers", "/.well-known/openapi": "a description of its API",
    "/api/buckets": "buckets", "/api/spaces/semantic-search": "search of Spaces by meaning",
}  # fmt: skip
#: What the Hub says of a token that it does not know.
BAD_TOKEN = "Invalid credentials in Authorization header"
DISABLED = "Access to this resource is disabled."


@dataclass(frozen=True)
class Repo:
    """What a request was about: a repository, and what of it, as far as that was named."""

    id: str
    type: RepoType = "model"
    revision: str = ""
    path: str = ""

    @property
    def page(self) -> str:
        """Its page below the Hub's address."""
        return self.id if self.type == "model" else f"{self.type}s/{self.id}"

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


@dataclass(frozen=True)
class Said:
    """A refusal as it came. headers: names in lower case. url: what was asked."""

    status: int
    headers: Mapping[str, str]
    body: str
    url: str = ""


def refusal(answer: Said, hub: str, logged_in: bool, about: Repo | None = None) -> str:
    """One or two sentences. `hub`: its address."""
    status, headers, body = answer.status, answer.headers, answer.body
    code = headers.get("x-error-code", "")
    said = headers.get("x-error-message", "") or _error_of(body)
    what = str(about) if about else "this"
    service = _lacking(answer, hub)
    if service:
        code = "NoService"
    if code == "GatedRepo":
        return _gated(said, hub, logged_in, about)
    if said == DISABLED:
        code = "Disabled"
    elif code in HUB:
        pass
    elif status == 401 and BAD_TOKEN in (said, _error_of(body)):
        code = "BadSignIn" if is_shared() else "BadToken"
    elif status == 403 and is_shared():
        code = "NoScope"
    elif code == "RepoNotFound" or (status == 401 and about):
        return _missing(what, logged_in)
    elif status == 404 and not service:
        return f"The Hub has no {what}." if about else "The Hub has nothing there." + _quoted(said)
    elif status == 429:
        return _too_many(headers, logged_in)
    return sentence(
        HUB,
        status,
        code,
        hub=hub,
        service=service,
        what=what,
        What=_capital(what),
        of=f" ({about})" if about else "",
        log_in=log_in(),
        Log_in=_capital(log_in()),
        revision=f" {about.revision}" if about and about.revision else "",
        path=(about and about.path) or "such file",
        quoted=_quoted(said),
    )


def _lacking(answer: Said, hub: str) -> str:
    """The service that another hub than Hugging Face's does not have; empty for a plain refusal,
    which says in words, or in a header, what is missing."""
    own = (urlsplit(hub).hostname or "").endswith(OWN_HOSTS)
    known = "x-error-code" in answer.headers or "x-error-message" in answer.headers
    if own or known or answer.status not in (404, 405, 501):
        return ""
    if _error_of(answer.body) not in ("", "Not Found", "Method Not Allowed", "Not Implemented"):
        return ""
    path = urlsplit(answer.url).path
    return next((name for start, name in SERVICES.items() if path.startswith(start)), "")


def log_in() -> str:
    return way_in(LOG_IN)


def _gated(said: str, hub: str, logged_in: bool, about: Repo | None) -> str:
    page = f"{hub}/{about.page}" if about else "its page"
    what = _capital(str(about)) if about else "It"
    first = "" if logged_in else f" First log in: {log_in()}."
    waiting = " The request waits for the owner's approval." if "awaiting" in said else ""
    return f"{what} is gated: the user must ask for access at {page}.{first}{waiting}"


def _missing(what: str, logged_in: bool) -> str:
    if logged_in:
        return f"The Hub has no {what}, or this token cannot see it."
    return f"The Hub has no {what}, or it is private: {log_in()}."


def _too_many(headers: Mapping[str, str], logged_in: bool) -> str:
    wait = wanted_pause(headers)
    when = f"it resets in {math.ceil(wait)} s" if wait is not None else "try again in some minutes"
    more = "" if logged_in else f" {_capital(log_in())}, which allows more."
    return f"The Hub's limit of requests is reached; {when}.{more}"


def _error_of(body: str) -> str:
    """The `error`, `message` or `detail` of a JSON body, if it is one."""
    try:
        found = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(found, dict):
        return ""
    error = found.get("error") or found.get("message") or found.get("detail") or ""
    if isinstance(error, list):
        # FastAPI's list of what is wrong with the arguments.
        parts = (one for one in error if isinstance(one, dict))
        error = "; ".join(
            f"{'.'.join(map(str, one.get('loc', [])))}: {one.get('msg', '')}" for one in parts
        )
    return error if isinstance(error, str) else json.dumps(error)


def _quoted(said: str) -> str:
    return f' It says: "{said[:500]}"' if said else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
