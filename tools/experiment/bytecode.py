"""Compiled Python that is older than its source. Blocking."""

import os
from contextlib import suppress

from tools.experiment.frozen import CACHES, MADE, walked

#: Folders that hold no source of a trial.
SKIPPED = MADE | {"site-packages", "node_modules"}


def remove_outdated(folder: str) -> None:
    """Remove what was compiled before its source last changed.

    Python tells the two apart by size and second of the source. A trial that is measured within a
    second of the last run, with as many characters, would be that run again.
    """
    for where, _, _ in walked(folder, SKIPPED):
        with suppress(OSError):
            for name in os.listdir(os.path.join(where, CACHES)):
                compiled = os.path.join(where, CACHES, name)
                _remove_if_older(compiled, os.path.join(where, f"{name.partition('.')[0]}.py"))


def _remove_if_older(compiled: str, source: str) -> None:
    with suppress(OSError):
        if os.stat(source).st_ctime_ns >= os.lstat(compiled).st_ctime_ns:
            os.unlink(compiled)
