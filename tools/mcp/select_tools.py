"""What the model is offered of the servers' lists: the allowed ones, under names of their own.

If they are too many to be offered one by one, the tool `mcp` finds and calls them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from core.effects import Effect
from core.errors import ToolError
from core.tool import AgentTool, ToolContext, ToolResult
from tools.mcp.cache import Listed
from tools.mcp.connection import Connection
from tools.mcp.tool import McpTool

#: Tools that a search tells with their arguments.
FOUND = 10
#: Told of a server: (its name, what).
Tell = Callable[[str, str], None]


def offer(
    lists: Iterable[tuple[Connection, list[Listed]]], most: int, tell: Tell
) -> dict[str, AgentTool]:
    """The tools by name. Above `most`, those of the largest servers are behind one search."""
    made: dict[str, dict[str, McpTool]] = {}
    names: set[str] = set()
    for connection, tools in lists:
        own = made[connection.name] = {}
        for tool in _allowed(connection, tools, tell):
            built = McpTool.of(connection, tool)
            if built.name in names:
                tell(connection.name, f"two tools are named {built.name}; the first is used")
                continue
            names.add(built.name)
            own[built.name] = built
    hidden: dict[str, McpTool] = {}
    for name in sorted(made, key=lambda name: (-len(made[name]), name)):
        if sum(map(len, made.values())) <= most:
            break
        tell(
            name,
            f"its {len(made[name])} tools are too many to be offered one by one: the model "
            'searches for them; "tools" in its settings chooses some',
        )
        hidden.update(made.pop(name))
    found: dict[str, AgentTool] = {k: v for own in made.values() for k, v in own.items()}
    if hidden:
        search = McpSearch.over(hidden)
        found[search.name] = search
    return found


def _allowed(connection: Connection, tools: list[Listed], tell: Tell) -> list[Listed]:
    patterns = connection.server.tools
    if not patterns:
        return tools
    for pattern in patterns:
        if not any(fnmatchcase(tool["name"], pattern) for tool in tools):
            tell(connection.name, f"no tool of it fits {pattern!r} of its allow-list")
    return [t for t in tools if any(fnmatchcase(t["name"], p) for p in patterns)]


class McpArguments(BaseModel, extra="forbid"):
    operation: Literal["search", "call"]
    query: str = Field("", description="for search: words of what the tool should do")
    tool: str = Field("", description="for call: a name that a search told")
    arguments: dict[str, Any] = Field(default_factory=dict, description="for call: the tool's own")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        wanted = {"search": "query", "call": "tool"}[self.operation]
        if not getattr(self, wanted):
            raise ValueError(f"{wanted}: operation {self.operation} needs it")
        return self


class McpSearch(AgentTool):
    """`hidden`: the tools by name."""

    name: str = "mcp"
    description: str = ""
    args_schema: type[BaseModel] = McpArguments
    hidden: Mapping[str, McpTool]
    acts_elsewhere: bool = True

    @classmethod
    def over(cls, hidden: Mapping[str, McpTool]) -> McpSearch:
        counts: dict[str, int] = {}
        for tool in hidden.values():
            counts[tool.connection.name] = counts.get(tool.connection.name, 0) + 1
        servers = ", ".join(f"{name} ({count} tools)" for name, count in sorted(counts.items()))
        said = (
            f"Tools of the MCP servers {servers}. search finds tools by words and tells their "
            "names and arguments; call runs one."
        )
        return cls(description=said, hidden=hidden)

    def stands_for(self, arguments: McpArguments) -> tuple[str, dict[str, Any]] | None:
        called = arguments.operation == "call" and arguments.tool in self.hidden
        return (arguments.tool, arguments.arguments) if called else None

    def effect(self, arguments: McpArguments, cwd: str) -> Effect:
        tool = self.hidden.get(arguments.tool)
        if arguments.operation == "search" or tool is None:
            return Effect("read")
        return tool.effect_of(_preview(arguments))

    async def execute(self, arguments: McpArguments, ctx: ToolContext) -> ToolResult:
        if arguments.operation == "search":
            return ToolResult(self._search(arguments.query))
        tool = self.hidden.get(arguments.tool)
        if tool is None:
            raise ToolError(f"there is no tool {arguments.tool!r}; search for it first")
        try:
            given = tool.args_schema.model_validate(arguments.arguments)
        except ValueError as error:
            said = str(error).split("Value error, ")[-1].split(" [type=")[0]
            raise ToolError(f"Not run: {tool.name}: {said}") from None
        return await tool.execute(given, ctx)

    def _search(self, query: str) -> str:
        words = re.findall(r"\w+", query.lower())
        scored = [(_score(tool, words), tool.name) for tool in self.hidden.values()]
        found = sorted((-score, name) for score, name in scored if score)
        if not found:
            some = ", ".join(sorted(self.hidden)[: 3 * FOUND])
            return f"No tool fits {query!r}. Some of the {len(self.hidden)} hidden tools: {some}"
        told = [_told(self.hidden[name]) for _, name in found[:FOUND]]
        more = [name for _, name in found[FOUND : 4 * FOUND]]
        return "\n\n".join(told) + (f"\n\nalso: {', '.join(more)}" if more else "")


def _preview(arguments: McpArguments) -> str:
    return f"{arguments.tool} {json.dumps(arguments.arguments, indent=2, ensure_ascii=False)}"


def _score(tool: McpTool, words: list[str]) -> int:
    name, said = tool.name.lower(), tool.description.lower()
    return sum(3 * (word in name) + (word in said) for word in words)


def _told(tool: McpTool) -> str:
    return f"{tool.name}: {tool.description}\narguments: {json.dumps(tool.parameters)}"
