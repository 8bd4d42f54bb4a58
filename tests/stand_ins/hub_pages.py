"""What the stand-in Hub shows next to repositories: documentation, lists, papers; and the two
services that papers are looked up at, arXiv and Semantic Scholar."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from tests.stand_ins import hub_errors as errors
from tests.stand_ins.hub_state import person
from tests.stand_ins.service import Answer, Request

if TYPE_CHECKING:
    from tests.stand_ins.hub_server import HubServer

LISTS = {"models": "model", "datasets": "dataset", "spaces": "space"}
OPENAPI = {
    "openapi": "3.1.0",
    "info": {"title": "Hub API Endpoints", "version": "0.0.1"},
    "paths": {
        "/api/models/{namespace}/{repo}/tag/{rev}": {
            "post": {
                "summary": "Create tag",
                "tags": ["models"],
                "parameters": [
                    {
                        "name": "namespace",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string"},
                    },
                    {"name": "rev", "in": "path", "required": True, "schema": {"type": "string"}},
                ],
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {
                                    "tag": {"type": "string"},
                                    "message": {"type": "string"},
                                },
                                "required": ["tag"],
                            }
                        }
                    }
                },
                "responses": {"200": {"description": "The tag was made"}},
            }
        },
        "/api/docs/search": {
            "get": {
                "summary": "Search docs",
                "description": "Search any Hugging Face documentation",
                "tags": ["docs"],
                "parameters": [
                    {"name": "q", "in": "query", "required": True, "schema": {"type": "string"}},
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 25}},
                ],
                "responses": {
                    "200": {
                        "description": "Results",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "array",
                                    "items": {"$ref": "#/components/schemas/Hit"},
                                }
                            }
                        },
                    }
                },
            }
        },
    },
    "components": {
        "schemas": {"Hit": {"type": "object", "properties": {"id": {"type": "string"}}}}
    },
}


def author(name: str) -> dict[str, Any]:
    return {"_id": hashlib.sha1(name.encode()).hexdigest()[:24], "name": name, "hidden": False}


class Pages:
    """Attributes:
    docs: Markdown by the page's path, "/docs/trl/sft_trainer". products: GET /api/docs.
    papers: as GET /api/papers/ID gives them. daily: ids by date, "" for the newest.
    texts: Markdown of papers by id. html: by path; arXiv's begin with /arxiv, ar5iv's with /ar5iv.
    scholar: papers of Semantic Scholar by arXiv id. citing, cited: ids by id.
    collections: titles by the repository or paper in them.
    """

    def __init__(self, hub: HubServer) -> None:
        self.hub = hub
        self.docs: dict[str, str] = {}
        self.products: list[dict[str, str]] = []
        self.papers: dict[str, dict[str, Any]] = {}
        self.daily: dict[str, list[str]] = {}
        self.texts: dict[str, str] = {}
        self.html: dict[str, str] = {}
        self.scholar: dict[str, dict[str, Any]] = {}
        self.citing: dict[str, list[str]] = {}
        self.cited: dict[str, list[str]] = {}
        self.collections: dict[str, list[str]] = {}
        self.openapi: Any = OPENAPI

    def paper(self, id: str, title: str, **more: Any) -> dict[str, Any]:
        """A paper of the Hub."""
        self.papers[id] = {
            "id": id,
            "title": title,
            "authors": [author("Ann Author"), author("Bob Writer")],
            "publishedAt": "2026-07-23T00:00:00.000Z",
            "summary": f"What {title} is about.",
            "upvotes": 5,
            "discussionId": "6a63a8ccab9cdf9be579446a",
            "linkedModels": [],
            "linkedDatasets": [],
            "linkedSpaces": [],
            "numTotalModels": 0,
            "numTotalDatasets": 0,
            "numTotalSpaces": 0,
            **more,
        }
        return self.papers[id]

    def answer(self, request: Request) -> Answer | None:
        if request.method != "GET":
            return None
        path, parts = request.path, request.parts
        if path == "/api/docs":
            return Answer(self.products)
        if path == "/api/docs/search":
            return self._search(request)
        if path in self.html:
            return Answer(self.html[path], 200, {"Content-Type": "text/html"})
        if path.startswith("/docs/"):
            known = path.endswith((".md", ".txt"))
            page = self.docs.get(path.removesuffix(".md")) if known else None
            return errors.not_found() if page is None else Answer(page)
        if path == "/.well-known/openapi.json":
            return Answer(self.openapi)
        if path == "/api/daily_papers":
            return self._daily(request)
        if path == "/api/papers/search":
            return self._found(request)
        if parts[:2] == ["api", "papers"] and len(parts) == 3:
            found = self.papers.get(parts[2])
            return Answer(found) if found else errors.not_found("Paper not found")
        if parts[0] == "papers" and path.endswith(".md"):
            text = self.texts.get(parts[1].removesuffix(".md"))
            return Answer(text) if text is not None else errors.not_found()
        if path == "/api/collections":
            return self._collections(request)
        if path == "/api/spaces/semantic-search":
            return self._spaces(request)
        if len(parts) == 2 and parts[0] == "api" and parts[1] in LISTS:
            return self._list(request, LISTS[parts[1]])
        return None

    def _search(self, request: Request) -> Answer:
        words = request.query["q"].lower().split()
        product = request.query.get("product")
        hits = []
        for path, text in self.docs.items():
            name = path.split("/")[2]
            if product in (None, name) and any(word in text.lower() for word in words):
                hits.append(
                    {
                        "id": path,
                        "_vectors": {"embeddings": [0.123456] * 64},
                        "heading1": text.splitlines()[0].lstrip("# "),
                        "text": text,
                        "product": name,
                        "source_page_url": f"https://huggingface.co{path}",
                        "source_page_title": text.splitlines()[0].lstrip("# "),
                    }
                )
        return Answer(hits[: int(request.query.get("limit", 10))])

    def _list(self, request: Request, kind: str) -> Answer:
        query = request.query
        words = query.get("search", "").lower()
        found = [
            repo
            for repo in self.hub.repos.values()
            if repo.type == kind
            and repo.visibility == "public"
            and words in repo.id.lower()
            and query.get("author") in (None, repo.owner)
            and set(request.queries("filter")) <= set(repo.meta.get("tags", ()))
            and query.get("pipeline_tag") in (None, repo.meta.get("pipeline_tag"))
        ]
        by = query.get("sort")
        if by in ("likes", "downloads", "trendingScore"):
            found.sort(key=lambda repo: -repo.meta.get(by, 0))
        wanted = {"_id", "id", *request.queries("expand")}
        told = [repo.info() for repo in found]
        if len(wanted) > 2:
            told = [{k: v for k, v in info.items() if k in wanted} for info in told]
        return self.hub.page(request, told, self.hub.list_page)

    def _spaces(self, request: Request) -> Answer:
        words = request.query["q"].lower().split()
        found = [
            {
                **repo.info(),
                "title": repo.meta.get("title", repo.id),
                "shortDescription": "",
                "ai_short_description": repo.meta.get("about", ""),
                "semanticRelevancyScore": 0.9,
                "trendingScore": 1,
                "runtime": {"stage": "RUNNING"},
                "sdk": repo.meta.get("sdk", "gradio"),
            }
            for repo in self.hub.repos.values()
            if repo.type == "space" and any(word in repo.id.lower() for word in words)
        ]
        return Answer(found)

    def _daily(self, request: Request) -> Answer:
        ids = self.daily.get(request.query.get("date", ""), [])
        limit = int(request.query.get("limit", 50))
        submitter = {**person("carl"), "user": "carl"}
        told = []
        for paper in (self.papers[id] for id in ids[:limit]):
            extra = ("linked", "numTotal")
            inner = {k: v for k, v in paper.items() if not k.startswith(extra)}
            told.append(
                {
                    "paper": inner,
                    "publishedAt": paper["publishedAt"],
                    "title": paper["title"],
                    "summary": paper["summary"],
                    "thumbnail": "https://cdn-thumbnails.huggingface.co/x.png",
                    "numComments": 2,
                    "submittedBy": submitter,
                    "isAuthorParticipating": False,
                }
            )
        return Answer(told)

    def _found(self, request: Request) -> Answer:
        words = request.query.get("q", "").lower().split()
        found = [p for p in self.papers.values() if any(w in p["title"].lower() for w in words)]
        limit = int(request.query.get("limit", 20))
        return Answer([{"paper": paper, "title": paper["title"]} for paper in found[:limit]])

    def _collections(self, request: Request) -> Answer:
        titles = self.collections.get(request.query.get("item", ""), [])
        told = [
            {
                "slug": f"ann/{title.lower().replace(' ', '-')}-{n:024x}",
                "title": title,
                "lastUpdated": "2026-07-01T00:00:00.000Z",
                "gating": False,
                "owner": person("ann"),
                "theme": "blue",
                "private": False,
                "upvotes": 3,
                "isUpvotedByUser": False,
                "items": [],
            }
            for n, title in enumerate(titles)
        ]
        return Answer(told[: int(request.query.get("limit", 100))])

    # --- elsewhere ---

    def elsewhere(self, request: Request) -> Answer:
        path = request.path
        if path.startswith("/s2/graph/v1/paper/"):
            return self._scholar(request, path.removeprefix("/s2/graph/v1/paper/"))
        page = self.html.get(path)
        return Answer(page, 200, {"Content-Type": "text/html"}) if page else errors.not_found()

    def _scholar(self, request: Request, rest: str) -> Answer:
        query = request.query
        if rest == "search/bulk":
            words = query["query"].lower().split()
            least = int(query.get("minCitationCount", 0))
            first, _, last = query.get("publicationDateOrYear", "").partition(":")
            found = [
                paper
                for paper in self.scholar.values()
                if any(word in paper["title"].lower() for word in words)
                and (paper["citationCount"] or 0) >= least
                and (not first or paper["publicationDate"] >= first)
                and (not last or paper["publicationDate"][: len(last)] <= last)
            ]
            if query.get("sort", "").startswith("citationCount"):
                found.sort(key=lambda paper: -(paper["citationCount"] or 0))
            return Answer({"total": len(found), "data": found})
        id, _, which = rest.removeprefix("ARXIV:").partition("/")
        if id not in self.scholar:
            return Answer({"error": f"Paper with id ARXIV:{id} not found"}, 404)
        if not which:
            return Answer(self.scholar[id])
        ids = (self.citing if which == "citations" else self.cited).get(id, [])
        key = "citingPaper" if which == "citations" else "citedPaper"
        start, limit = int(query.get("offset", 0)), int(query.get("limit", 100))
        data = [
            {key: self.scholar[other], "contexts": [], "intents": [], "isInfluential": n == 0}
            for n, other in enumerate(ids)
        ][start : start + limit]
        after = {"next": start + limit} if start + limit < len(ids) else {}
        return Answer({"offset": start, "data": data, **after})


def scholar(id: str, title: str, citations: int = 0, date: str = "2026-01-01") -> dict[str, Any]:
    """A paper as Semantic Scholar gives it."""
    return {
        "paperId": hashlib.sha1(id.encode()).hexdigest(),
        "externalIds": {"ArXiv": id},
        "title": title,
        "year": int(date[:4]),
        "publicationDate": date,
        "citationCount": citations,
        "influentialCitationCount": citations // 10,
        "referenceCount": 2,
        "authors": [{"authorId": "1", "name": "Ann Author"}],
        "venue": "arXiv.org",
        "tldr": {"model": "tldr", "text": f"{title}, in one sentence."},
    }
