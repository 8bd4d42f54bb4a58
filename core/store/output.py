"""The output of a command as text, within a limit."""

from pathlib import PurePath


def bounded(head: bytes, tail: bytes, size: int, limit: int, path: PurePath) -> tuple[str, bool]:
    """(output of `size` bytes, whether its middle was left out), from its two ends."""
    if size <= limit:
        return _decoded(head), False
    # At whole lines where they are short: half a secret is known by nobody.
    head = head[: head.rfind(b"\n", limit // 4) + 1 or len(head)]
    tail = tail[tail.find(b"\n", 0, limit // 4) + 1 :]
    missing = size - len(head) - len(tail)
    left_out = f"\n[... {missing:,} bytes left out; all of it: {path} ...]\n"
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
    return data.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
