"""What a command may reach, as one list of places that all three kinds of sandbox carry out.

The root is readable. Over it stand places, parents before children: the innermost one counts.
A folder that holds a special place, and that a command could rename, is its own place: a mount
point cannot be moved away, so that `mv .git x` does not get around what holds for `.git/config`.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from stat import S_ISDIR, S_ISLNK
from typing import Literal

from configs.real_path import one_look, real_path
from configs.settings import Settings
from core.policy.paths import inside
from core.run import Reach
from tools.workspace.command_sandbox import places
from tools.workspace.command_sandbox.repositories import special_in
from tools.workspace.command_sandbox.sockets import sockets_outside

Access = Literal["write", "read", "none"]
#: Which access holds if one path is named for several.
STRICTEST: tuple[Access, ...] = ("none", "read", "write")


@dataclass(frozen=True)
class Place:
    """A path without links that exists, and what holds below it."""

    path: str
    access: Access
    is_folder: bool
    is_socket: bool = False


@dataclass(frozen=True)
class Plan:
    """What a command may reach.

    Attributes:
        folder: the thread's working directory. places: parents before children.
        network: whether it has this machine's network.
        governing: files and folders that run or count later. sockets: those that were found
            outside, also in hidden places.
    """

    folder: str
    places: tuple[Place, ...]
    network: bool
    governing: tuple[str, ...] = ()
    sockets: tuple[str, ...] = ()

    @property
    def writable(self) -> list[str]:
        return [p.path for p in self.places if p.access == "write"]

    @property
    def hidden(self) -> list[str]:
        return [p.path for p in self.places if p.access == "none" and not p.is_socket]


@dataclass
class Planner:
    """Makes plans for the commands of one process.

    What was hidden once stays so: a link that led there may lead elsewhere by the next command.
    What governs a repository stays so, too: a command may have put so much around it that it is
    not found any more.
    A working directory stays where it led at first, for the same reason.
    """

    settings: Settings
    _hidden: set[str] = field(default_factory=set)
    _governing: set[str] = field(default_factory=set)
    _folders: dict[str, str] = field(default_factory=dict)

    def plan(
        self,
        folder: str,
        reach: Reach,
        shown: Sequence[str] = (),
        frozen: Sequence[str] = (),
        failed: Plan | None = None,
    ) -> Plan:
        """Of a command of the thread that works in `folder`. Blocks.

        Args:
            shown: readable although it lies in a hidden place. frozen: not to be changed.
            failed: the plan of a start of this command that failed. A socket that it does not have
                is younger than that start, and no more in reach than one that is made after a
                start that works. To cover it, too, may fail again, and so on: programs make and
                remove sockets all the time.
        Raises ValueError: the folder itself is hidden, or another one than before.
        """
        with one_look():
            return self._plan(folder, reach, shown, frozen, failed)

    def _plan(
        self,
        folder: str,
        reach: Reach,
        shown: Sequence[str],
        frozen: Sequence[str],
        failed: Plan | None,
    ) -> Plan:
        named, folder = folder, real_path(folder)
        if self._folders.setdefault(named, folder) != folder:
            raise ValueError(f"the working directory {named} was exchanged: it leads to {folder}")
        special = special_in(folder)
        self._governing.update(special.governing)
        governing = [*places.governing(), *sorted(self._governing)]
        wanted: dict[str, Access] = {}

        def want(paths: Iterable[str], access: Access) -> None:
            for path in paths:
                before = wanted.setdefault(path, access)
                if before != access:
                    wanted[path] = min(before, access, key=STRICTEST.index)

        if reach != "read-only":
            temporary = places.temporary()
            want(temporary, "write")
            if any(inside(places.home(), one) for one in temporary):
                want([places.home()], "read")
            if reach != "offline":
                want(places.caches(), "write")
                want(map(places.real, self.settings.sandbox_writable), "write")
            want(special.outside, "write")
            wanted[folder] = "write"
            if folder == os.sep:
                want(places.SYSTEM, "read")
        want(map(real_path, (*governing, *frozen)), "read")
        self._hidden.update(places.hidden(self.settings))
        secret = [*self._hidden, *(special.secret if reach != "network" else ())]
        want(_around(folder, secret), "none")
        exempt = "" if places.is_wide(folder) else folder
        sockets = sockets_outside(exempt)
        if failed is not None:
            sockets = [path for path in sockets if path in failed.sockets]
        want(sockets, "none")
        if any(inside(folder, p) for p, a in wanted.items() if a == "none"):
            said = f"the working directory {folder} holds credentials or ml-agent's own files"
            raise ValueError(said)
        open_again = set(map(real_path, shown))
        want(open_again, "read")
        ordered = _ordered(wanted, set(sockets), open_again)
        return Plan(folder, ordered, reach == "network", tuple(governing), tuple(sockets))


def _around(folder: str, secret: Iterable[str]) -> Iterable[str]:
    """`secret`, and for one that holds `folder` what stands next to the way there."""
    for path in secret:
        if path == folder or not inside(folder, path):
            yield path
            continue
        while path != folder:
            step = os.path.join(path, os.path.relpath(folder, path).split(os.sep)[0])
            yield from (entry for entry in _entries(path) if entry != step)
            path = step


def _entries(folder: str) -> list[str]:
    try:
        return [os.path.join(folder, name) for name in os.listdir(folder)]
    except OSError:
        return []


def _ordered(wanted: dict[str, Access], sockets: set[str], shown: set[str]) -> tuple[Place, ...]:
    """The places without those that change nothing, and with the folders on the way to them."""
    kept: dict[str, Access] = {}
    files = set()
    for path in sorted(wanted, key=_parts):
        access, outer = wanted[path], access_at(kept, above(path))
        if path == os.sep:
            if access == "write":
                kept[path] = access
            continue
        if (outer == "none" and path not in shown) or access == outer == "read":
            continue
        mode = _mode(path)
        if not mode or S_ISLNK(mode):
            continue
        if outer == "write":
            for between in _between(path, kept):
                kept[between] = "write"
        kept[path] = access
        if not S_ISDIR(mode):
            files.add(path)
    ordered = sorted(kept.items(), key=lambda one: _parts(one[0]))
    return tuple(
        Place(path, access, path not in files, path in sockets) for path, access in ordered
    )


def _parts(path: str) -> list[str]:
    return path.split(os.sep)


def _mode(path: str) -> int:
    """0: nothing is there."""
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0


def _between(path: str, kept: dict[str, Access]) -> Iterable[str]:
    """The folders above `path` that are not places yet, up to the nearest that is one."""
    path = above(path)
    while path not in kept and path != os.sep:
        yield path
        path = above(path)


def access_at(known: dict[str, Access], path: str) -> Access:
    """What holds at `path`: the word of the innermost place around it."""
    while path not in known:
        if path == os.sep:
            return "read"
        path = above(path)
    return known[path]


def above(path: str) -> str:
    """The folder that holds a place: `os.path.dirname` at a third of its time."""
    return path.rpartition(os.sep)[0] or os.sep
