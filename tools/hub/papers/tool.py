"""hf_papers: research papers, from the Hub, arXiv and Semantic Scholar."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field

from core.effects import Effect
from core.errors import ToolError
from core.hub.connection import Hub
from core.result_text import counted, cut, day, listed, repo_line, row
from core.tool import AgentTool, ToolContext, ToolResult
from tools.hub.papers.scholar import FIELDS, paper_line, papers_of, scholar
from tools.hub.papers.text import paper_id, read

if TYPE_CHECKING:
    from huggingface_hub import HfApi

#: Citations that are looked through for those that matter.
CITATIONS = 500


def _when(text: str) -> str:
    # Checked here and not by a pattern: that would stand in every request.
    if text and not re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", text):
        raise ValueError("dates look like 2025-01-31, months 2025-01, years 2025")
    return text


When = Annotated[str, AfterValidator(_when)]


class PapersArguments(BaseModel, extra="forbid"):
    operation: Literal["trending", "search", "read", "details", "citations", "resources"]
    id: str = Field("", description="arXiv id or URL")
    query: str = ""
    section: str = Field("", description="read: title or number")
    date: When = ""
    since: When = Field("", description="2025-01")
    until: When = ""
    min_citations: int = Field(0, ge=0)
    sort: Literal["relevance", "citations", "date"] = "relevance"
    direction: Literal["citing", "references"] = "citing"
    limit: int = Field(15, ge=1, le=100)


class Papers(AgentTool):
    name: str = "hf_papers"
    description: str = (
        "Research papers: search; trending of a day; read one by section; details (abstract, "
        "code); citations; resources (models, datasets made from it). Before designing a training "
        "run, read the method section of a good paper."
    )
    args_schema: type[BaseModel] = PapersArguments
    looks_up: bool = True
    titled_by: tuple[str, ...] = ("operation", "id", "query", "section", "date")

    def effect(self, arguments: PapersArguments, cwd: str) -> Effect:
        return Effect("read")

    async def execute(self, arguments: PapersArguments, ctx: ToolContext) -> ToolResult:
        hub = Hub.of(ctx)
        if arguments.operation == "trending":
            return await _trending(arguments, hub)
        if arguments.operation == "search":
            return await _search(arguments, hub)
        id = paper_id(arguments.id)
        if arguments.operation == "read":
            return ToolResult(await read(id, arguments.section, hub))
        if arguments.operation == "details":
            return await _details(id, hub)
        if arguments.operation == "citations":
            return await _citations(id, arguments, hub)
        return await _resources(id, arguments.limit, hub)


async def _trending(arguments: PapersArguments, hub: Hub) -> ToolResult:
    params = {
        "date": arguments.date or None,
        "sort": None if arguments.date else "trending",
        "limit": arguments.limit,
    }
    lines = await _listed_at_hub("/api/daily_papers", params, hub)
    return listed(lines[: arguments.limit], f"no papers of {arguments.date or 'today'}")


async def _listed_at_hub(path: str, params: dict[str, Any], hub: Hub) -> list[str]:
    """Lines of papers. Asked past huggingface_hub, whose PaperInfo loses what is inside
    `paper` (2.4: the summary in a sentence, the stars)."""
    found = (await hub.get(path, params)).json()
    try:
        return [_entry_line(entry.get("paper", entry)) for entry in found]
    except (AttributeError, TypeError, KeyError):
        raise ToolError("the Hub's answer could not be understood; try again later") from None


def _entry_line(paper: dict[str, Any]) -> str:
    return row(
        paper["id"],
        str(paper["title"]),
        day(paper.get("publishedAt")),
        counted(paper.get("upvotes"), "upvotes"),
        counted(paper.get("githubStars"), "stars on GitHub"),
        cut(paper.get("ai_summary") or "", 200),
    )


async def _search(arguments: PapersArguments, hub: Hub) -> ToolResult:
    if not arguments.query:
        raise ToolError("search needs a query")
    if len(arguments.query) > 250:
        raise ToolError("query: at most 250 characters")
    nothing = f"no paper fits {arguments.query}; try fewer or other words"
    filtered = arguments.since or arguments.until or arguments.min_citations
    if not filtered and arguments.sort == "relevance":
        params: dict[str, Any] = {"q": arguments.query, "limit": arguments.limit}
        lines = await _listed_at_hub("/api/papers/search", params, hub)
        return listed(lines[: arguments.limit], nothing)
    order = {"citations": "citationCount:desc", "date": "publicationDate:desc"}
    between = f"{arguments.since}:{arguments.until}"
    params = {
        "query": arguments.query,
        "fields": FIELDS,
        "publicationDateOrYear": between if between != ":" else None,
        "minCitationCount": arguments.min_citations or None,
        "sort": order.get(arguments.sort),
    }
    found = await scholar(hub, "/paper/search/bulk", params)
    papers = papers_of(found)
    left = int(found.get("total") or len(papers)) - arguments.limit
    note = f"{left} more; narrow it or raise limit" if left > 0 else ""
    return listed((paper_line(p) for p in papers[: arguments.limit]), nothing, note)


async def _details(id: str, hub: Hub) -> ToolResult:
    try:
        return ToolResult(await hub.ask(lambda api: _described(api.paper_info(id))))
    except ToolError as error:
        # The Hub has the papers that someone submitted to it alone.
        refused = error
    fields = f"{FIELDS},abstract,tldr,venue,referenceCount,influentialCitationCount"
    try:
        paper = await scholar(hub, f"/paper/ARXIV:{id}", {"fields": fields})
    except ToolError as error:
        raise ToolError(f"{refused.message} {error.message}") from None
    figures = row(
        counted(paper.get("influentialCitationCount"), "influential citations"),
        counted(paper.get("referenceCount"), "references"),
        str(paper.get("venue") or ""),
    )
    about = str(paper.get("abstract") or (paper.get("tldr") or {}).get("text") or "")
    return ToolResult("\n".join([paper_line(paper), figures, about]))


def _described(paper: Any) -> str:
    if not paper.id or not paper.title:
        raise ToolError("The Hub's answer could not be understood; try again later.")
    names = [author.name for author in paper.authors or []]
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    lines = [
        row(
            str(paper.id),
            str(paper.title),
            day(paper.published_at),
            counted(paper.upvotes, "upvotes"),
        ),
        f"authors: {shown}",
        row("" if not paper.project_page else f"project: {paper.project_page}"),
        row(
            "" if not paper.github_repo else f"code: {paper.github_repo}",
            counted(paper.github_stars, "stars"),
        ),
        row(
            counted(paper.num_total_models, "models"), counted(paper.num_total_datasets, "datasets")
        ),
        "" if not paper.ai_keywords else f"keywords: {', '.join(paper.ai_keywords)}",
        "" if not paper.ai_summary else f"in short: {paper.ai_summary}",
        f"abstract: {cut(paper.summary or '', 5000)}",
    ]
    return "\n".join(line for line in lines if line)


async def _citations(id: str, arguments: PapersArguments, hub: Hub) -> ToolResult:
    citing = arguments.direction == "citing"
    which = "citations" if citing else "references"
    params = {"fields": f"{FIELDS},isInfluential,contexts", "limit": CITATIONS}
    missing = f"it does not know arXiv paper {id}"
    found = await scholar(hub, f"/paper/ARXIV:{id}/{which}", params, missing)
    papers = papers_of(found, "citingPaper" if citing else "citedPaper")
    best = sorted(
        papers, key=lambda p: (not p["entry"].get("isInfluential"), -(p.get("citationCount") or 0))
    )
    lines = []
    for paper in best[: arguments.limit]:
        contexts = paper["entry"].get("contexts") or []
        said = f'"{cut(contexts[0], 160)}"' if contexts else ""
        mark = "influential" if paper["entry"].get("isInfluential") else ""
        lines.append(row(paper_line(paper), mark, said))
    more = "" if found.get("next") is None else f"; of the first {CITATIONS} that it lists"
    left = len(best) - arguments.limit
    note = f"{left} more{more}; the influential and most cited come first" if left > 0 else ""
    nothing = f"nothing {'cites' if citing else 'is cited by'} {id}, as far as is known"
    return listed(lines, nothing, note)


async def _resources(id: str, limit: int, hub: Hub) -> ToolResult:
    def work(api: HfApi) -> dict[str, list[str]]:
        tag, by = f"arxiv:{id}", {"sort": "downloads", "limit": limit}
        lists: dict[str, Any] = {"models": api.list_models, "datasets": api.list_datasets}
        found = {k: [repo_line(i) for i in list_(filter=tag, **by)] for k, list_ in lists.items()}
        collections = api.list_collections(item=f"papers/{id}", limit=limit)
        found["collections"] = [
            row(c.slug, c.title, counted(c.upvotes, "upvotes"))
            for c in itertools.islice(collections, limit)
        ]
        return found

    lines = []
    for kind, found in (await hub.ask(work)).items():
        most = f" (the first {limit})" if len(found) == limit else ""
        lines += [f"{kind}{most}:", *(found or ["none"]), ""]
    return ToolResult("\n".join(lines).strip())
