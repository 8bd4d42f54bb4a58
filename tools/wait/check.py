"""Runs a command that judges: for a wait, and for a goal. Its exit code is the verdict.

It has no terminal and no input. What does not end in time or prints without an end is ended.
"""

import asyncio
import secrets
import shutil
from dataclasses import dataclass
from typing import Any

from core.backend import CommandRequest, RunningCommand
from core.secrets.redaction import redacted
from core.tool import Services

#: Bytes of output that a check may print, and characters of its end that are told.
MOST, TOLD = 20_000_000, 2_000
#: Characters of a trouble.
LINE = 200
#: What a shell says of a command that it cannot run.
NO_COMMAND = (126, 127)


@dataclass(frozen=True)
class Checked:
    """What a check came to. code: None if it has none. output: the end of what it printed.
    trouble: why there is no verdict, as a verb ("does not end within 30 s"); "" if there is one."""

    code: int | None
    output: str = ""
    trouble: str = ""


async def check_briefly(services: Services, request: CommandRequest) -> Checked:
    """Run a check that leaves nothing behind."""
    command, note = await services.backend.prepare("checks", f"check-{secrets.token_hex(8)}")
    try:
        run = await services.backend.start(command, request)
        return await follow_check(run, request.timeout or 0.0)
    finally:
        await remove_run(note)


async def remove_run(note: dict[str, Any]) -> None:
    """Remove what a check left on this machine."""
    if "host" in note:
        await asyncio.to_thread(shutil.rmtree, note["run"], ignore_errors=True)


async def follow_check(run: RunningCommand, seconds: float) -> Checked:
    """Wait for a check that runs, at most so long. Cancelled, it ends the check."""
    trouble, size = "", 0
    try:
        async with asyncio.timeout(seconds):
            while await asyncio.to_thread(run.state) == "alive":
                _, size = await asyncio.to_thread(run.read_new, size, 1)
                if size > MOST:
                    trouble = f"prints more than {MOST // 1_000_000} MB"
                    break
                await run.wait(run.looks[1])
    except TimeoutError:
        trouble = f"does not end within {seconds:g} s"
    except asyncio.CancelledError:
        await asyncio.to_thread(run.kill, "interrupted")
        raise
    if trouble:
        await asyncio.to_thread(run.kill, "timeout")
    output, _ = await asyncio.to_thread(run.read_output, 2 * TOLD)
    output = redacted(output.strip())[-TOLD:]
    if trouble:
        return Checked(None, output, trouble)
    if await asyncio.to_thread(run.sandbox_failed):
        return Checked(None, output, "cannot be run: its sandbox did not start")
    code = await asyncio.to_thread(run.exit_code)
    if code is None:
        ended = await asyncio.to_thread(run.ended)
        return Checked(None, output, f"was ended ({ended or 'killed'})")
    said = ": ".join(["cannot be run", *output.splitlines()[-1:]])
    return Checked(code, output, said[:LINE] if code in NO_COMMAND else "")
