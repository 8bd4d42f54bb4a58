"""`ml-agent sessions delete` and `prune`: what they ask, do and tell."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.shared.bootstrap import complain, settings_for
from cli.shared.command import tell
from cli.shared.options import Options
from cli.shared.thread_text import line_of, plain
from cli.terminal.writer import note
from core.units import size

if TYPE_CHECKING:
    from configs.settings import Settings
    from core.store import Store, ThreadRow
    from core.store.prune import Removed

#: Where neither an age nor a number was given: 30 days, in seconds.
OLD = 30 * 86400.0
DOCTOR = "ml-agent doctor lists running sandboxes"


@dataclass(frozen=True)
class Wanted:
    """Which threads are to go. cwd: of this folder; None: of all. older_than: seconds."""

    cwd: str | None
    older_than: float | None
    keep: int | None
    force: bool
    dry_run: bool

    def before(self) -> float:
        """The epoch second; threads touched since then stay."""
        age = self.older_than
        if age is None:
            age = OLD if self.keep is None else 0.0
        return time.time() - age


async def delete_one(store: "Store", row: "ThreadRow", options: Options) -> int:
    """Delete a thread; the exit code. Raises ThreadBusy."""
    from core.errors import ThreadBusy
    from core.store.prune import remove

    settings = settings_for(options).settings
    await _end_sandboxes(store, settings, [row])
    removed = await remove(store, settings.state_path(), [row])
    for reason in removed.left.values():
        raise ThreadBusy(reason)
    if options.output != "json":
        note(f"deleted {row.id}")
    return tell(options, {"deleted": row.id, "freed_bytes": removed.freed}, [])


async def prune(
    store: "Store", wanted: Wanted, options: Options, ask: Callable[[str], bool]
) -> int:
    """Delete the threads that are wanted gone; the exit code."""
    from core.store.prune import Removed, in_use, remove

    rows, spared = [], {}
    for row in await store.threads.outdated(wanted.before(), cwd=wanted.cwd, keep=wanted.keep or 0):
        reason = await in_use(store, row)
        if reason and not (wanted.force and not store.is_driven(row.id)):
            spared[row.id] = reason
        else:
            rows.append(row)
    removed = Removed(threads=rows)
    if rows and not wanted.dry_run:
        where = f"in {wanted.cwd}" if wanted.cwd else "in all folders"
        newest = time.strftime("%Y-%m-%d %H:%M", time.localtime(rows[-1].updated))
        if not ask(f"delete {counted(rows)} {where}, the newest of {newest}?"):
            return 1
        settings = settings_for(options).settings
        await _end_sandboxes(store, settings, rows)
        removed = await remove(store, settings.state_path(), rows)
    return _tell(store, wanted, removed, spared | removed.left, options)


async def _end_sandboxes(store: "Store", settings: "Settings", rows: "list[ThreadRow]") -> None:
    """A thread's sandbox goes with it. One that cannot be asked for ends when it was idle."""
    from core.errors import ToolError
    from tools import sandboxes

    there = sandboxes()
    for row in rows:
        if there is None or not row.sandbox or store.is_driven(row.id):
            continue
        try:
            for number in await there.end_all(settings, store, row.id):
                note(f"ended the sandbox {number} of {row.id}")
        except ToolError as error:
            complain(f"cannot end the sandbox of {row.id}: {error.message}", DOCTOR)


def _tell(
    store: "Store", wanted: Wanted, removed: "Removed", left: dict[str, str], options: Options
) -> int:
    told = {
        "dry_run": wanted.dry_run,
        "threads": [plain(row, row.status) for row in removed.threads],
        "left": [{"id": id, "reason": reason} for id, reason in left.items()],
        "freed_bytes": removed.freed,
    }
    gone = removed.threads if wanted.dry_run else []
    tell(options, told, [line_of(row, store.standing(row)) for row in gone])
    if options.output == "json":
        return 0
    for id, reason in left.items():
        note(f"{id} stays: {reason}")
    if wanted.dry_run:
        note(f"would delete {counted(removed.threads)}")
    elif removed.threads:
        note(f"deleted {counted(removed.threads)}; freed {size(removed.freed)}")
    else:
        note("nothing to delete")
    return 0


def counted(rows: "list[ThreadRow]") -> str:
    return "1 session" if len(rows) == 1 else f"{len(rows)} sessions"
