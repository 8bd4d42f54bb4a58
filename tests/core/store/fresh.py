"""Running code in fresh processes against a store: what the store tests share."""

import subprocess
import sys
import textwrap
from pathlib import Path

from configs.settings import Settings
from core.store import Store
from tests.cli.program_process import start

ROOT = Path(__file__).parents[3]

HEAD = """
import asyncio, os, sys
sys.path.insert(0, {root!r})
from configs.settings import Settings
from core.store import ThreadRow, open_store
from core.errors import StoreError
settings = Settings(state_dir={state!r}, database_url={url!r})
"""


async def delete_thread(store: Store, thread: str) -> None:
    async with store.lease(thread):
        await store.delete_held([thread])
    await store.database.reclaim()


def begin(code: str, state: Settings | Path) -> subprocess.Popen[str]:
    """Start `code` in its own process; it finds `settings`: the same state directory and
    database."""
    if isinstance(state, Path):
        state = Settings(state_dir=str(state))
    head = HEAD.format(root=str(ROOT), state=state.state_dir, url=state.database_url)
    whole = head + textwrap.dedent(code)
    return start(
        [sys.executable, "-c", whole],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
    )


def run(code: str, state: Settings | Path) -> str:
    """What `code` prints. It must end well."""
    process = begin(code, state)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out.strip()
