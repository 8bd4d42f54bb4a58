"""`!command`: the user runs a line; the model is told about it with the next message."""

import asyncio
import codecs
import os
import signal
from contextlib import suppress

from cli.chat.state import Chat
from core.attached import OUTPUT, attached
from core.secrets.redaction import redacted

#: Characters of the output that the model is told, from its end.
TOLD = 10_000


async def run_line(chat: Chat, command: str) -> None:
    """Run it in the chat's folder and show what it says as it comes. Ctrl-C ends it."""
    if not command:
        chat.lines.line("!command runs a line of the shell", "2")
        return
    process: asyncio.subprocess.Process | None = None
    is_stopped = False

    def stop() -> None:
        nonlocal is_stopped
        is_stopped = True
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)

    # Before it starts: a Ctrl-C in that moment must not count as one at the prompt.
    with chat.frontend.stoppable(stop):
        process = await asyncio.create_subprocess_shell(
            command,
            cwd=chat.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        if is_stopped:
            stop()
        said = await _output(chat, process)
        code = await process.wait()
    if code:
        chat.lines.line(f"[exit code {code}]", "31")
    text = redacted(said[-TOLD:].strip("\n"))
    ran = f"[I ran `{command}` myself; exit code {code}]"
    told = f"{ran}\n{attached(OUTPUT, text)}" if text else f"{ran} It said nothing."
    chat.ran.append(told)


async def _output(chat: Chat, process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    whole = line = ""
    while data := await process.stdout.read(65536):
        text = decoder.decode(data)
        whole = (whole + text)[-4 * TOLD :]
        *lines, line = (line + text).split("\n")
        if lines:
            chat.lines.line("\n".join(f"  {part}" for part in lines))
    if line:
        chat.lines.line(f"  {line}")
    return whole
