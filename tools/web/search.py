"""Searching the web: a SearxNG of the user's own, else public search engines through ddgs."""

import asyncio
import logging
from typing import Any
from urllib.parse import urlsplit

from core import http
from core.errors import ToolError
from core.http import GetOptions
from core.result_text import cut
from core.tool import ToolContext

#: Seconds that a public search engine gets; characters of a result's text.
TIMEOUT, SNIPPET = 10, 400
LONGEST_PAUSE = 20.0


async def found(query: str, domains: list[str], most: int, ctx: ToolContext) -> list[str]:
    """Results as title, URL and text; of `domains` alone, where they are named."""
    wanted = [_domain(domain) for domain in domains]
    words = query
    if wanted:
        sites = " OR ".join(f"site:{domain}" for domain in wanted)
        words = f"{query} ({sites})" if len(wanted) > 1 else f"{query} {sites}"
    url = ctx.services.settings.web_search_url
    # Of an engine that does not know site: some results fall away, so more are asked for.
    results = await (_searx(url, words, ctx) if url else _public(words, most * 2))
    kept = [r for r in results if r[1] and (not wanted or _within(r[1], wanted))]
    return [f"{cut(title, 200)}\n{url}\n{cut(text, SNIPPET)}\n" for title, url, text in kept[:most]]


def _domain(given: str) -> str:
    """`https://www.x.org/a` → www.x.org."""
    host = (urlsplit(given if "//" in given else f"//{given}").hostname or "").strip(".")
    if not host or " " in host:
        raise ToolError(f"{given!r} is not a domain")
    return host


def _within(url: str, domains: list[str]) -> bool:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


async def _searx(url: str, words: str, ctx: ToolContext) -> list[tuple[str, str, str]]:
    """docs.searxng.org/dev/search_api.html: q, format=json → {results: [{title, url, content}]}."""
    params = {"q": words, "format": "json"}
    reply = await http.get(url, GetOptions(longest=LONGEST_PAUSE, log=ctx.log), params=params)
    if reply.status == 403:
        raise ToolError(
            f"{url} refuses JSON (403): its settings need `json` among search.formats, or it "
            "limits this machine"
        )
    if not reply.ok:
        raise ToolError(f"{url} (web_search_url) answered {reply.status}; try again later")
    answer = reply.json()
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list) or not all(isinstance(r, dict) for r in results):
        raise ToolError(f"{url} (web_search_url) does not answer as SearxNG does")
    if not results:
        failed = [str(e[0]) for e in answer.get("unresponsive_engines") or () if e]
        if failed:
            raise ToolError(f"no search engine answered {url}: {', '.join(failed)}")
    return [tuple(str(r.get(k) or "") for k in ("title", "url", "content")) for r in results]  # type: ignore[misc]


async def _public(words: str, most: int) -> list[tuple[str, str, str]]:
    """Engines that answer without a key; they may refuse a machine that asks a lot."""
    results = await asyncio.to_thread(_ddgs, words, most)
    return [tuple(str(r.get(k) or "") for k in ("title", "href", "body")) for r in results]  # type: ignore[misc]


def _ddgs(words: str, most: int) -> list[dict[str, Any]]:
    from ddgs import DDGS
    from ddgs.exceptions import DDGSException

    logging.getLogger("ddgs").setLevel(logging.CRITICAL + 1)
    try:
        return DDGS(timeout=TIMEOUT).text(words, max_results=most)
    except DDGSException as error:
        if str(error) == "No results found.":
            return []
        raise ToolError(
            f"the public search engines do not answer ({cut(str(error), 200)}); try again later, "
            "or ask the user to set web_search_url to a SearxNG"
        ) from None
