"""Unix sockets that a command must not reach: behind them listen programs outside the sandbox.

docker.sock, a terminal multiplexer, an agent for keys, a desktop's bus: each runs commands or gives
keys to whoever may connect. A read-only mount does not stop a connection, a mount over the socket
does.
"""

import os
import re
import select
import stat
from collections.abc import Iterator
from threading import Lock
from typing import Any

from configs.real_path import real_path
from core.policy.paths import inside

UNIX = "/proc/net/unix"
#: A line's six columns and the inode, then the path, which may hold spaces.
BOUND = re.compile(r"\S+: \S+ \S+ \S+ \S+ \S+ +\d+ (/.*)", re.DOTALL)
MOUNTS = "/proc/self/mountinfo"
#: A space, a tab, a line's end or a backslash, as the kernel writes them there.
ESCAPED = re.compile(r"\\([0-7]{3})")
#: Programs that a GPU needs.
NEEDED = ("nvidia-mps", "nvidia-persistenced", "nvidia-fabricmanager")
#: Lines that one look takes in.
MOST = 20_000


def sockets_outside(folder: str) -> list[str]:
    """The paths (links resolved) of all sockets that can be told about and are not below `folder`;
    "" for a folder that exempts none."""
    found = set()
    for named in {*_bound(), *mounts.sockets(), *_of_environment()}:
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
        found = BOUND.match(line) if " /" in line else None
        if found:
            yield found[1]


class Mounts:
    """Sockets that are mounted on their own, as a container gets docker.sock: they belong to
    another network namespace.

    The kernel tells when something is mounted or unmounted (proc(5)). Until then a machine on which
    no mount is a socket has none: what a mount shows does not change, whatever it is called.
    """

    def __init__(self) -> None:
        self._watched = -1
        self._process = 0
        self._lock = Lock()

    def sockets(self) -> list[str]:
        with self._lock:
            if self._watched >= 0 and self._process == os.getpid() and not self._has_changed():
                return []
            self._forget()
            self._watched, self._process = _opened(MOUNTS), os.getpid()
            modes = {path: _mode(path) for path in _mounted()}
            if 0 in modes.values() or any(map(stat.S_ISSOCK, modes.values())):
                self._forget()
            return [path for path, mode in modes.items() if stat.S_ISSOCK(mode)]

    def _has_changed(self) -> bool:
        changes = select.poll()
        changes.register(self._watched, select.POLLPRI | select.POLLERR)
        return bool(changes.poll(0))

    def _forget(self) -> None:
        if self._watched >= 0:
            os.close(self._watched)
        self._watched = -1


mounts = Mounts()


def _mounted() -> Iterator[str]:
    """Where something is mounted."""
    for line in _lines(MOUNTS):
        parts = line.split(" ")
        if len(parts) > 4 and parts[4].startswith("/"):
            yield ESCAPED.sub(lambda found: chr(int(found[1], 8)), parts[4])


def _of_environment() -> Iterator[str]:
    """Sockets that variables name: DOCKER_HOST, SSH_AUTH_SOCK, DBUS_SESSION_BUS_ADDRESS, ..."""
    # Its values as they are: to decode each of them takes longer than all the rest.
    known: Any = getattr(os.environ, "_data", None)
    values = list((known if known is not None else os.environb).values())
    for value in map(os.fsdecode, [value for value in values if b"/" in value]):
        if len(value) < 500:
            start = value.find("/")
            yield "/" + value[start:].lstrip("/").split(",")[0].split(";")[0]


def _lines(path: str) -> list[str]:
    descriptor = _opened(path)
    if descriptor < 0:
        return []
    content = b""
    try:
        while part := os.read(descriptor, 65_536):
            content += part
    except OSError:
        return []
    finally:
        os.close(descriptor)
    return content.decode(errors="surrogateescape").split("\n", MOST)[:MOST]


def _opened(path: str) -> int:
    """A descriptor; -1 if the system has no such file."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1


def _is_socket(path: str) -> bool:
    return stat.S_ISSOCK(_mode(path))


def _mode(path: str) -> int:
    """0: nothing is there that may be looked at."""
    try:
        return os.stat(path).st_mode
    except (OSError, ValueError):
        return 0
