"""Our process, closed to other programs of the same user."""

import sys
from contextlib import suppress

#: prctl(2): whether the process may be dumped, attached to, and read in /proc.
PR_SET_DUMPABLE = 4


def make_undumpable() -> None:
    """Let no other process of this user read our memory or environment, where the keys are.

    A command of the model runs as the same user: without this it reads them in /proc/PID/environ.
    Programs that we start become readable again, since `exec` resets it. root reads everything; a
    sandbox of commands hides our process from root, too. Elsewhere than on Linux nothing is done:
    macOS lets no other program read a process's memory without the user's consent.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    # A libc without prctl, or a kernel that forbids it: we work all the same.
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
