"""Snapshots of a whole folder, in the shadow repository that undo keeps: for experiments.

A snapshot's id is the blob of its list of files, so the same files have the same id. What undo
leaves out (git ignores it, it is large, it holds credentials) is left out here, too. All blocking:
call it in a thread.
"""

import copy
import difflib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from configs.real_path import real_path
from core.errors import ToolError
from core.store.files.entries import FOLDER, LEFT_OUT, Entry, Scan
from core.store.files.file_snapshots import Shadow
from core.store.files.restore import Step, carried_out, planned
from core.store.files.scan import Scanner

#: Files of a small folder, and their bytes.
SMALL, LARGEST = 1_000, 50_000_000
#: Characters of a diff that are kept; a file with lines longer than LINE is not shown.
DIFF, LINE = 20_000, 2_000


class FolderSnapshots:
    """Args:
    state: the state directory. folder: absolute. is_secret: see `Scanner`.
    always: files and small folders that are in each snapshot even if git ignores them.
    """

    def __init__(
        self,
        state: Path,
        folder: str,
        is_secret: Callable[[str], bool],
        always: Sequence[str] = (),
    ) -> None:
        self._always = always
        self._shadow = Shadow(state / "snapshots", real_path(folder))
        self._is_secret = is_secret
        self._scanner = Scanner(self._shadow, is_secret)

    def of_copy(self, folder: str) -> "FolderSnapshots":
        """The same for a copy of the folder, in the same repository."""
        other = copy.copy(self)
        other._shadow = copy.copy(self._shadow)
        other._shadow.folder = real_path(folder)
        other._scanner = Scanner(other._shadow, self._is_secret)
        return other

    def load(self, snapshot: str) -> Scan:
        """What a snapshot holds. Raises ToolError."""
        ((_, content),) = self._shadow.contents([snapshot])
        if content is None:
            raise ToolError(f"Cannot read the snapshot {snapshot[:12]}: it is not on this machine.")
        return Scan.from_dict(json.loads(content))

    @property
    def folder(self) -> str:
        return self._shadow.folder

    def take(self, thread: str, also: str = "") -> str:
        """A snapshot, kept as long as the thread. `also`: a snapshot whose files are looked at
        even if git ignores them by now. Raises ToolError."""
        names = [*self._named(), *(self.load(also).entries if also else ())]
        scan = self._scanner.scan(time.time(), names)
        if scan.off:
            raise ToolError(f"Cannot take a snapshot of the folder: {scan.off}.")
        told = scan.to_dict()
        kept = {name: told[name] for name in ("entries", "ignored")}
        blob = self._shadow.put(json.dumps(kept, sort_keys=True).encode())
        self._shadow.keep(thread, blob)
        return blob

    def _named(self) -> Iterator[str]:
        """What is in each snapshot: these files, and those of small folders."""
        for path in self._always:
            start = os.path.join(self.folder, path)
            if not os.path.isdir(start):
                yield path
                continue
            files = (
                os.path.join(where, name) for where, _, names in os.walk(start) for name in names
            )
            found = list(islice(files, SMALL + 1))
            if len(found) <= SMALL and sum(os.lstat(name).st_size for name in found) <= LARGEST:
                yield from (os.path.relpath(name, self.folder) for name in found)

    def restore(self, to: str, since: str = "") -> dict[str, str]:
        """Bring the folder to snapshot `to`; the paths that were left, with the reason.

        `since`: the snapshot that it was at: what is neither as there nor as in `to` was changed
        by something else and is left. A restore that was killed is finished by the same call.
        """
        target = self.load(to)
        before = self.load(since) if since else self._scanner.scan(time.time(), target.entries)
        names = [n for n in {*target.entries, *before.entries} if _to_change(n, target, before)]
        now = self._scanner.look(sorted(names), time.time())
        if now.off or before.off:
            raise ToolError(f"Cannot restore the folder: {now.off or before.off}.")
        looks = (target.entries, before.entries, now.entries)
        # Their content is not kept, and a stamp cannot be asked of git.
        unkept = {n for n in names for e in looks if n in e and e[n].kind == LEFT_OUT}
        step = Step(
            {name: target.entries.get(name) for name in names if name not in unkept},
            {name: before.entries.get(name) for name in names if name not in unkept},
        )
        left = carried_out(planned(now, [step]), self._shadow).left
        unknown = "it is too large to keep, or holds credentials"
        return left | {name: now.left_out.get(name, unknown) for name in sorted(unkept)}

    def remove_hidden(self, to: str, since: str) -> dict[str, str]:
        """After a restore of `to`: remove files that came since and that git ignored at `since`
        alone. The paths that were left, with the reason."""
        target, before = self.load(to), self.load(since)
        if not {*before.ignored} - {*target.ignored}:
            return {}
        now = self._scanner.scan(time.time())
        names = now.entries.keys() - target.entries.keys() - before.entries.keys()
        hidden = {n: now.entries[n] for n in names if target.covers(n) and not before.covers(n)}
        kept = {name: entry for name, entry in hidden.items() if entry.kind != LEFT_OUT}
        left = carried_out(planned(now, [Step(dict.fromkeys(kept), kept)]), self._shadow).left
        return left | {name: now.left_out[name] for name in hidden.keys() - kept.keys()}

    def changed(self, before: str, after: str) -> list[str]:
        """The files that differ between two snapshots, folders aside."""
        one, other = self.load(before), self.load(after)
        return [name for name, *_ in _differing(one, other)]

    def diff(self, before: str, after: str) -> str:
        """What differs between two snapshots, as a unified diff."""
        found = list(_differing(self.load(before), self.load(after)))
        blobs = {e.blob for _, *both in found for e in both if e and e.kind != LEFT_OUT}
        contents = dict(self._shadow.contents(sorted(blobs)))
        text = "".join(
            _file_diff(name, *(_text(entry, contents) for entry in both)) for name, *both in found
        )
        return text if len(text) <= DIFF else f"{text[:DIFF]}\n[cut off after {DIFF:,} characters]"

    def files(self, snapshot: str) -> Iterator[tuple[str, Entry, bytes]]:
        """Path, entry and content of each file that a snapshot keeps."""
        entries = self.load(snapshot).entries
        kept = {n: e for n, e in entries.items() if e.kind not in (FOLDER, LEFT_OUT)}
        contents = dict(self._shadow.contents(sorted({e.blob for e in kept.values()})))
        for name, entry in sorted(kept.items()):
            yield name, entry, contents[entry.blob] or b""


