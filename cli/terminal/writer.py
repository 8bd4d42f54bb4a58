"""The one place that writes to stdout, stderr and the terminal.

The full chat alone has another one (cli/chat/terminal/screen.py). Whatever is
written is cleaned first; colour is added after that.

Only JSON, and a thread that is exported to a file or a pipe, are written exactly.
Imports click and the standard library, nothing else.
"""

import getpass
import json
import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

import click

from cli.terminal.cleaning import clean, only_styled
from cli.terminal.streams import exit_code, open_closed_streams, output_failure, write_all


class Painter:
    """Minimal colour, where the stream is a terminal and NO_COLOR is not set."""

    def __init__(self, stream: TextIO) -> None:
        self._on = stream.isatty() and not os.environ.get("NO_COLOR")

    def __call__(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._on and code else text


class Guarded:
    """stdout or stderr as all other code sees it: libraries, warnings, tracebacks, logs. What they
    print is cleaned, too."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        _emit(clean(text), self.stream, flush=False)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        write_all("", self.stream, flush=True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def guard_streams() -> None:
    """Put a guard before stdout and stderr of this process, and a stream where one is closed."""
    open_closed_streams()
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, Guarded):
            setattr(sys, name, Guarded(stream))


def finish_streams(code: int) -> int:
    """Write what is left; `code`, or the exit code for output that could not be written."""
    for stream in (sys.stdout, sys.stderr):
        write_all("", unguarded(stream), flush=True)
    failure = output_failure()
    if failure:
        note(f"ml-agent: {failure}")
    return exit_code(code)


def unguarded(stream: TextIO) -> TextIO:
    """The stream behind a guard: for what cleans and paints by itself."""
    return stream.stream if isinstance(stream, Guarded) else stream


def write(text: str, stream: TextIO, code: str = "") -> None:
    """Write `text`, cleaned, in the colour `code` (SGR) where `stream` shows colours."""
    body = clean(text)
    line = body.removesuffix("\n")
    painted = Painter(stream)(line, code) if code else line
    if painted is line:  # nothing is left in it to be cleaned
        _emit(body, unguarded(stream))
    else:
        write_styled(painted + body[len(line) :], stream)


def write_styled(text: str, stream: TextIO) -> None:
    """Write text that was cleaned and painted. No sequence passes but colour."""
    _emit(only_styled(text), unguarded(stream))


def to_stdout(text: str, code: str = "") -> None:
    write(text, sys.stdout, code)


def to_stderr(text: str) -> None:
    write(text, sys.stderr)


def note(text: str) -> None:
    """A line on stderr."""
    write(f"{text}\n", sys.stderr)


def print_json(data: Any) -> None:
    """One line on stdout, exact, in printable ASCII: no terminal or pipe can fail on it."""
    _emit(json.dumps(data).replace("\x7f", "\\u007f") + "\n", unguarded(sys.stdout))


def write_data(text: str) -> None:
    """Data for a file or a program, exactly as it is; cleaned where stdout is a terminal."""
    stream = unguarded(sys.stdout)
    _emit(clean(text) if stream.isatty() else text, stream)


def ask(question: str) -> str:
    """A line from stdin. Raises EOFError, KeyboardInterrupt."""
    return input(encodable(clean(question), sys.stdout))


def confirm(question: str, *, default: bool = False) -> bool:
    """Whether the user says yes; Enter: `default`. The question goes to stderr; Ctrl-C and Ctrl-D
    abort."""
    return click.confirm(clean(question), default=default, err=True)


def ask_hidden(question: str) -> str:
    """A line from the terminal that is not shown. Raises EOFError, KeyboardInterrupt."""
    return getpass.getpass(clean(question))


def encodable(text: str, stream: TextIO) -> str:
    """`text` as the stream can hold it: no output fails on an old locale."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def _emit(text: str, stream: TextIO, *, flush: bool = True) -> None:
    write_all(encodable(text, stream), stream, flush=flush)
