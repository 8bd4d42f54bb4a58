"""Secrets that stood in a conversation, known again when their variable is gone.

A user may type a key, and a `write` may hold one: the model needs those words as they are, so they
are stored. They are replaced when they are shown, and that has to hold when the variable is not
set any more, in another terminal or a month later. So a value that is replaced once leaves a keyed
digest in the state directory, by which it is recognised. Only values that stood in a text leave
one: whoever can read that directory can read the text. No one gets the value out of a digest
without guessing it.
"""

import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

KEY, DIGESTS = "secrets.key", "secrets.jsonl"
#: A digest of each place of a text would take minutes, so only whole runs of these are looked at.
_RUN = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True)
class _Seen:
    """name: of the variable. length: in characters. offset: where its longest run begins."""

    name: str
    length: int
    offset: int
    digest: str


class SeenSecrets:
    """The digests in one state directory. Made for a process; others may add to the file."""

    def __init__(self, folder: Path) -> None:
        self._key_file, self._file = folder / KEY, folder / DIGESTS
        self._key = b""
        self._state: tuple[int, int] | None = None
        self._by_run: dict[str, list[_Seen]] = {}
        self._lengths: set[int] = set()
        self._digests: set[str] = set()

    def remember(self, name: str, value: str) -> None:
        """Keep a digest of `value`. A directory that cannot be written keeps none."""
        run = max(_RUN.finditer(value), key=lambda found: len(found[0]), default=None)
        if run is None:
            return
        with suppress(OSError):
            self._load()
            self._key = self._key or self._make_key()
            digest = self._digest(value)
            if digest in self._digests:
                return
            row = [name, len(value), run.start(), len(run[0]), self._digest(run[0]), digest]
            descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(json.dumps(row).encode() + b"\n")
            self._take(row)

    def without(self, text: str) -> str:
        """`text` with `[secret NAME]` for each value that is recognised."""
        with suppress(OSError):
            self._load()
        if not self._by_run:
            return text
        found = sorted(self._places(text), key=lambda place: (place[0], -place[1]))
        parts, end = [], 0
        for start, stop, name in found:
            if start >= end:
                parts += [text[end:start], f"[secret {name}]"]
                end = stop
        return "".join([*parts, text[end:]])

    def _places(self, text: str) -> Iterator[tuple[int, int, str]]:
        for match in _RUN.finditer(text):
            # Behind an escape (`\n`, `%3D`) a run has a letter or two too many.
            before = text[match.start() - 1] if match.start() else ""
            extra = {"\\": 1, "%": 2}.get(before, 0)
            for skipped in {0, extra}:
                run, start = match[0][skipped:], match.start() + skipped
                if len(run) not in self._lengths:
                    continue
                for seen in self._by_run.get(self._digest(run), ()):
                    first = start - seen.offset
                    whole = text[first : first + seen.length] if first >= 0 else ""
                    if self._digest(whole) == seen.digest:
                        yield first, first + seen.length, seen.name

    def _digest(self, text: str) -> str:
        data = text.encode("utf-8", "surrogatepass")
        return blake2b(data, key=self._key, digest_size=16).hexdigest()

    def _load(self) -> None:
        """What the file has, if it changed. Raises OSError."""
        try:  # not `os.access`, which `langgraph dev` forbids on the event loop
            status = os.stat(self._file)
        except FileNotFoundError:
            return
        state = (status.st_mtime_ns, status.st_size)
        if state == self._state:
            return
        self._key = self._key_file.read_bytes()
        self._by_run, self._lengths, self._digests = {}, set(), set()
        for line in self._file.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError, TypeError):
                self._take(json.loads(line))
        self._state = state

    def _take(self, row: list[object]) -> None:
        name, length, offset, run_length, run, digest = row
        seen = _Seen(str(name), int(str(length)), int(str(offset)), str(digest))
        self._by_run.setdefault(str(run), []).append(seen)
        self._lengths.add(int(str(run_length)))
        self._digests.add(seen.digest)

    def _make_key(self) -> bytes:
        """The directory's key, made once whoever comes first. Raises OSError."""
        made = self._key_file.with_name(f"{KEY}.{secrets.token_hex(4)}")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(32))
            with suppress(FileExistsError):
                os.link(made, self._key_file)
        finally:
            os.unlink(made)
        return self._key_file.read_bytes()
