"""Where a thread's files are in the state directory: run directories and saved results."""

import asyncio
import os
from pathlib import Path

from configs.folders import make_private_folder

#: What a shortened text says where its middle was; before the path of the whole.
LEFT_OUT = "left out; all of it:"


class Outputs:
    """`<state>/threads/<thread>/{runs,results,copies}`."""

    def __init__(self, state: Path) -> None:
        self._threads = state / "threads"

    def runs(self, thread: str) -> Path:
        """The folder of a thread's run directories."""
        return Path(f"{self._threads}/{thread}/runs")

    def run(self, thread: str, call_id: str) -> Path:
        """The run directory of one call."""
        return Path(f"{self._threads}/{thread}/runs/{call_id}")

    def result(self, thread: str, call_id: str) -> Path:
        """Where the whole of a long result is."""
        return self._threads / thread / "results" / f"{call_id}.txt"

    def copies(self, thread: str) -> Path:
        """The folder of the copies that trials work in."""
        return self._threads / thread / "copies"

    def shown(self, run: Path) -> list[str]:
        """What the commands of a run directory's thread may read of ours: its own outputs."""
        thread = run.parent.parent
        return list(filter(os.path.isdir, (f"{thread}/runs", f"{thread}/results")))

    async def bounded(self, thread: str, call_id: str, text: str, limit: int) -> str:
        """Head and tail of `text` within `limit` characters; all of it goes to a file whose
        path is in between."""
        path = self.result(thread, call_id)
        content = text.encode("utf-8", errors="backslashreplace")
        await asyncio.to_thread(write_private, path, content)
        return shortened(text, limit, path)


def shortened(text: str, limit: int, path: Path) -> str:
    """`text` with its middle left out, in at most `limit` characters."""
    note = f"\n[... {{:,}} characters {LEFT_OUT} {{}} ...]\n"
    room = max(limit - len(note.format(len(text), path)), 200)
    head = room * 2 // 3
    note = note.format(len(text) - room, path)
    return text[:head] + note + text[len(text) - (room - head) :]


def write_private(path: Path, content: bytes) -> None:
    """Write a file of a thread into a folder that only the user can read."""
    make_private_folder(path.parent)
    path.write_bytes(content)
