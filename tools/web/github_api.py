"""The way to GitHub's REST API: its token, its pages, and its refusals in words.

The token is looked up for each use and goes to the API's own host only. Limits and their headers:
docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api.
"""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from graph.context import ToolRun
from graph.errors import ToolError
from tools import http

JSON, RAW, MATCHES = (
    "application/vnd.github+json",
    "application/vnd.github.raw+json",
    "application/vnd.github.text-match+json",
)
#: Seconds that a limit is waited for; one of the searches is over within a minute.
LONGEST_PAUSE = 60.0
#: GitHub's advice where a limit names no time: a minute at least.
UNNAMED = 61.0
PER_PAGE = 100
NO_TOKEN = "Set GITHUB_TOKEN (or GH_TOKEN; `gh auth token` prints one)"
#: What a limit is called, by the bucket that GitHub names in a header.
BUCKETS = {"search": "searches", "code_search": "code searches", "core": "requests"}


def token() -> str:
    return os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN") or ""


def api_url(run: ToolRun) -> str:
    return run.services.settings.github_url.rstrip("/")


async def get(
    run: ToolRun,
    path: str,
    params: Mapping[str, Any] | None = None,
    *,
    accept: str = JSON,
    most: int = http.MOST,
    missing: Callable[[], Awaitable[str]] | None = None,
) -> http.Reply:
    """A GET that went well.

    Args:
        path: below the API's address, or a URL there. missing: what a 404 means; it may ask.
    Raises ToolError.
    """
    base = api_url(run)
    url = path if "://" in path else f"{base}{path}"
    if urlsplit(url)[:2] != urlsplit(base)[:2]:
        raise ToolError(f"{url} is not on {base}")
    headers = {"Accept": accept, "X-GitHub-Api-Version": "2022-11-28", "User-Agent": "ml-agent"}
    secret = token()
    if secret:
        headers["Authorization"] = f"Bearer {secret}"
    reply = await http.get(
        url,
        params=params,
        headers=headers,
        most=most,
        longest=LONGEST_PAUSE,
        log=run.log,
        retried=_is_limit,
        named=_pause,
    )
    if reply.ok:
        return reply
    if reply.status == 404 and missing is not None:
        raise ToolError(await missing())
    raise ToolError(refusal(reply, secret != ""))


async def pages(
    run: ToolRun,
    path: str,
    params: Mapping[str, Any],
    most: int,
    accept: str = JSON,
) -> tuple[list[dict[str, Any]], int, bool]:
    """(items, how many there are, whether GitHub gave up early) of a search, `most` at most."""
    items: list[dict[str, Any]] = []
    wanted: Mapping[str, Any] | None = {**params, "per_page": min(most, PER_PAGE)}
    total, incomplete = 0, False
    while path and len(items) < most:
        reply = await get(run, path, wanted, accept=accept)
        found = an_object(reply)
        items += dicts(found.get("items"))
        count = found.get("total_count")
        total = count if isinstance(count, int) else len(items)
        incomplete = bool(found.get("incomplete_results"))
        path, wanted = next_page(reply.headers), None
    return items[:most], total, incomplete


def next_page(headers: Mapping[str, str]) -> str:
    found = re.search(r'<([^>]+)>;\s*rel="next"', headers.get("link", ""))
    return found[1] if found else ""


def an_object(reply: http.Reply) -> dict[str, Any]:
    found = reply.json()
    if isinstance(found, dict):
        return found
    raise ToolError(ODD)


def dicts(value: Any) -> list[dict[str, Any]]:
    """Raises ToolError for what is no list of objects."""
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return value
    raise ToolError(ODD)


ODD = "GitHub's answer could not be understood; try again later"


def _is_limit(reply: http.Reply) -> bool:
    if reply.status == 429:
        return True
    spent = reply.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in reply.headers
    return reply.status == 403 and (spent or "rate limit" in reply.text.lower())


def _pause(reply: http.Reply) -> float | None:
    """Seconds until a limit is over; None where it was none."""
    if not _is_limit(reply):
        return http.wanted_pause(reply.headers)
    wait = http.wanted_pause(reply.headers)
    if wait is not None:
        return wait
    reset = reply.headers.get("x-ratelimit-reset", "")
    if reply.headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(0.0, int(reset) - time.time()) + 1
    return UNNAMED


def refusal(reply: http.Reply, logged_in: bool) -> str:
    """One to three sentences: what GitHub said, and what to do."""
    said = _message(reply.text)
    if _is_limit(reply):
        return _limit(reply, said, logged_in)
    if reply.status == 401:
        return (
            "GitHub does not accept this machine's token (GITHUB_TOKEN, else GH_TOKEN): it is "
            "expired or revoked. Set a new one, or unset it: what is public is read without."
        )
    if reply.status == 403:
        hint = "its scopes or an organization's sign-on may forbid it" if logged_in else NO_TOKEN
        return f"GitHub refuses it{_quoted(said)}; {hint}."
    if reply.status == 404:
        return f"GitHub has nothing there{_quoted(said)}{_hidden(logged_in)}."
    if reply.status == 409:
        return f"GitHub cannot show it{_quoted(said)}: a repository without commits has no files."
    if reply.status == 422:
        return f"GitHub does not take this query{_quoted(said)}{_hidden(logged_in)}."
    if reply.status == 451:
        return f"GitHub has blocked it for legal reasons{_quoted(said)}."
    if reply.status >= 500:
        return f"GitHub fails at the moment ({reply.status}); try again later{_quoted(said)}."
    return f"GitHub refused it ({reply.status}){_quoted(said)}."


def _limit(reply: http.Reply, said: str, logged_in: bool) -> str:
    wait = _pause(reply) or 0.0
    moment = datetime.fromtimestamp(time.time() + wait, UTC)
    in_words = f"{math.ceil(wait / 60)} min" if wait > 120 else f"{math.ceil(wait)} s"
    when = f"{moment:%H:%M:%S} UTC, in {in_words}"
    if "secondary" in said.lower() or reply.headers.get("x-ratelimit-remaining", "0") != "0":
        return (
            f"GitHub's secondary limit is reached (too much at once); ask again at {when}. "
            "Ask for less at a time."
        )
    bucket = reply.headers.get("x-ratelimit-resource", "core")
    limit = reply.headers.get("x-ratelimit-limit", "")
    most = f" ({limit} {'a minute' if 'search' in bucket else 'an hour'})" if limit else ""
    more = "" if logged_in else f" {NO_TOKEN}: it raises the limit."
    other = " Meanwhile examples, tree and read work." if bucket == "code_search" else ""
    what = BUCKETS.get(bucket, f"{bucket} requests")
    return f"GitHub's limit of {what}{most} is used up; it resets at {when}.{more}{other}"


def _message(body: str) -> str:
    """`message` and the `errors` of an error's body."""
    try:
        found = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(found, dict):
        return ""
    errors = found.get("errors")
    every = [found.get("message"), *(errors if isinstance(errors, list) else ())]
    texts = [e.get("message") or e.get("code") if isinstance(e, dict) else e for e in every]
    return "; ".join(t for t in texts if isinstance(t, str) and t)[:500]


def _hidden(logged_in: bool) -> str:
    who = "this token" if logged_in else "nobody without a token"
    return f"; what is private, {who} may {'not see' if logged_in else 'see'}"


def _quoted(said: str) -> str:
    return f' ("{said}")' if said else ""
