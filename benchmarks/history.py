"""The figures of each release: benchmarks/history.jsonl, one line each.

Only the ratios of one line compare with those of another: machines differ by a factor of three.
"""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.programs import ROOT
from benchmarks.table import Row

FILE = Path(__file__).with_name("history.jsonl")
PACKAGES = ("langgraph", "langchain-core", "litellm", "openai", "httpx", "pydantic")


def record(release: str, rows: Sequence[Row], *, is_quick: bool, file: Path = FILE) -> None:
    """Append the figures of `release`."""
    line = {
        "release": release,
        "date": date.today().isoformat(),
        "commit": _commit(),
        "quick": is_quick,
        "machine": _machine(),
        "versions": {name: _version(name) for name in PACKAGES},
        "rows": [{k: v for k, v in asdict(row).items() if k != "digits"} for row in rows],
    }
    with file.open("a", encoding="utf-8") as history:
        history.write(json.dumps(line, ensure_ascii=False) + "\n")


def _machine() -> dict[str, Any]:
    """What of the machine is in the figures; `load`: of the last five minutes."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return {
        "cpu": next(names, platform.processor()),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[1], 1),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    )
    return done.stdout.strip()
