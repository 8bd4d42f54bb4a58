"""Compiled Python that can differ from its source. Blocking."""

import os
from contextlib import suppress

from tools.experiment.frozen import CACHES, MADE, walked

#: Folders that hold no source of a trial.
SKIPPED = MADE | {"site-packages", "node_modules"}


def remove_compiled(folder: str, since: float) -> None:
    """Remove what was compiled since then (epoch seconds), or before its source last changed.

    Python runs a compiled file if it names the size and second of its source. So a trial that is
    measured within a second of the last run, with as many characters, would be that run again; and
    a trial could write one that differs from the source in its diff.
    """
    for where, _, _ in walked(folder, SKIPPED):
        with suppress(OSError):
            for name in os.listdir(os.path.join(where, CACHES)):
                compiled = os.path.join(where, CACHES, name)
                source = os.path.join(where, f"{name.partition('.')[0]}.py")
                _remove_if_doubtful(compiled, source, since)


def _remove_if_doubtful(compiled: str, source: str, since: float) -> None:
    with suppress(OSError):
        # The time of a file's last change: no program can set it.
        made = os.lstat(compiled).st_ctime_ns
        if made >= since * 1e9 or made <= os.stat(source).st_ctime_ns:
            os.unlink(compiled)
