"""Landlock: a command that gives up rights by itself; for Linux without user namespaces.

It has no namespaces: processes and mounts stay visible, and what lies below a writable folder stays
writable. docs/guide/permissions.md says what that leaves open.
"""

import ctypes
import py_compile
import sys
from pathlib import Path

from configs.folders import make_private_folder
from configs.real_path import real_path
from tools.workspace.command_sandbox.plan import Plan

LAUNCHER = Path(__file__).with_name("landlock_launcher.py")
#: Below this version a command may cut files anywhere.
WANTED = 3


def version() -> int:
    """The version of Landlock's interface in this kernel; 0: none."""
    if sys.platform != "linux":
        return 0
    found: int = ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1)
    return max(found, 0)


def gaps(found: int) -> str:
    """What an older version does not hold."""
    missing = ["git's settings and hooks in the working directory", "Unix sockets"]
    missing.append("modes and owners of files")
    missing.append("UDP" if found >= 4 else "the network")
    if found < 6:
        missing.append("signals")
    if found < WANTED:
        missing.append("cutting files short")
    return ", ".join(missing)


def compiled(state: Path) -> str:
    """The launcher as Python runs it soonest, in a folder that no command can change: reading its
    source takes longer than all that it does. The source, if it cannot be written."""
    file = state / "blank" / "landlock_launcher.pyc"
    try:
        make_private_folder(file.parent)
        return py_compile.compile(str(LAUNCHER), cfile=str(file), doraise=True) or str(LAUNCHER)
    except (OSError, py_compile.PyCompileError):
        return str(LAUNCHER)


def arguments(plan: Plan, *, status: int = -1, launcher: str = str(LAUNCHER)) -> list[str]:
    """The program and its arguments, up to the command. `status`: a descriptor that says that the
    command was started."""
    given = [_python(), "-I", "-S", "-B", launcher]
    if status >= 0:
        given += ["--status", str(status)]
    if not plan.network:
        given.append("--no-network")
    for place in plan.places:
        if not place.is_socket:
            given += [f"--{place.access}", place.path]
    return [*given, "--"]


def _python() -> str:
    """The interpreter itself: a link in a virtual environment makes it read that one's settings."""
    return real_path(sys.executable)
