"""Running code in fresh processes against a store: what the store tests share."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[3]

HEAD = """
import asyncio, os, sys
sys.path.insert(0, {root!r})
from configs.settings import Settings
from graph.store import ThreadRow, open_store
from graph.errors import StoreError
settings = Settings(state_dir={state!r})
"""


def begin(code: str, state: Path) -> subprocess.Popen[str]:
    """Start `code` in a process of its own; it finds `settings` for `state`."""
    whole = HEAD.format(root=str(ROOT), state=str(state)) + textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-c", whole],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
    )


def run(code: str, state: Path) -> str:
    """What `code` prints. It must end well."""
    process = begin(code, state)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out.strip()
