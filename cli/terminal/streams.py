"""The process's own streams when they are closed, full, or their reader has gone: what is written
is dropped, the work continues, and the exit code says so at the end. Imports the standard library,
nothing else.
"""

import errno
import os
import signal
import sys
from typing import TextIO

#: As a shell has it for a program that SIGPIPE ended, which is how `ls | head -1` ends.
READER_GONE = 128 + signal.SIGPIPE

#: Why writing to stdout (1) or stderr (2) failed first.
_failures: dict[int, OSError] = {}
_closed: set[int] = set()


def open_closed_streams() -> None:
    """Put the null device where stdin, stdout or stderr is closed: else the next file that is
    opened takes its number, and what is printed ends up in it."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
            _closed.add(number)
        if getattr(sys, name) is None:
            mode = "r" if number == 0 else "w"
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 (for good)


def write_all(text: str, stream: TextIO, *, flush: bool) -> None:
    """Write `text`; never raises OSError. After a failure the stream leads nowhere."""
    number = _number(stream)
    if number in _closed:
        _failures.setdefault(number, OSError(errno.EBADF, "it is closed"))
        return
    try:
        stream.write(text)
        if flush:
            stream.flush()
    except BlockingIOError:
        # Its other end made it non-blocking: what is in the buffer goes out when there is room.
        os.set_blocking(stream.fileno(), True)
        stream.flush()
    except OSError as error:
        if number is None:
            raise
        _failures.setdefault(number, error)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())  # the buffer's rest, and Python's own flush at the end
        os.close(null)


def _number(stream: TextIO) -> int | None:
    try:
        number = stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None
    return number if number in (1, 2) else None


def output_failure() -> str:
    """Why stdout could not be written, for a line on stderr; "" if it could, or its reader left."""
    error = _failures.get(1)
    if error is None or isinstance(error, BrokenPipeError):
        return ""
    return f"Cannot write to standard output: {error.strerror}."


def exit_code(code: int) -> int:
    """`code`, unless all went well but for the output."""
    error = _failures.get(1)
    if error is None or code:
        return code
    return READER_GONE if isinstance(error, BrokenPipeError) else 1
