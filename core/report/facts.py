"""What a command that runs Python depends on, as it is right before it runs.

Only files are read: nothing is executed for it. The packages are those of the environment that
`python` means there: the folder's `.venv` or `venv`, the active one, or the one of the first
`python3` of PATH.
"""

import hashlib
import os
import platform
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PYTHON = re.compile(r"(?:^|[\s;&|(/])(?:python[\d.]*|uv|torchrun|accelerate|deepspeed)\s|\.py\b")
_FILE = re.compile(r"[\w.@+~/-]*\w\.(?:py|sh|ipynb|ya?ml|json|toml|cfg|txt)\b")
#: Files that list the packages of a project.
LOCKS = ("uv.lock", "poetry.lock", "requirements.txt", "environment.yml", "pyproject.toml")
#: Bytes of a file that is hashed, and packages that are listed.
LARGEST, MOST = 5_000_000, 1_000


def facts_of(command: str, cwd: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """{files: {path: sha256}, python, packages, hardware} of a command; {} if it runs no Python.

    Args:
        cwd: absolute, where it runs. environment: the variables that it gets.
    """
    if not _PYTHON.search(command):
        return {}
    folder = Path(cwd)
    named = [*_FILE.findall(command), *LOCKS]
    files = {name: digest for name in dict.fromkeys(named) if (digest := _digest(folder / name))}
    python, packages = _environment(folder, environment)
    return {"files": files, "python": python, "packages": packages, "hardware": hardware()}


def _digest(path: Path) -> str:
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return ""
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _environment(folder: Path, environment: Mapping[str, str]) -> tuple[str, list[str]]:
    """(Python's version, `name==version` of each package); ("", []) if none is found."""
    active = environment.get("VIRTUAL_ENV", "")
    first = shutil.which("python3", path=environment.get("PATH"))
    prefixes = [folder / ".venv", folder / "venv", *([Path(active)] if active else [])]
    # The links of a virtual environment lead out of it: its own place comes first.
    prefixes += [Path(first).parent.parent, Path(first).resolve().parent.parent] if first else []
    for prefix in prefixes:
        for place in sorted(prefix.glob("lib/python3*/site-packages")):
            version = _version(prefix) or place.parent.name.removeprefix("python")
            return version, _packages(place)
    return "", []


def _version(prefix: Path) -> str:
    try:
        text = (prefix / "pyvenv.cfg").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
    found = re.search(r"^version(?:_info)?\s*=\s*(\S+)", text, re.M)
    return found[1] if found else ""


def _packages(place: Path) -> list[str]:
    try:
        names = [name.removesuffix(".dist-info") for name in os.listdir(place)
                 if name.endswith(".dist-info")]  # fmt: skip
    except OSError:
        return []
    pairs = (name.rpartition("-") for name in sorted(names, key=str.lower))
    return [f"{name.replace('_', '-').lower()}=={version}" for name, _, version in pairs][:MOST]


def hardware() -> dict[str, Any]:
    """{system, cpu, cores, memory_gb, gpus} of this machine, as far as its files say."""
    cpu = _first(r"^model name\s*:\s*(.+)$", "/proc/cpuinfo") or platform.processor()
    memory = _first(r"^MemTotal:\s*(\d+) kB$", "/proc/meminfo")
    gpus = [_first(r"^Model:\s*(.+)$", str(path)) for path in
            sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))]  # fmt: skip
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": cpu or platform.machine(),
        "cores": os.cpu_count() or 0,
        "memory_gb": round(int(memory) / 2**20) if memory else None,
        "gpus": gpus,
    }


def _first(pattern: str, path: str) -> str:
    try:
        found = re.search(pattern, Path(path).read_text(encoding="utf-8"), re.M)
    except (OSError, ValueError):
        return ""
    return found[1].strip() if found else ""
