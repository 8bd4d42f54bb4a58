"""bash: a shell command in a process group of its own, whose output shows while it runs."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from graph.context import AgentTool, NotBegun, ToolResult, ToolRun
from graph.effects import Effect
from graph.errors import ToolError
from graph.policy.paths import resolved
from graph.store.runs import Run
from tools.local.follow import follow, result_of


class BashArguments(BaseModel):
    model_config = ConfigDict(extra="forbid")

    command: str = Field(min_length=1, description="the shell command")
    timeout: int = Field(120, ge=1, le=36_000, description="seconds until it is killed")
    background: bool = Field(False, description="return at once; follow it with `process`")
    cwd: str = Field("", description="folder to run in; default: the working directory")


class Bash(AgentTool):
    name: str = "bash"
    description: str = (
        "Run a shell command. Returns its output (stdout and stderr as they came), then the exit "
        "code. No terminal, no input. For what runs longer than a few minutes set background: it "
        "returns an id for `process`, has no timeout and survives this session. To read or change "
        "files use read, edit and write instead."
    )
    args_schema: type[BaseModel] = BashArguments

    def effect(self, arguments: BashArguments, cwd: str) -> Effect:
        return Effect("execute", command=arguments.command, preview=arguments.command)

    async def execute(self, arguments: BashArguments, run: ToolRun) -> ToolResult:
        folder = run.services.outputs.run(run.thread, run.call_id)
        cwd = resolved(arguments.cwd or ".", run.cwd)
        if not os.path.isdir(cwd):
            raise ToolError(f"there is no folder {cwd} to run in")
        timeout = None if arguments.background else float(arguments.timeout)
        await run.note({"run": str(folder)})
        try:
            started = await run.services.backend.start(
                folder,
                arguments.command,
                cwd=cwd,
                timeout=timeout,
                background=arguments.background,
            )
        except (OSError, ValueError) as error:
            raise ToolError(f"the command could not be started: {error}") from error
        return await _result(started, run, arguments)

    async def recover(
        self, arguments: BashArguments, run: ToolRun, note: dict[str, Any]
    ) -> ToolResult | None:
        """A command that went on alone is found: finished, or waited for."""
        found = Run(run.services.outputs.run(run.thread, run.call_id))
        if await asyncio.to_thread(found.state) == "not begun":
            raise NotBegun
        return await _result(found, run, arguments)


async def _result(started: Run, run: ToolRun, arguments: BashArguments) -> ToolResult:
    state = await asyncio.to_thread(started.state)
    if state == "alive":
        if arguments.background:
            return ToolResult(
                f"Started in the background, id {started.id}. `process` follows it; its output "
                f"goes to {started.output_path}"
            )
        meta = started.meta()
        began = meta.started if meta else time.time()
        return await follow(started, run, deadline=began + arguments.timeout)
    if arguments.background and state == "finished":
        # It was over before we looked: the id is still good.
        done = await asyncio.to_thread(result_of, started)
        return ToolResult(f"Ran in the background, id {started.id}:\n{done.text}", done.ok)
    return await follow(started, run, deadline=None)
