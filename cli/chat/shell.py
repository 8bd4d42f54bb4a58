"""`!command`: the user runs a line; the model is told about it with the next message."""

import codecs
import signal
from subprocess import DEVNULL, PIPE, STDOUT

from cli.chat.state import Chat
from core.attached import OUTPUT, attached
from core.process import Process
from core.secrets.redaction import redacted

#: Characters of the output that the model is told, from its end.
TOLD = 10_000


async def run_line(chat: Chat, command: str) -> None:
    """Run it in the chat's folder and show what it says as it comes. Ctrl-C ends it."""
    if not command:
        chat.lines.line("!command runs a line of the shell", "2")
        return
    process: Process | None = None
    is_stopped = False

    def stop() -> None:
        nonlocal is_stopped
        is_stopped = True
        if process is not None:
            process.send_signal(signal.SIGINT)

    output = _Output(chat)
    # Before it starts: a Ctrl-C in that moment must not count as one at the prompt.
    with chat.frontend.stoppable(stop):
        process = await Process.start(
            command, output.take, cwd=chat.folder, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT
        )
        if is_stopped:
            stop()
        code = await process.wait()
        is_silent = await process.drain()
    said = output.end()
    if not is_silent:
        left = "A program keeps running in the background; its output is not shown."
        chat.lines.line(f"  {left}", "2")
    if code:
        chat.lines.line(f"[exit code {code}]", "31")
    text = redacted(said[-TOLD:].strip("\n"))
    ran = f"[I ran `{command}` myself; exit code {code}]"
    told = f"{ran}\n{attached(OUTPUT, text)}" if text else f"{ran} It said nothing."
    chat.ran.append(told)


class _Output:
    """What a line says, shown as it comes."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._whole = self._line = ""

    def take(self, descriptor: int, data: bytes) -> None:
        text = self._decoder.decode(data)
        self._whole = (self._whole + text)[-4 * TOLD :]
        *lines, self._line = (self._line + text).split("\n")
        if lines:
            self._chat.lines.line("\n".join(f"  {part}" for part in lines))

    def end(self) -> str:
        """All of it, or the last 40,000 characters."""
        if self._line:
            self._chat.lines.line(f"  {self._line}")
        return self._whole
