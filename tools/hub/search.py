"""hf_search: models, datasets and Spaces of the Hub."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field

from core.effects import Effect
from core.errors import ToolError
from core.hub.connection import Hub
from core.result_text import counted, cut, listed, repo_line, row
from core.tool import AgentTool, ToolContext, ToolResult

if TYPE_CHECKING:
    from huggingface_hub import HfApi

Sort = Literal["trending", "downloads", "likes", "created", "modified"]
SORTS = {
    "trending": "trending_score",
    "downloads": "downloads",
    "likes": "likes",
    "created": "created_at",
    "modified": "last_modified",
}
#: What a line shows; asked for by name, an answer of thousands of file names stays away.
COMMON = ["downloads", "likes", "gated", "private", "tags", "lastModified"]
SPACE = ["likes", "private", "tags", "lastModified", "sdk", "runtime"]


class SearchArguments(BaseModel, extra="forbid"):
    operation: Literal["models", "datasets", "spaces"]
    query: str = Field("", description="of the name; spaces: the use")
    author: str = ""
    filters: list[str] = Field(
        default_factory=list,
        description="all fit: text-generation, language:en, license:mit, base_model:org/name",
    )
    sort: Sort = "trending"
    limit: int = Field(20, ge=1, le=200)


class HubSearch(AgentTool):
    name: str = "hf_search"
    description: str = (
        "Find models, datasets or Spaces on the Hugging Face Hub: id, task, size, license, "
        "downloads, likes, gated."
    )
    args_schema: type[BaseModel] = SearchArguments
    looks_up: bool = True
    titled_by: tuple[str, ...] = ("operation", "query", "author", "filters")

    def effect(self, arguments: SearchArguments, cwd: str) -> Effect:
        return Effect("read")

    async def execute(self, arguments: SearchArguments, ctx: ToolContext) -> ToolResult:
        if arguments.operation == "spaces" and arguments.sort == "downloads":
            raise ToolError("Spaces have no downloads: sort them by trending, likes or created")
        lines = await Hub.of(ctx).ask(lambda api: _found(api, arguments))
        more = len(lines) > arguments.limit
        note = "there are more: raise limit, or narrow it with query, author or filters"
        words = [arguments.query, arguments.author, *arguments.filters]
        nothing = f"no {arguments.operation} fit {', '.join(w for w in words if w) or 'that'}"
        return listed(lines[: arguments.limit], nothing, note if more else "")


def _found(api: HfApi, arguments: SearchArguments) -> list[str]:
    # One more than is shown tells whether there are more.
    most = arguments.limit + 1
    plain = not (arguments.author or arguments.filters) and arguments.sort == "trending"
    if arguments.operation == "spaces" and arguments.query and plain:
        return [_space(s) for s in itertools.islice(api.search_spaces(arguments.query), most)]
    common: dict[str, Any] = {
        "search": arguments.query or None,
        "author": arguments.author or None,
        "filter": arguments.filters or None,
        "sort": SORTS[arguments.sort],
        "limit": most,
    }
    if arguments.operation == "models":
        expand: Any = [*COMMON, "pipeline_tag", "safetensors"]
        infos = _without_sort(api.list_models, **common, expand=expand)
    elif arguments.operation == "datasets":
        infos = _without_sort(api.list_datasets, **common, expand=list(COMMON))
    else:
        infos = _without_sort(api.list_spaces, **common, expand=list(SPACE))
    return [repo_line(info) for info in infos]


def _without_sort(look: Callable[..., Iterable[Any]], **given: Any) -> list[Any]:
    """What `look` finds. If another hub does not know the order: without one."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return list(look(**given))
    except HfHubHTTPError as error:
        if error.response.status_code != 422:
            raise
        return list(look(**{**given, "sort": None}))


def _space(found: Any) -> str:
    """A result of the search by meaning: it knows what a Space is for."""
    about = getattr(found, "ai_short_description", "") or getattr(found, "short_description", "")
    runtime = getattr(found, "runtime", None)
    stage = runtime.get("stage", "") if isinstance(runtime, dict) else getattr(runtime, "stage", "")
    return row(
        found.id,
        cut(about or getattr(found, "title", "") or "", 200),
        getattr(found, "sdk", "") or "",
        stage or "",
        counted(getattr(found, "likes", None), "likes"),
    )
