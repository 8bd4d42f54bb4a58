"""Connects to the address of a host that answers first.

anyio, which httpx connects with, does the same, and takes 20 ms to import.
"""

import asyncio
import socket
from collections.abc import Iterable
from itertools import chain, zip_longest
from typing import Any

#: Seconds that an address has before the next one is tried as well (RFC 8305).
HEAD_START = 0.25
#: Family, type, protocol, name, address: as `getaddrinfo` returns them.
Found = tuple[Any, Any, int, str, Any]


async def connect(host: str, port: int) -> socket.socket:
    """A connected socket. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return await connect_first(found)


async def connect_first(found: Iterable[Found]) -> socket.socket:
    """A socket to the first of these addresses that answers. Raises OSError."""
    left = _in_turns(found)
    running: set[asyncio.Task[socket.socket]] = set()
    errors: list[BaseException] = []
    try:
        while left or running:
            if left:
                running.add(asyncio.ensure_future(_connected(left.pop(0))))
            done, _ = await asyncio.wait(
                running,
                timeout=HEAD_START if left else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                running.discard(task)
                error = task.exception()
                if error is None:
                    return task.result()
                errors.append(error)
    finally:
        for task in running:
            task.cancel()
            task.add_done_callback(_close)
    raise OSError("All connection attempts failed") from (errors[0] if errors else None)


def _in_turns(found: Iterable[Found]) -> list[Found]:
    """IPv6 and IPv4 by turns: either may lead nowhere."""
    found = list(found)
    newer = [one for one in found if one[0] == socket.AF_INET6]
    older = [one for one in found if one[0] != socket.AF_INET6]
    return [one for one in chain.from_iterable(zip_longest(newer, older)) if one is not None]


async def _connected(found: Found) -> socket.socket:
    family, kind, protocol, _, address = found
    made = socket.socket(family, kind, protocol)
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, address)
    except BaseException:
        made.close()
        raise
    return made


def _close(late: asyncio.Task[socket.socket]) -> None:
    """Close what was connected after another one."""
    if not late.cancelled() and late.exception() is None:
        late.result().close()