def _to_change(name: str, target: Scan, before: Scan) -> bool:
    there, wanted = before.entries.get(name), target.entries.get(name)
    # What git ignored when the snapshot was taken may have been there, too.
    return there != wanted and (wanted is not None or target.covers(name))


def _differing(one: Scan, other: Scan) -> Iterable[tuple[str, Entry | None, Entry | None]]:
    for name in sorted({*one.entries, *other.entries}):
        was, now = one.entries.get(name), other.entries.get(name)
        if was != now and FOLDER not in (was and was.kind, now and now.kind):
            yield name, was, now


def _text(entry: Entry | None, contents: dict[str, bytes | None]) -> list[str] | None:
    """The lines of a file; [] if it is not there, None if it has none that can be read."""
    if entry is None:
        return []
    try:
        lines = (contents.get(entry.blob) or b"\0").decode().splitlines()
    except UnicodeDecodeError:
        return None
    is_text = all(len(line) <= LINE and "\0" not in line for line in lines)
    return lines if is_text else None


def _file_diff(name: str, before: list[str] | None, after: list[str] | None) -> str:
    if before is None or after is None:
        return f"{name}: changed, not text\n"
    lines = difflib.unified_diff(before, after, f"a/{name}", f"b/{name}", lineterm="")
    return "".join(f"{line}\n" for line in lines) or f"{name}: its mode or emptiness changed\n"
