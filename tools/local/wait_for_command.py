"""Following a command: its output while it runs, its deadline, its result in words."""

import asyncio
import signal
import time
from collections.abc import Callable
from typing import TypeVar

from core.backend import RunningCommand
from core.quick import quickly
from core.secrets.redaction import redacted
from core.store.runs import SHOWN
from core.tool import Outcome, ToolContext, ToolResult
from tools.workspace.command_sandbox import report

T = TypeVar("T")

#: Bytes of output that are read in no time.
QUICK = 200_000
#: Seconds between two events of a progress bar.
BAR_EVERY = 1.0
#: Lines shown as events at one look; of a flood only the newest.
LINES_AT_ONCE = 20
#: Bytes of a private key; what continues longer without an end is none.
LONGEST_KEY = 16_000


async def follow(run: RunningCommand, ctx: ToolContext, *, timeout: float) -> ToolResult:
    """Wait for a command and show its output meanwhile; its result. It is killed `timeout`
    seconds after its start, whichever process started it.

    Cancelled (the user interrupts), it kills the command and returns what there is.
    """
    try:
        meta = await look(run, run.meta)
        size = await _wait(run, ctx, (meta.started if meta else time.time()) + timeout)
    except asyncio.CancelledError:
        return await stopped(run)
    except ConnectionError as error:
        said = f"[{error}; the outcome is unknown. Inspect what it left before repeating it]"
        return ToolResult(said, ok=False, outcome="unknown")
    if size is None:
        await asyncio.to_thread(run.kill, "timeout")
    elif size < QUICK:
        return await look(run, result_of, run, ctx)
    return await asyncio.to_thread(result_of, run, ctx)


async def look(run: RunningCommand, work: Callable[..., T], *args: object) -> T:
    """The result of `work`, a quick look at the command."""
    return await (quickly if run.is_near else asyncio.to_thread)(work, *args)


async def stopped(run: RunningCommand) -> ToolResult:
    """Kill the command because the user interrupts; its result so far."""
    await asyncio.to_thread(run.kill, "interrupted")
    return await asyncio.to_thread(result_of, run)


async def _wait(run: RunningCommand, ctx: ToolContext, deadline: float) -> int | None:
    """Until the command ends: bytes of its output. None if its deadline came first."""
    first, longest = run.looks
    offset, rest, pause, bar = 0, b"", first, time.monotonic()
    while True:
        state = await look(run, run.state)
        data, offset = await look(run, run.read_new, offset)
        rest = _show(ctx, rest + data, last=state != "alive")
        if state != "alive":
            return offset
        if data and b"\r" in rest and time.monotonic() - bar > BAR_EVERY:
            # A progress bar has no line of its own before it is full: hours, in a training.
            _log(ctx, rest.decode("utf-8", "backslashreplace"))
            bar = time.monotonic()
        if time.time() > deadline:
            return None
        pause = first if data else min(pause * 1.5, longest)
        # A look that found output is followed by a calm one too: a flood is shown in batches.
        await run.wait(max(pause, 0.05) if data else pause)


def _show(ctx: ToolContext, data: bytes, *, last: bool) -> bytes:
    """Send the whole lines of `data` on as events; returns the line that is still open."""
    whole = len(data) if last else _end_of_whole_lines(data)
    # Cleaned together: a private key has many lines.
    text = redacted(data[:whole].decode("utf-8", "backslashreplace"))
    lines, rest = text.removesuffix("\n").split("\n") if text else [], data[whole:]
    if len(lines) > LINES_AT_ONCE:
        ctx.log(f"[{len(lines) - LINES_AT_ONCE} more lines]")
        lines = lines[-LINES_AT_ONCE:]
    for line in lines:
        ctx.log(_as_seen(line)[:500])
    return rest[-65536:]


def _log(ctx: ToolContext, line: str) -> None:
    # Cleaned before it is cut: half a secret is known by no one.
    ctx.log(redacted(_as_seen(line))[:500])


def _end_of_whole_lines(data: bytes) -> int:
    """Where the line that is still open begins; an open private key counts as one."""
    end = data.rfind(b"\n") + 1
    begun = data.rfind(b"-----BEGIN ")
    is_key = begun >= 0 and b"PRIVATE KEY" in data[begun : begun + 64]
    if is_key and b"-----END " not in data[begun:] and len(data) - begun < LONGEST_KEY:
        return data.rfind(b"\n", 0, begun) + 1
    return end


def _as_seen(line: str) -> str:
    """What a terminal would show last: a progress bar rewrites its line."""
    return line.rstrip("\r").rsplit("\r", 1)[-1]


def result_of(run: RunningCommand, ctx: ToolContext | None = None) -> ToolResult:
    """The result of a command that does not run any more, for the model. What its sandbox has to
    say goes to the user of `ctx`, too."""
    output, _ = run.read_output(SHOWN)
    output = output.rstrip("\n")
    code, ended, meta = run.exit_code(), run.ended(), run.meta()
    if run.sandbox_failed():
        by = meta.sandbox.get("by") if meta and meta.sandbox else ""
        said = (
            f"[Cannot run the command: its sandbox ({by}) did not start, as the lines above say. "
            "The command itself did not run. Ask to run it with outside_sandbox=true, or tell the "
            "user to look at `ml-agent doctor` and the setting sandbox_commands]"
        )
        return _no_success(output, said, "failed")
    said = report(output, code, meta)
    if said:
        output = f"{output}\n{said}"
        if ctx is not None:
            for line in said.splitlines():
                _log(ctx, line)
    if code is not None:
        text = f"{output}\n[exit code {code}{_signal_name(code)}]".lstrip("\n")
        return ToolResult(text, ok=code == 0, outcome="done" if code == 0 else "failed")
    if ended == "timeout":
        asked = f" of {meta.timeout:g} s" if meta and meta.timeout else ""
        said = f"[killed after its timeout{asked}; background=true has none]"
        return _no_success(output, said, "failed")
    if ended == "interrupted":
        said = "[interrupted by the user, killed]"
        return _no_success(output, said, "interrupted")
    if ended is not None:
        return _no_success(output, f"[{ended}]", "failed")
    said = (
        "[it was killed together with the session while it ran: its outcome is unknown. "
        "Inspect what it left before repeating it]"
    )
    return _no_success(output, said, "unknown")


def _no_success(output: str, said: str, outcome: Outcome) -> ToolResult:
    return ToolResult(f"{output}\n{said}".lstrip("\n"), ok=False, outcome=outcome)


def _signal_name(code: int) -> str:
    """A shell reports death by signal n as 128 + n."""
    try:
        return f", {signal.Signals(code - 128).name}" if code > 128 else ""
    except ValueError:
        return ""
