"""process: commands of this thread that run in the background, or were left running."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field

from core.backend import RunningCommand
from core.effects import Effect
from core.errors import ToolError
from core.store.runs import SHOWN
from core.tool import AgentTool, ToolContext, ToolResult
from core.training import training_line
from tools.local.wait_for_command import result_of


class ProcessArguments(BaseModel, extra="forbid"):
    operation: Literal["list", "output", "wait", "kill"]
    id: str = Field("", description="the id that bash gave; not for list")
    timeout: int = Field(120, ge=1, le=36_000, description="seconds")


class Process(AgentTool):
    name: str = "process"
    description: str = (
        "Background commands of this thread. list: all of them with state and age; output: what "
        "one printed so far; wait: until it ends or the timeout (it keeps running); kill: end it."
    )
    args_schema: type[BaseModel] = ProcessArguments

    def summary(self, text: str) -> str:
        return training_line(text)

    def effect(self, arguments: ProcessArguments, cwd: str) -> Effect:
        if arguments.operation == "kill":
            return Effect("execute", command=f"kill {arguments.id}", preview="end the command")
        return Effect("read")

    def may_change_files(self, arguments: ProcessArguments, effect: Effect) -> bool:
        return arguments.operation in ("wait", "kill")  # what is waited for writes

    async def execute(self, arguments: ProcessArguments, ctx: ToolContext) -> ToolResult:
        found = await ctx.services.backend.commands(ctx.thread)
        if arguments.operation == "list":
            return ToolResult(await asyncio.to_thread(_table, found))
        chosen = _chosen(found, arguments.id)
        if arguments.operation == "kill":
            await ctx.note({"kill": chosen.id})
            await asyncio.to_thread(chosen.kill, "killed")
            return await asyncio.to_thread(_state, chosen)
        if arguments.operation == "wait":
            await _wait(chosen, arguments.timeout)
        return await asyncio.to_thread(_state, chosen)

    async def recover(
        self, arguments: ProcessArguments, ctx: ToolContext, note: dict[str, Any]
    ) -> ToolResult | None:
        """Killing twice is killing once."""
        if not ctx.wait:
            return None
        return await self.execute(arguments, ctx)


async def _wait(run: RunningCommand, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        if await asyncio.to_thread(run.state) != "alive" or time.monotonic() > deadline:
            return
        await asyncio.sleep(0.1)


def _chosen(found: Sequence[RunningCommand], wanted: str) -> RunningCommand:
    fitting = [r for r in found if wanted and (r.id == wanted or r.name == wanted)]
    if len(fitting) != 1:
        known = ", ".join(r.id for r in found) or "none"
        raise ToolError(f"no command has the id {wanted!r}; available: {known}")
    return fitting[0]


def _state(run: RunningCommand) -> ToolResult:
    if run.state() != "alive":
        done = result_of(run)
        # That the command failed is what was asked about, not a failure of this call.
        return ToolResult(done.text)
    output, _ = run.read_output(SHOWN)
    return ToolResult(f"{output.rstrip()}\n[still running, {_age(run)}]".lstrip("\n"))


def _table(found: Sequence[RunningCommand]) -> str:
    rows = []
    for run in found:
        meta, state = run.meta(), run.state()
        if meta is None or not (meta.background or state == "alive"):
            continue
        code = run.exit_code()
        said = f"exit code {code}" if code is not None else run.ended() or state
        rows.append(f"{run.id}  {said}  {_age(run)}  {meta.command.splitlines()[0][:100]}")
    return "\n".join(rows) or "no background commands in this thread"


def _age(run: RunningCommand) -> str:
    meta = run.meta()
    return f"started {time.time() - meta.started:.0f} s ago" if meta else ""
