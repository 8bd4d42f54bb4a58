"""bubblewrap: a command in namespaces of its own, with the places of a plan mounted."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from stat import S_IFREG

from configs.folders import make_private_folder
from tools.workspace.command_sandbox.plan import Access, Place, Plan, above, access_at

#: Descriptor on which bubblewrap writes how the command ended. It writes no exit code if it could
#: not start the command.
STATUS = 4
#: What a root user's command keeps: it works on files of other users, as in a container. None of
#: these mounts, loads, traces or makes devices.
KEPT = {
    "CAP_CHOWN": 0, "CAP_DAC_OVERRIDE": 1, "CAP_FOWNER": 3, "CAP_FSETID": 4, "CAP_KILL": 5,
    "CAP_SETGID": 6, "CAP_SETUID": 7,
}  # fmt: skip
#: Devices besides the usual ones: graphics cards, accelerators, fast networks.
DEVICES = ("dri", "kfd", "dxg", "infiniband", "vfio")
#: What bubblewrap covers in /proc by itself, for root too.
COVERED = {"bus", "irq", "sysrq-trigger"}
DEVICE_STARTS = ("nvidia", "accel", "mali", "apex_", "habanalabs")


def opened(plan: Plan) -> dict[str, int]:
    """Descriptors, by path, of the places that another command could exchange for a link while
    this one starts: those in writable folders. Whoever gets them closes them. Raises OSError: one
    was exchanged since the plan was made."""
    known: dict[str, Access] = {}
    found: dict[str, int] = {}
    try:
        for place in plan.places:
            inside_writable = access_at(known, above(place.path)) == "write"
            known[place.path] = place.access
            if inside_writable and place.access != "none":
                found[place.path] = _descriptor(place.path)
    except BaseException:
        close(found)
        raise
    return found


def close(descriptors: Mapping[str, int]) -> None:
    for descriptor in descriptors.values():
        os.close(descriptor)


def clear(plan: Plan) -> None:
    """Remove the empty files that bubblewrap makes where it hides a socket that went away since the
    plan was made: no program could make its socket there again. What is there now is younger than
    the plan."""
    for place in plan.places:
        if place.is_socket:
            with suppress(OSError):
                found = os.lstat(place.path)
                is_empty = found.st_mode == S_IFREG | 0o444 and not found.st_size
                if is_empty and found.st_uid == os.geteuid():
                    os.unlink(place.path)


def has_not_mounted(said: str) -> bool:
    """Whether `said`, the last line on stderr, says that the sandbox could not be made. That the
    command itself does not exist is another message."""
    return said.startswith("bwrap: ") and not said.startswith("bwrap: execvp ")


def _descriptor(path: str) -> int:
    low = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        there = os.readlink(f"/proc/self/fd/{low}")
        if there == f"{path} (deleted)":
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if there != path:
            raise OSError(errno.ELOOP, "it was exchanged for a link while a command started", path)
        # Shells use the numbers below for themselves.
        return fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 64)
    finally:
        os.close(low)


def arguments(
    plan: Plan,
    cwd: str,
    blank: Blank,
    *,
    status: bool = True,
    descriptors: Mapping[str, int] | None = None,
) -> list[str]:
    """bubblewrap's arguments, up to the command.

    Args:
        cwd: where it runs. status: descriptor STATUS is open; without it the command ends together
            with the process that started it. descriptors: see `opened`.
    """
    given = ["--unshare-pid", "--unshare-ipc"]
    if not plan.network:
        given.append("--unshare-net")
    given += ["--json-status-fd", str(STATUS)] if status else ["--die-with-parent"]
    given += [*capabilities(), *base(plan.places)]
    for place in plan.places:
        given += _mounted(place, plan.places, blank, (descriptors or {}).get(place.path))
    return [*given, "--chdir", cwd, "--"]


def base(places: Sequence[Place] = ()) -> list[str]:
    """The root, /proc, /dev."""
    writable = bool(places) and places[0].path == os.sep and places[0].access == "write"
    given = ["--bind" if writable else "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]
    for path in kernel_settings():
        given += ["--ro-bind-try", path, path]
    return [*given, "--perms", "1777", "--tmpfs", "/dev/shm", *_devices()]


def _devices() -> tuple[str, ...]:
    """The arguments for what is in /dev besides the usual devices: a hundred terminals are there,
    too. They are kept as long as the folder is the same and has not changed."""
    global _known_devices
    found = os.stat("/dev")
    stamp = found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns
    if _known_devices is None or _known_devices[0] != stamp:
        names = [n for n in os.listdir("/dev") if n in DEVICES or n.startswith(DEVICE_STARTS)]
        places = (f"/dev/{name}" for name in sorted(names))
        given = tuple(word for place in places for word in ("--dev-bind-try", place, place))
        # What is made within one tick of the clock gives the same stamp.
        is_settled = max(stamp[2:]) < time.time_ns() - 1_000_000_000
        _known_devices = (stamp, given) if is_settled else None
        return given
    return _known_devices[1]


_known_devices: tuple[tuple[int, ...], tuple[str, ...]] | None = None


@cache
def kernel_settings() -> tuple[str, ...]:
    """What of /proc belongs to the kernel and not to a process. The kernel asks who writes there,
    not for a right that could be dropped: root could name a program that it runs
    (/proc/sys/kernel/core_pattern). bubblewrap itself covers /proc/sys only where it looks
    writable, and to root it does not. Each place is a mount at each command: only those that
    take writes count, and not those that bubblewrap does cover."""
    if os.geteuid() != 0:
        return ()
    with os.scandir("/proc") as entries:
        names = {e.name for e in entries if not e.name.isdigit() and not e.is_symlink()}
    places = [os.path.join("/proc", name) for name in sorted(names - COVERED)]
    return tuple(place for place in places if _takes_writes(place))


def _takes_writes(place: str) -> bool:
    """Whether someone may write to a file, or to one below a folder."""
    below = (os.path.join(where, name) for where, _, names in os.walk(place) for name in names)
    for file in below if os.path.isdir(place) else (place,):
        with suppress(OSError):
            if os.lstat(file).st_mode & 0o222:
                return True
    return False


def _mounted(
    place: Place, places: Sequence[Place], blank: Blank, descriptor: int | None
) -> list[str]:
    path = place.path
    if path == os.sep:
        return []
    if descriptor is not None:
        return [f"--{'ro-' if place.access == 'read' else ''}bind-fd", str(descriptor), path]
    if place.access == "write":
        return ["--bind", path, path]
    if place.access == "read":
        return ["--ro-bind", path, path]
    if place.is_folder:
        if any(p.path.startswith(path + os.sep) for p in places):
            # What is shown in it needs a place to be mounted on.
            return ["--tmpfs", path]
        return ["--ro-bind", blank.folder, path]
    return ["--ro-bind", blank.file, path]


def capabilities() -> list[str]:
    """Of root, all but KEPT are dropped; without that option bubblewrap keeps all of them."""
    if os.geteuid() != 0:
        return []
    own = _permitted()
    added = [word for name, bit in KEPT.items() if own >> bit & 1 for word in ("--cap-add", name)]
    return ["--cap-drop", "ALL", *added]


@cache
def _permitted() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapPrm:"):
            return int(line.split()[1], 16)
    return 0


class Blank:
    """An empty file and an empty folder, mounted over what is hidden."""

    def __init__(self, state: Path) -> None:
        self.file = str(state / "blank" / "file")
        self.folder = str(state / "blank" / "folder")

    def make(self) -> None:
        """Raises OSError."""
        if not os.path.isdir(self.folder):
            make_private_folder(Path(self.folder))
        if not os.path.exists(self.file):
            os.close(os.open(self.file, os.O_WRONLY | os.O_CREAT, 0o400))
