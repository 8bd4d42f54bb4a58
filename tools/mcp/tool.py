"""A tool of an MCP server, as one of ours: `server__tool`, with an effect by its annotations."""

from __future__ import annotations

import contextvars
import hashlib
import json
import re
from typing import Any

from pydantic import BaseModel

from core.effects import Effect, EffectKind
from core.tool import AgentTool, ToolContext, ToolResult
from tools.mcp.cache import Listed
from tools.mcp.call import Request
from tools.mcp.connection import Connection
from tools.mcp.errors import Lost, Refused, TimedOut, Trouble
from tools.mcp.results import result_of
from tools.mcp.schema import arguments_type, offered

#: The tool of rules that allow a server's reads: `mcp_reads(NAME)`.
READS = "mcp_reads"
#: What every provider takes as a tool's name, and as much of a description as is sent.
LONGEST_NAME, LONGEST_DESCRIPTION = 64, 4000


def name_of(server: str, tool: str) -> str:
    """`server__tool` in the characters and the length that providers take."""
    name = "__".join(re.sub(r"[^A-Za-z0-9_-]", "_", part) for part in (server, tool))
    if len(name) <= LONGEST_NAME:
        return name
    mark = hashlib.sha256(f"{server}\0{tool}".encode()).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - 9]}_{mark}"


def effect_of(annotations: dict[str, Any]) -> EffectKind:
    """The effect by what the server says of its tool; one that says nothing may do anything."""
    if annotations.get("readOnlyHint") is True:
        return "read"
    if annotations.get("destructiveHint") is True:
        return "destroy"
    return "publish" if annotations.get("openWorldHint") is True else "execute"


class McpTool(AgentTool):
    """`listed`: the tool's name at its server. `promised`: its outputSchema."""

    listed: str
    kind: EffectKind
    parameters: dict[str, Any]
    promised: dict[str, Any] | None
    connection: Any
    acts_elsewhere: bool = True

    @classmethod
    def of(cls, connection: Connection, tool: Listed) -> McpTool:
        schema = offered(tool.get("inputSchema"))
        said = tool.get("description") or tool.get("title") or tool["name"]
        return cls(
            name=name_of(connection.name, tool["name"]),
            description=str(said).strip()[:LONGEST_DESCRIPTION],
            args_schema=arguments_type(schema),
            looks_up=effect_of(tool.get("annotations") or {}) == "read",
            listed=tool["name"],
            kind=effect_of(tool.get("annotations") or {}),
            parameters=schema,
            promised=tool.get("outputSchema"),
            connection=connection,
        )

    @property
    def tool_call_schema(self) -> Any:
        """What is offered to the model: the server's own schema."""
        return self.parameters

    def effect(self, arguments: Any, cwd: str) -> Effect:
        return self.effect_of(json.dumps(arguments.root, indent=2, ensure_ascii=False))

    def effect_of(self, preview: str) -> Effect:
        """Its effect. That it only reads is the server's own word: it counts in auto, and in ask
        once the user allowed this server's reads; never in read-only."""
        if self.kind != "read":
            return Effect(self.kind, preview=preview)
        server = re.sub(r"[^A-Za-z0-9_-]", "_", self.connection.name)
        return Effect(
            "read",
            preview=preview,
            asks=f"the MCP server {server} claims that it only reads; this is not checked",
            asks_in=("ask",),
            asks_unless=f"{READS}({server})",
        )

    async def execute(self, arguments: BaseModel, ctx: ToolContext) -> ToolResult:
        server, reads = self.connection.name, self.kind == "read"

        async def before() -> None:
            if not reads:
                await ctx.note({"server": server, "tool": self.listed})

        # What a server says comes in another task; LangGraph's writer needs to be in the call's.
        here = contextvars.copy_context()

        def log(text: str) -> None:
            here.copy().run(ctx.log, text)

        given = arguments.model_dump()
        try:
            request = Request("tools/call", {"name": self.listed, "arguments": given})
            result = await self.connection.call(request, log=log, before=before, again=reads)
        except Trouble as trouble:
            said = f"Not run: MCP server {server}: {trouble}"
            return ToolResult(said, ok=False, outcome="failed")
        except Refused as error:
            said = f"MCP server {server}: {error}"
            return ToolResult(said, ok=False, outcome="failed")
        except TimedOut as late:
            return _unknown(f"MCP server {server}: {late}", reads)
        except Lost as lost:
            why = f": {lost}" if str(lost) else ""
            return _unknown(f"MCP server {server} ended during the call{why}", reads)
        return await result_of(result, self.promised)


def _unknown(said: str, reads: bool) -> ToolResult:
    if reads:
        return ToolResult(said, ok=False, outcome="failed")
    said += "\nWhether it took effect is unknown; inspect before repeating it."
    return ToolResult(said, ok=False, outcome="unknown")
