"""Semantic Scholar: who cites whom, and searches by date and citations. Without a key its pool is
shared by everyone, and often used up."""

from collections.abc import Mapping
from typing import Any

from core import http
from core.credentials import variable
from core.errors import ToolError
from core.http import GetOptions
from core.hub.connection import Hub
from core.refusals import SEMANTIC_SCHOLAR, sentence
from core.result_text import counted, row

KEYS = ("SEMANTIC_SCHOLAR_API_KEY", "S2_API_KEY")
FIELDS = "title,year,publicationDate,citationCount,externalIds,authors"


async def scholar(
    hub: Hub, path: str, params: Mapping[str, Any], missing: str = "it has no record of it"
) -> dict[str, Any]:
    """The JSON object at a path below /graph/v1. Raises ToolError."""
    key = next(filter(None, map(variable, KEYS)), "")
    url = f"{hub.settings.semantic_scholar_url.rstrip('/')}/graph/v1{path}"
    headers = {"x-api-key": key} if key else {}
    reply = await http.get(url, GetOptions(log=hub.log), params=params, headers=headers)
    if not reply.ok:
        hint = "" if key else f"; {KEYS[0]} sets your own key (free)"
        known = {"keys": " or ".join(KEYS), "missing": missing, "hint": hint}
        raise ToolError(sentence(SEMANTIC_SCHOLAR, reply.status, said=reply.text[:200], **known))
    found = reply.json()
    if not isinstance(found, dict):
        raise ToolError("Semantic Scholar's answer could not be understood; try again later")
    return found


def papers_of(found: dict[str, Any], key: str = "") -> list[dict[str, Any]]:
    """The papers in an answer's `data`; `key`: where each one is in its entry."""
    data = found.get("data")
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise ToolError("Semantic Scholar's answer could not be understood; try again later")
    return [{**(one.get(key) or {}), "entry": one} if key else one for one in data]


def paper_line(paper: dict[str, Any]) -> str:
    """`2305.18290 | Direct Preference Optimization | 2023-05-29 | 4.1k citations | ann et al.`"""
    ids = paper.get("externalIds") or {}
    authors = [a.get("name", "") for a in paper.get("authors") or []]
    return row(
        str(ids.get("ArXiv") or f"(no arXiv id, {paper.get('paperId', '')})"),
        str(paper.get("title") or "(no title)"),
        str(paper.get("publicationDate") or paper.get("year") or ""),
        counted(paper.get("citationCount"), "citations"),
        f"{authors[0]} et al." if len(authors) > 1 else "".join(authors),
    )
