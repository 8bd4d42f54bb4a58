"""wait: ends the run until something has happened. nodes/wait.py is the stop in the graph."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from core.effects import Effect
from core.errors import ToolError
from core.history import Call
from core.state import Verdict
from core.tool import AgentTool, ToolContext, ToolResult
from tools.wait.arguments import WaitArguments

NAME = "wait"


class Wait(AgentTool):
    name: str = NAME
    description: str = (
        "Wait for jobs, background commands, a command to succeed or a time. It is free and "
        "outlives this program: use it instead of polling or sleeping. One wait per answer, "
        "with all conditions."
    )
    args_schema: type[BaseModel] = WaitArguments

    def effect(self, arguments: WaitArguments, cwd: str) -> Effect:
        commands = arguments.commands()
        if not commands:
            return Effect("read")
        shown = [f"{one.command}  (every {one.every})" for one in arguments.until if one.command]
        return Effect("execute", command="\n".join(commands), preview="\n".join(shown))

    def may_change_files(self, arguments: WaitArguments, effect: Effect) -> bool:
        return False

    async def execute(self, arguments: WaitArguments, ctx: ToolContext) -> ToolResult:
        raise ToolError("wait ends a run of the graph: there is none here")

    def stands_for(self, arguments: WaitArguments) -> tuple[str, dict[str, Any]] | None:
        """Its commands are judged as `bash` would be, once for all their runs."""
        commands = arguments.commands()
        return ("bash", {"command": "\n".join(commands)}) if commands else None


def is_wait(call: Call, verdicts: Mapping[str, Verdict]) -> bool:
    """Whether a call ends the run until something has happened. One that was refused does not."""
    verdict = verdicts.get(call.id)
    if call.name != NAME or verdict is None:
        return False
    decision = verdict.get("decision") or {"type": ""}
    return verdict["action"] == "run" or decision["type"] in ("approve", "edit")
