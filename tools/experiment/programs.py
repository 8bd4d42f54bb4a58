"""Programs in the folder that a judge would start, and what their Python loads first. Blocking."""

import os
import shutil
from collections.abc import Sequence

from tools.experiment.frozen import content_of

#: Python loads these wherever they are found.
HOOKS = {"sitecustomize", "usercustomize"}


def programs(folder: str, home: str, words: Sequence[str]) -> dict[str, str]:
    """Programs in the folder that the command would start, and what their Python loads first."""
    found: dict[str, str] = {}
    places = os.environ.get("PATH", os.defpath).split(os.pathsep)
    outside = [place for place in places if not _is_in(os.path.join(home, place), home)]
    elsewhere = os.pathsep.join(outside)
    for place in places:
        whole = os.path.join(home, place)
        if not _is_in(whole, home) or not os.path.isdir(whole):
            continue
        for name in sorted(os.listdir(whole)):
            # One that is nowhere else takes no other's place.
            if name in words or shutil.which(name, path=elsewhere):
                found[os.path.relpath(os.path.join(whole, name), home)] = content_of(
                    os.path.join(whole, name)
                ).hex()[:16]
        found |= _hooks(home, os.path.dirname(whole))
    for word in words:
        path = os.path.join(folder, word)
        if not os.path.isabs(word) and os.path.basename(os.path.dirname(path)) == "bin":
            found[os.path.normpath(word)] = content_of(path).hex()[:16]
            found |= _hooks(folder, os.path.dirname(os.path.dirname(path)))
    return found | _hooks(folder, os.path.join(folder, ".venv"))


def _hooks(folder: str, environment: str) -> dict[str, str]:
    """What Python loads from a virtual environment before anything else."""
    settings = os.path.join(environment, "pyvenv.cfg")
    if not os.path.isfile(settings):
        return {}
    found = [settings]
    library = os.path.join(environment, "lib")
    for version in sorted(os.listdir(library)) if os.path.isdir(library) else ():
        place = os.path.join(library, version, "site-packages")
        names = sorted(os.listdir(place)) if os.path.isdir(place) else []
        hooks = [n for n in names if n.endswith(".pth") or n.partition(".")[0] in HOOKS]
        found += [os.path.join(place, name) for name in hooks]
    return {os.path.relpath(name, folder): content_of(name).hex()[:16] for name in found}


def _is_in(path: str, folder: str) -> bool:
    path, folder = os.path.normpath(path), os.path.normpath(folder)
    return path == folder or path.startswith(os.path.join(folder, ""))
