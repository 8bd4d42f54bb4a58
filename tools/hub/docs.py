"""hf_docs: the documentation of Hugging Face's libraries and services, as it is today."""

import re
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field

from core.effects import Effect
from core.errors import ToolError
from core.hub.cache import cached
from core.hub.connection import Hub
from core.parsing.parser import parsed
from core.result_text import cut, listed, row
from core.tool import AgentTool, ToolContext, ToolResult
from tools.hub.markdown import section

#: Characters of a hit's text.
HIT = 700


class DocsArguments(BaseModel, extra="forbid"):
    operation: Literal["search", "read", "list"]
    query: str = Field("", max_length=250)
    product: str = Field("", description="trl, transformers, hub, ...")
    url: str = Field("", description="read: URL or path, #section")
    limit: int = Field(8, ge=1, le=25)


class Docs(AgentTool):
    name: str = "hf_docs"
    description: str = (
        "Hugging Face documentation as of today: search, read a page, list a product's pages or "
        "(without product) the products. Look an API up before writing code with it: what you "
        "remember may be outdated."
    )
    args_schema: type[BaseModel] = DocsArguments
    looks_up: bool = True
    titled_by: tuple[str, ...] = ("operation", "product", "query", "url")

    def effect(self, arguments: DocsArguments, cwd: str) -> Effect:
        return Effect("read")

    async def execute(self, arguments: DocsArguments, ctx: ToolContext) -> ToolResult:
        hub = Hub.of(ctx)
        if arguments.operation == "search":
            return await _search(arguments, hub)
        if arguments.operation == "read":
            return await _read(arguments.url, hub)
        return await _list(arguments.product, hub)


async def _search(arguments: DocsArguments, hub: Hub) -> ToolResult:
    if not arguments.query:
        raise ToolError("search needs a query")
    if arguments.product and arguments.product not in await _products(hub):
        known = ", ".join(await _products(hub))
        raise ToolError(f"there is no product {arguments.product}; available: {known}")
    params = {"q": arguments.query, "product": arguments.product or None, "limit": arguments.limit}
    hits = _a_list((await hub.get("/api/docs/search", params)).json(), "text", "source_page_url")
    nothing = f"nothing in the documentation fits {arguments.query}; try other words"
    return listed((_hit(hit) for hit in hits), nothing)


def _hit(hit: dict[str, Any]) -> str:
    """The place, its address, and what is there; the embeddings stay out."""
    headings = [hit.get(f"heading{n}") for n in range(1, 6)]
    place = " › ".join(dict.fromkeys(h for h in [hit.get("source_page_title"), *headings] if h))
    text = cut(str(hit["text"]), HIT)
    return f"{row(str(hit.get('product', '')), place)}\n{hit['source_page_url']}\n{text}\n"


async def _products(hub: Hub) -> list[str]:
    async def fetch() -> str:
        found = _a_list((await hub.get("/api/docs")).json(), "id")
        return "\n".join(str(product["id"]) for product in found)

    return (await cached(hub, "docs", "/api/docs", fetch)).split("\n")


async def _list(product: str, hub: Hub) -> ToolResult:
    if not product:
        found = _a_list((await hub.get("/api/docs")).json(), "id")
        lines = [row(p["id"], p.get("category", ""), p.get("url", "")) for p in found]
        return listed(sorted(lines), "the Hub names no products")
    if not re.fullmatch(r"[\w.-]+", product):
        raise ToolError(f"{product} is not a product; list without a product names them")
    missing = f"there is no list of {product}'s pages; list without a product names the products"

    async def fetch() -> str:
        try:
            return (await hub.get(f"/docs/{product}/llms.txt", missing=missing)).text
        except ToolError as error:
            if error.message != missing:
                raise
        page = await hub.get(f"/docs/{product}", missing=missing)
        named = await parsed("menu", page.text.encode(), page.url, below=f"/docs/{product}/")
        links = list(dict.fromkeys(row(cut(title, 200), address) for title, address in named))
        if not links:
            raise ToolError(missing)
        return "\n".join(links)

    return ToolResult(await cached(hub, "docs", f"{product}/llms.txt", fetch))


async def _read(url: str, hub: Hub) -> ToolResult:
    path, anchor = _page(url, hub.url)
    missing = f"there is no page {path}; search finds pages, list a product's"

    async def fetch() -> str:
        return (await hub.get(f"{path}.md", missing=missing)).text

    text = await cached(hub, "docs", path, fetch)
    if not anchor:
        return ToolResult(text)
    found = section(text, anchor)
    if found is None:
        return ToolResult(f"[no section #{anchor} was found: this is the whole page]\n{text}")
    return ToolResult(found)


def _page(url: str, hub: str) -> tuple[str, str]:
    """("/docs/trl/sft_trainer", anchor) of a URL, a path, or `trl/sft_trainer`."""
    parts = urlsplit(url)
    if parts.netloc and parts.netloc not in ("huggingface.co", "hf.co", urlsplit(hub).netloc):
        raise ToolError(f"{url} is not in the documentation: only pages of the Hub are read here")
    path = re.sub(r"(\.md|\.html)$", "", parts.path.strip("/")).rstrip("/")
    if path and not path.startswith(("docs/", "learn/")):
        path = f"docs/{path}"
    if path.count("/") < 1 or ".." in path or re.search(r"[\s\\]", path):
        raise ToolError(f"read needs a page's URL, not {url or 'nothing'}; search finds pages")
    return f"/{path}", parts.fragment


def _a_list(value: Any, *keys: str) -> list[dict[str, Any]]:
    """The answer as a list of objects that have these keys. Raises ToolError."""
    if isinstance(value, list) and all(isinstance(v, dict) and v.keys() >= {*keys} for v in value):
        return value
    raise ToolError("the Hub's answer could not be understood; try again later")
