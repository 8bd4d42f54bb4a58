"""hf_api: which endpoint of the Hub does something, from the Hub's own OpenAPI document."""

import asyncio
import json
import re
from typing import Any

from pydantic import BaseModel, Field

from core.effects import Effect
from core.errors import ToolError
from core.hub.cache import cached
from core.hub.connection import Hub
from core.result_text import cut, listed, row
from core.tool import AgentTool, ToolContext, ToolResult

DOCUMENT = "/.well-known/openapi.json"
#: Characters of a schema that are shown, and how deep it is followed.
SCHEMA, DEPTH = 700, 4


class ApiArguments(BaseModel, extra="forbid"):
    query: str = Field("", description="without tag or query: the tags")
    tag: str = Field("", description="models, jobs, ...")
    limit: int = Field(8, ge=1, le=50)


class HubApi(AgentTool):
    name: str = "hf_api"
    description: str = (
        "Search the Hub's HTTP API: endpoints with parameters, body and answer. For what no hf_ "
        "tool does; then call it with curl or huggingface_hub in bash."
    )
    args_schema: type[BaseModel] = ApiArguments

    def effect(self, arguments: ApiArguments, cwd: str) -> Effect:
        return Effect("read")

    async def execute(self, arguments: ApiArguments, ctx: ToolContext) -> ToolResult:
        hub = Hub.of(ctx)

        async def fetch() -> str:
            reply = await hub.get(DOCUMENT)
            _check(await asyncio.to_thread(reply.json))
            return reply.text

        text = await cached(hub, "api", DOCUMENT, fetch)
        return await asyncio.to_thread(_search, text, arguments, hub.url)


def _check(document: Any) -> None:
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        raise ToolError("the Hub's OpenAPI document could not be understood; try again later")


def _search(text: str, arguments: ApiArguments, hub: str) -> ToolResult:
    document = json.loads(text)
    every = [
        (f"{method.upper()} {path}", operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if isinstance(operation, dict)
    ]
    tags: dict[str, int] = {}
    for _, operation in every:
        for tag in operation.get("tags", ()):
            tags[tag] = tags.get(tag, 0) + 1
    by_tag = [row(tag, f"{count} operations") for tag, count in sorted(tags.items())]
    if not arguments.query and not arguments.tag:
        return listed(by_tag, "the document names no operations")
    if arguments.tag and arguments.tag not in tags:
        raise ToolError(f"there is no tag {arguments.tag}; available: {', '.join(sorted(tags))}")
    chosen = [e for e in every if not arguments.tag or arguments.tag in e[1].get("tags", ())]
    words = re.findall(r"[a-z0-9]+", arguments.query.lower())
    scored = [(_score(words, *operation), operation) for operation in chosen]
    best = sorted((s for s in scored if s[0] or not words), key=lambda s: -s[0])
    shown = [_told(name, operation, document) for _, (name, operation) in best[: arguments.limit]]
    left = len(best) - len(shown)
    nothing = f"no operation fits {arguments.query}; the tags are: {', '.join(sorted(tags))}"
    return listed(
        shown,
        nothing,
        f"base URL {hub}; Authorization: Bearer $HF_TOKEN" if shown else "",
        f"{left} more fit less; raise limit or name a tag" if left > 0 else "",
    )


def _score(words: list[str], name: str, operation: dict[str, Any]) -> float:
    """Words in the path and the summary weigh most; the whole document is not searched."""
    path, summary = name.lower(), str(operation.get("summary", "")).lower()
    about = str(operation.get("description", "")).lower()
    tags = " ".join(operation.get("tags", ())).lower()
    score = 0.0
    for word in words:
        stem = word.removesuffix("s") if len(word) > 3 else word
        score += 3 * (stem in path) + 3 * (stem in summary) + 2 * (stem in tags)
        score += stem in about
    return score


def _told(name: str, operation: dict[str, Any], document: dict[str, Any]) -> str:
    lines = [row(f"{name}: {operation.get('summary', '')}", *operation.get("tags", ())[:1])]
    if about := operation.get("description", ""):
        lines.append(f"  {cut(about, 300)}")
    for parameter in operation.get("parameters", ()):
        if parameter.get("in") != "path":
            need = "" if parameter.get("required") else "?"
            kind = _brief(parameter.get("schema", {}), document)
            lines.append(f"  {parameter['in']} {parameter['name']}{need}: {cut(kind, 200)}")
    body = _json_of(operation.get("requestBody", {}))
    if body is not None:
        lines.append(f"  body {cut(_brief(body, document), SCHEMA)}")
    for status, response in operation.get("responses", {}).items():
        schema = _json_of(response)
        if str(status).startswith("2"):
            said = _brief(schema, document) if schema is not None else response.get("description")
            lines.append(f"  {status} {cut(said or '', SCHEMA)}")
    return "\n".join(lines)


def _json_of(holder: dict[str, Any]) -> Any | None:
    for kind, content in holder.get("content", {}).items():
        if "json" in kind:
            return content.get("schema")
    return None


def _brief(schema: Any, document: dict[str, Any], depth: int = DEPTH) -> str:
    """A schema in one line: `{name: string, tags?: [string]}`."""
    if not isinstance(schema, dict):
        return "any"
    if "$ref" in schema:
        name = str(schema["$ref"]).rsplit("/", 1)[-1]
        found = document.get("components", {}).get("schemas", {}).get(name)
        return _brief(found, document, depth - 1) if found and depth else name
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            mark = " & " if key == "allOf" else " or "
            return mark.join(_brief(one, document, depth) for one in schema[key])
    if "const" in schema or "enum" in schema:
        return "/".join(json.dumps(v).strip('"') for v in schema.get("enum", [schema.get("const")]))
    if "properties" in schema:
        if not depth:
            return "{…}"
        need = set(schema.get("required", ()))
        inner = (
            f"{name}{'' if name in need else '?'}: {_brief(one, document, depth - 1)}"
            for name, one in schema["properties"].items()
        )
        return "{" + ", ".join(inner) + "}"
    if schema.get("type") == "array":
        return f"[{_brief(schema.get('items'), document, depth)}]"
    return str(schema.get("type", "any"))
