"""A command's output as a terminal would show it, within a limit.

A progress bar rewrites its line thousands of times. What was overwritten must not push other lines
out of a result, so it goes before the middle is left out.
"""

import os
from io import FileIO
from pathlib import PurePath
from typing import BinaryIO

from core.store.files.thread_files import LEFT_OUT

#: Bytes read at once; bytes of one output that are read at all, half from each end.
CHUNK, MOST = 131_072, 256_000_000


def read(file: BinaryIO | FileIO, limit: int, path: PurePath | str) -> tuple[str, bool]:
    """(what a terminal shows of `file`, whether its middle was left out): head and tail of at most
    `limit` bytes together. `path`: where all of it stands. What is no UTF-8 is shown as escapes."""
    size = os.fstat(file.fileno()).st_size
    ends = _Ends(limit)
    for start, stop in ((0, size),) if size <= MOST else ((0, MOST // 2), (size - MOST // 2, size)):
        file.seek(start)
        _collapse(file, stop - start, ends)
    ends.size += max(size - MOST, 0)
    return bounded(bytes(ends.head), bytes(ends.tail), ends.size, limit, path)


class _Ends:
    """Head and tail of a stream of bytes: all of it in the head, up to `limit`."""

    def __init__(self, limit: int) -> None:
        self.limit, self.size = limit, 0
        self.head, self.tail = bytearray(), bytearray()

    def add(self, data: bytes) -> None:
        self.size += len(data)
        self.head += data[: self.limit - len(self.head)]
        self.tail = (self.tail + data)[-(self.limit // 2) :]


def _collapse(file: BinaryIO | FileIO, length: int, ends: _Ends) -> None:
    rest = b""
    while length > 0:
        # Not to the file's end: that moves while a command writes.
        data = file.read(min(CHUNK, length))
        if not data:
            break
        length -= len(data)
        data = rest + data
        whole = data.rfind(b"\n") + 1
        ends.add(as_seen(data[:whole]))
        rest = data[whole:]
        if b"\r" in rest:
            rest = _last_state(rest) + b"\r" * rest.endswith(b"\r")
        elif len(rest) > CHUNK:  # one endless line
            ends.add(rest)
            rest = b""
    ends.add(_last_state(rest))


def as_seen(data: bytes) -> bytes:
    """`data` with what stands of each line in the end."""
    return b"\n".join(map(_last_state, data.split(b"\n"))) if b"\r" in data else data


def _last_state(line: bytes) -> bytes:
    return line.rstrip(b"\r").rsplit(b"\r", 1)[-1]


def bounded(
    head: bytes, tail: bytes, size: int, limit: int, path: PurePath | str
) -> tuple[str, bool]:
    """(output of `size` bytes, whether its middle was left out). `head`: the first `limit` bytes
    of it, `tail`: the last `limit` // 2."""
    if size <= limit:
        return _decoded(head), False
    head = head[: limit // 2]
    # At whole lines where they are short: half a secret is known by no one.
    head = head[: head.rfind(b"\n", limit // 4) + 1 or len(head)]
    tail = tail[tail.find(b"\n", 0, limit // 4) + 1 :]
    missing = size - len(head) - len(tail)
    left_out = f"\n[... {missing:,} bytes {LEFT_OUT} {path} ...]\n"
    return _decoded(_whole(head)) + left_out + _decoded(_whole(tail, start=True)), True


def _whole(data: bytes, *, start: bool = False) -> bytes:
    """`data` without the piece of a UTF-8 character that a cut has left at its end or start."""
    if start:
        first = next((i for i in range(min(4, len(data))) if data[i] & 0xC0 != 0x80), 0)
        return data[first:]
    for cut in range(1, min(4, len(data)) + 1):
        lead = data[-cut]
        if lead & 0xC0 != 0x80:
            length = 4 if lead >= 0xF0 else 3 if lead >= 0xE0 else 2 if lead >= 0xC0 else 1
            return data[:-cut] if length > cut else data
    return data


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")
