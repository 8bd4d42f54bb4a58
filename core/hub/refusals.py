"""What a refusal of the Hub means, and what to do next, in words for the model and the user.

The Hub says why in headers (X-Error-Code, X-Error-Message, RateLimit); a body is optional. Names
and meanings are huggingface_hub's (utils/_http.py, errors.py, 2.4).
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from core.http import wanted_pause
from core.refusals import HUB, sentence

RepoType = Literal["model", "dataset", "space"]
LOG_IN = "`hf auth login` (or HF_TOKEN) logs in"
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
    """A refusal as it came. headers: names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: str


def refusal(answer: Said, hub: str, logged_in: bool, about: Repo | None = None) -> str:
    """One or two sentences. `hub`: its address."""
    status, headers, body = answer.status, answer.headers, answer.body
    code = headers.get("x-error-code", "")
    said = headers.get("x-error-message", "") or _error_of(body)
    what = str(about) if about else "this"
    if code == "GatedRepo":
        return _gated(said, hub, logged_in, about)
    if said == DISABLED:
        code = "Disabled"
    elif code in HUB:
        pass
    elif status == 401 and BAD_TOKEN in (said, _error_of(body)):
        code = "BadToken"
    elif code == "RepoNotFound" or (status == 401 and about):
        return _missing(what, logged_in)
    elif status == 404:
        return f"The Hub has no {what}." if about else "The Hub has nothing there." + _quoted(said)
    elif status == 429:
        return _too_many(headers, logged_in)
    return sentence(
        HUB,
        status,
        code,
        hub=hub,
        what=what,
        What=_capital(what),
        of=f" ({about})" if about else "",
        log_in=LOG_IN,
        revision=f" {about.revision}" if about and about.revision else "",
        path=(about and about.path) or "such file",
        quoted=_quoted(said),
    )


def _gated(said: str, hub: str, logged_in: bool, about: Repo | None) -> str:
    page = f"{hub}/{about.page}" if about else "its page"
    what = _capital(str(about)) if about else "It"
    first = "" if logged_in else f" First log in: {LOG_IN}."
    waiting = " The request waits for the owner's approval." if "awaiting" in said else ""
    return f"{what} is gated: the user must ask for access at {page}.{first}{waiting}"


def _missing(what: str, logged_in: bool) -> str:
    if logged_in:
        return f"The Hub has no {what}, or this token cannot see it."
    return f"The Hub has no {what}, or it is private: {LOG_IN}."


def _too_many(headers: Mapping[str, str], logged_in: bool) -> str:
    wait = wanted_pause(headers)
    when = f"it resets in {math.ceil(wait)} s" if wait is not None else "try again in some minutes"
    more = "" if logged_in else f" {LOG_IN[0].upper()}{LOG_IN[1:]}, which allows more."
    return f"The Hub's limit of requests is reached; {when}.{more}"


def _error_of(body: str) -> str:
    """The `error` (or `message`) of a JSON body, if it is one."""
    try:
        found = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(found, dict):
        return ""
    error = found.get("error") or found.get("message") or ""
    return error if isinstance(error, str) else json.dumps(error)


def _quoted(said: str) -> str:
    return f' It says: "{said[:500]}"' if said else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
