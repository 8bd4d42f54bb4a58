"""The way to GitHub's REST API: its token, its pages, and what is waited for.

The token is looked up for each use and goes to the API's own host only.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from core import http
from core.credentials import variable
from core.errors import ToolError
from core.tool import ToolContext
from tools.github.refusals import ODD, is_limit, pause, refusal

JSON, RAW, MATCHES = (
    "application/vnd.github+json",
    "application/vnd.github.raw+json",
    "application/vnd.github.text-match+json",
)
#: Seconds that a limit is waited for; one of the searches is over within a minute.
LONGEST_PAUSE = 60.0
PER_PAGE = 100


def token() -> str:
    return variable("GITHUB_TOKEN") or variable("GH_TOKEN")


def api_url(ctx: ToolContext) -> str:
    return ctx.services.settings.github_url.rstrip("/")


async def get(
    ctx: ToolContext,
    path: str,
    params: Mapping[str, Any] | None = None,
    *,
    accept: str = JSON,
    most: int | None = None,
    missing: Callable[[], Awaitable[str]] | None = None,
) -> http.Reply:
    """A GET that went well.

    Args:
        path: below the API's address, or a URL there. missing: what a 404 means; it may ask.
    Raises ToolError.
    """
    base = api_url(ctx)
    url = path if "://" in path else f"{base}{path}"
    if urlsplit(url)[:2] != urlsplit(base)[:2]:
        raise ToolError(f"{url} is not on {base}")
    headers = {"Accept": accept, "X-GitHub-Api-Version": "2022-11-28", "User-Agent": "ml-agent"}
    secret = token()
    if secret:
        headers["Authorization"] = f"Bearer {secret}"
    how = http.GetOptions(most, LONGEST_PAUSE, ctx.log, retried=is_limit, named=pause)
    reply = await http.get(url, how, params=params, headers=headers)
    if reply.ok:
        return reply
    if reply.status == 404 and missing is not None:
        raise ToolError(await missing())
    raise ToolError(refusal(reply, secret != ""))


async def pages(
    ctx: ToolContext, path: str, params: Mapping[str, Any], most: int, accept: str = JSON
) -> tuple[list[dict[str, Any]], int, bool]:
    """(items, how many there are, whether GitHub gave up early) of a search, `most` at most."""
    items: list[dict[str, Any]] = []
    wanted: Mapping[str, Any] | None = {**params, "per_page": min(most, PER_PAGE)}
    total, incomplete = 0, False
    while path and len(items) < most:
        reply = await get(ctx, path, wanted, accept=accept)
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
    """Raises ToolError for what is not a list of objects."""
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return value
    raise ToolError(ODD)
