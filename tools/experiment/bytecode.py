"""Compiled Python that is older than its source. Blocking."""

import os
from contextlib import suppress

CACHES = "__pycache__"
#: Installed packages and what is not Python.
SKIPPED = {"site-packages", "node_modules", ".git"}


def remove_outdated(folder: str) -> None:
    """Remove what was compiled before its source last changed.

    Python tells the two apart by size and second of the source. A trial that is measured within a
    second of the last run, with as many characters, would be that run again.
    """
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in SKIPPED]
        if os.path.basename(where) != CACHES:
            continue
        for name in names:
            compiled = os.path.join(where, name)
            source = os.path.join(os.path.dirname(where), f"{name.partition('.')[0]}.py")
            with suppress(OSError):
                if os.stat(source).st_ctime_ns >= os.lstat(compiled).st_ctime_ns:
                    os.unlink(compiled)
