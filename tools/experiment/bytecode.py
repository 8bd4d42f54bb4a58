"""Compiled Python that can differ from its source. Blocking."""

import os
from functools import partial

from tools.experiment.frozen import MADE, remove_compiled, walked

#: Folders that hold no source of a trial.
SKIPPED = MADE | {"site-packages", "node_modules"}


def remove_doubtful(folder: str, since: float) -> None:
    """Remove what was compiled since then (epoch seconds), or before its source last changed.

    Python runs a compiled file if it names the size and second of its source. So a trial that is
    measured within a second of the last run, with as many characters, would be that run again; and
    a trial could write one that differs from the source in its diff.
    """
    for where, _, _ in walked(folder, SKIPPED):
        remove_compiled(where, partial(_is_doubtful, where, since))


def _is_doubtful(where: str, since: float, name: str, compiled: os.stat_result) -> bool:
    """Raises OSError without a source: Python runs none of those."""
    source = os.stat(os.path.join(where, f"{name.partition('.')[0]}.py"))
    # The time of a file's last change: no program can set it.
    made = compiled.st_ctime_ns
    return made >= since * 1e9 or made <= source.st_ctime_ns
