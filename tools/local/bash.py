"""bash: a shell command in its own process group, whose output shows while it runs."""

import asyncio
import os
from typing import Any

from pydantic import BaseModel, Field

from core.backend import CommandRequest, RunningCommand
from core.effects import Effect
from core.errors import ToolError
from core.quick import quickly
from core.report.facts import facts_of
from core.run import Reach
from core.tool import AgentTool, NotBegun, ToolContext, ToolResult
from core.training import training_line
from tools.local.files import absolute, is_folder
from tools.local.wait_for_command import follow, look, result_of, stopped


class BashArguments(BaseModel, extra="forbid"):
    command: str = Field(min_length=1, description="the shell command")
    timeout: int = Field(120, ge=1, le=36_000, description="seconds until it is killed")
    background: bool = Field(False, description="return at once; follow it with `process`")
    cwd: str = Field("", description="folder to run in; default: the working directory")
    outside_sandbox: bool = Field(
        False,
        description="asks the user; only after the sandbox refused it",
    )


class Bash(AgentTool):
    name: str = "bash"
    description: str = (
        "Run a shell command. Returns its output and exit code. No terminal, no input. For what "
        "runs longer than a few minutes set background: it returns an id for `process`, has no "
        "timeout and survives this session. To read or change files use read, edit and write."
    )
    args_schema: type[BaseModel] = BashArguments
    in_backend: bool = True

    def summary(self, text: str) -> str:
        return training_line(text)

    def effect(self, arguments: BashArguments, cwd: str) -> Effect:
        folder = os.path.join(cwd, os.path.expanduser(arguments.cwd)) if arguments.cwd else ""
        return Effect(
            "execute",
            command=arguments.command,
            preview=arguments.command,
            cwd=folder,
            outside_sandbox=arguments.outside_sandbox,
        )

    async def execute(self, arguments: BashArguments, ctx: ToolContext) -> ToolResult:
        backend = ctx.services.backend
        cwd = await _folder(arguments.cwd, ctx)
        timeout = None if arguments.background else float(arguments.timeout)
        command, note = await backend.prepare(ctx.thread, ctx.call_id)
        facts = {}
        if not backend.about:
            facts = await quickly(facts_of, arguments.command, cwd, os.environ)
        await ctx.note({**note, "facts": facts} if facts else note)
        starting = asyncio.ensure_future(
            backend.start(
                command,
                CommandRequest(
                    arguments.command, cwd, timeout, arguments.background, ctx.cwd,
                    _reach(arguments, ctx), ctx.context.frozen if ctx.context else (),
                ),
            )
        )  # fmt: skip
        try:
            started = await asyncio.shield(starting)
        except asyncio.CancelledError:
            # The thread that starts it cannot be stopped: what it started can.
            return await stopped(await starting)
        except (OSError, ValueError) as error:
            raise ToolError(f"the command could not be started: {error}") from error
        return await _result(started, ctx, arguments)

    async def recover(
        self, arguments: BashArguments, ctx: ToolContext, note: dict[str, Any]
    ) -> ToolResult | None:
        """A command that went on alone is found: finished, or waited for."""
        found = await ctx.services.backend.found(note)
        if isinstance(found, str):
            said = f"{found}: its outcome is unknown. Inspect what it left before repeating it."
            return ToolResult(said, ok=False, outcome="unknown")
        state = await asyncio.to_thread(found.state)
        if state == "not begun":
            raise NotBegun
        if state == "alive" and not ctx.wait:
            said = f"It was left running and still runs; `process` follows it, id {found.id}."
            return ToolResult(said, ok=False, outcome="unknown")
        return await _result(found, ctx, arguments)


async def _folder(asked: str, ctx: ToolContext) -> str:
    folder = await absolute(asked or ".", ctx)
    if not await is_folder(folder, ctx):
        raise ToolError(f"there is no folder {folder} to run in")
    return folder


def _reach(arguments: BashArguments, ctx: ToolContext) -> Reach:
    """What the command may reach: outside only if this call asked for it and got it."""
    if arguments.outside_sandbox and ctx.reach != "outside":
        raise ToolError("Cannot run outside the sandbox: that was not approved. Ask for it again.")
    if ctx.reach == "outside" and not arguments.outside_sandbox:
        return "network"
    return ctx.reach


async def _result(
    started: RunningCommand, ctx: ToolContext, arguments: BashArguments
) -> ToolResult:
    if not arguments.background:
        return await follow(started, ctx, timeout=arguments.timeout)
    state = await look(started, started.state)
    if state == "alive":
        return ToolResult(
            f"Started in the background, id {started.id}. `process` follows it; its output "
            f"goes to {started.output_path}"
        )
    done = await asyncio.to_thread(result_of, started)
    if state == "finished":
        # It was over before we looked: the id is still good.
        done.text = f"Ran in the background, id {started.id}:\n{done.text}"
    return done
