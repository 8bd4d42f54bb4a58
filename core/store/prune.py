"""Removing threads with all they left: rows, checkpoints, run directories, snapshots of files.

Without LangGraph: `sessions delete` and `sessions prune` are quick.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import ThreadBusy
from core.store.database import Store
from core.store.files.file_snapshots import bytes_of
from core.store.files.history import Snapshots
from core.store.runs import runs_of
from core.store.threads import ThreadRow

#: Threads that are removed in one transaction, all of whose leases are held meanwhile.
AT_ONCE = 50


@dataclass
class Removed:
    """What became of threads that were to go.

    Attributes: threads: those that are gone. left: the others by id, with the reason.
    freed: bytes that came back, in the database and in files.
    """

    threads: list[ThreadRow] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    freed: int = 0


async def in_use(store: Store, row: ThreadRow) -> str:
    """Why a thread should stay however old it is; "" where nothing speaks for it."""
    if store.is_driven(row.id):
        return "it is open right now"
    standing = store.standing(row)
    if standing == "approval":
        return "it waits for approval"
    if standing == "cut off":
        return "its last turn was cut off"
    runs = await asyncio.to_thread(runs_of, store.folder_of(row.id) / "runs")
    if any([await asyncio.to_thread(run.state) == "alive" for run in runs]):
        return "a command of it still runs"
    return ""


async def remove(store: Store, state: Path, rows: Sequence[ThreadRow]) -> Removed:
    """Remove the threads of `rows`, but not one that is driven or was touched since `rows` were
    read. The database gives the space back; of a folder without threads no snapshot stays.

    Args:
        state: the state directory.
    """
    removed = Removed()
    size = await store.size()
    # It only lets go of snapshots: no path is ever judged.
    snapshots = Snapshots(store.database, state, is_secret=lambda path: True)
    for start in range(0, len(rows), AT_ONCE):
        await _remove_some(store, snapshots, rows[start : start + AT_ONCE], removed)
    await store.database.reclaim()
    removed.freed += max(size - await store.size(), 0)
    removed.freed += await snapshots.drop_unused({row.cwd for row in removed.threads})
    return removed


async def _remove_some(
    store: Store, snapshots: Snapshots, rows: Sequence[ThreadRow], removed: Removed
) -> None:
    async with AsyncExitStack() as leases:
        gone = []
        for row in rows:
            try:
                await leases.enter_async_context(store.lease(row.id))
            except ThreadBusy as busy:
                removed.left[row.id] = busy.message
                continue
            now = await store.threads.get(row.id)
            if now is None or now.updated != row.updated:
                removed.left[row.id] = "it was used meanwhile"
                continue
            gone.append(row)
        if not gone:
            return
        by_folder = defaultdict(list)
        for row in gone:
            by_folder[row.cwd].append(row.id)
            removed.freed += await asyncio.to_thread(bytes_of, store.folder_of(row.id))
        # Before the rows: who is killed in between finds the threads again.
        for cwd, threads in by_folder.items():
            await snapshots.forget(threads, cwd)
        await store.delete_held([row.id for row in gone])
        removed.threads += gone
