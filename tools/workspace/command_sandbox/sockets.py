"""Unix sockets that a command must not reach: behind them listen programs outside the sandbox.

docker.sock, a terminal multiplexer, an agent for keys, a desktop's bus: each runs commands or gives
keys to whoever may connect. A read-only mount does not stop a connection, a mount over the socket
does.
"""

import os
import re
import stat
from collections.abc import Iterator

from configs.real_path import real_path
from core.policy.paths import inside

UNIX = "/proc/net/unix"
#: A line's six columns and the inode, then the path, which may hold spaces.
BOUND = re.compile(r"\S+: \S+ \S+ \S+ \S+ \S+ +\d+ (/.*)", re.DOTALL)
MOUNTS = "/proc/self/mountinfo"
#: Programs that a GPU needs.
NEEDED = ("nvidia-mps", "nvidia-persistenced", "nvidia-fabricmanager")


def sockets_outside(folder: str) -> list[str]:
    """The paths (links resolved) of all sockets that can be told about and are not below `folder`;
    "" for a folder that exempts none."""
    found = set()
    for named in {*_bound(), *_mounted(), *_of_environment()}:
        if not _is_socket(named) or not os.access(named, os.W_OK):
            continue
        path = real_path(named)
        needed = any(part in NEEDED for part in path.split(os.sep))
        if not needed and not (folder and inside(path, folder)):
            found.add(path)
    return sorted(found)


def _bound() -> Iterator[str]:
    """What the kernel names: sockets of this network namespace that are bound to a path."""
    for line in _lines(UNIX):
        found = BOUND.match(line) if "/" in line else None
        if found:
            yield found[1]


def _mounted() -> Iterator[str]:
    """Sockets that are mounted on their own, as a container gets docker.sock: they belong to
    another network namespace."""
    for line in _lines(MOUNTS):
        parts = line.split(" ")
        if len(parts) > 4 and parts[4].startswith("/"):
            path = parts[4]
            is_escaped = "\\" in path or not path.isascii()
            yield path.encode().decode("unicode_escape", "replace") if is_escaped else path


def _of_environment() -> Iterator[str]:
    """Sockets that variables name: DOCKER_HOST, SSH_AUTH_SOCK, DBUS_SESSION_BUS_ADDRESS, ..."""
    for value in os.environ.values():
        start = value.find("/")
        if start >= 0 and len(value) < 500:
            yield "/" + value[start:].lstrip("/").split(",")[0].split(";")[0]


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read().splitlines()[:20_000]
    except OSError:
        return []


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False
