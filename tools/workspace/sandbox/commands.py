"""A command in a sandbox: the run directory of core/store/runs.py, seen through the sandbox's
file and command calls. The command continues without us, and is found again by its directory.

There is no lock to see whether it lives, as in core/store/runs.py: a sandbox has one kernel and
no restarts, so its pid says that.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeVar

from core.backend import CommandRequest, Meta, State
from core.secrets.child_environment import QUIET
from core.store.command_words import LONGEST_ARGUMENT
from core.store.output import as_seen, bounded
from core.store.runs import RunFolder

if TYPE_CHECKING:
    from huggingface_hub import Sandbox

T = TypeVar("T")

#: $1 directory, $2 command; see WRAPPER in core/store/runs.py.
WRAPPER = """
exec >"$1/output" 2>&1 </dev/null
echo $$ >"$1/pid" || exit 125
trap : HUP INT TERM
exec 3>&2 2>/dev/null
shell=$(command -v bash || echo /bin/sh)
(exec "$shell" -c "$2" "$shell" 2>&3 3>&-)
code=$?
[ -e "$1/ended" ] && kill -s KILL -- "-$$"
echo $code >"$1/exit"
"""

#: Lines: whether the directory is there, whether the wrapper lives, has begun, its exit code, how
#: we ended it, bytes of output. Asked in this order: one that is gone has written its exit before.
PROBE = """
cd "$1" 2>/dev/null || { echo gone; exit 0; }
lives=no; begun=no
if [ -s pid ]; then
  begun=yes; p=$(cat pid)
  kill -0 "$p" 2>/dev/null && lives=yes
  case $(cat "/proc/$p/stat" 2>/dev/null) in *") Z "*) lives=no;; esac
fi
echo here; echo $lives; echo $begun
echo "$(cat exit 2>/dev/null)"
echo "$(cat ended 2>/dev/null)"
if [ -e output ]; then wc -c <output; else echo 0; fi
"""

#: $1 directory, $2 how. Ends the whole process group, first kindly.
KILL = """
cd "$1" || exit 0
printf %s "$2" >ended; p=$(cat pid) || exit 0
kill -s TERM -- "-$p" 2>/dev/null || kill -s TERM "$p" 2>/dev/null
i=0
while [ ! -e exit ] && kill -0 "$p" 2>/dev/null && [ $i -lt 8 ]; do
  case $(cat "/proc/$p/stat" 2>/dev/null) in *") Z "*) break;; esac
  sleep 0.05; i=$((i+1))
done
kill -s KILL -- "-$p" 2>/dev/null || kill -s KILL "$p" 2>/dev/null
exit 0
"""

#: $1 directory. The output without what bars overwrote, in `seen`; prints its bytes.
COLLAPSE = """
cd "$1" && cr=$(printf '\\r') && sed -e "s/$cr*\\$//" -e "s/.*$cr//" output >seen && wc -c <seen
"""

#: Attempts of a look, and seconds between them: a lost connection is not an end of a command.
ATTEMPTS, PAUSE = 4, 1.0


@dataclass(frozen=True)
class _Seen:
    here: bool
    lives: bool = False
    begun: bool = False
    code: int | None = None
    ended: str | None = None
    size: int = 0


class SandboxRun(RunFolder[PurePosixPath]):
    """`core.backend.RunningCommand` in a sandbox."""

    looks = (0.05, 1.0)
    is_near = False

    def __init__(self, sandbox: Sandbox, folder: PurePosixPath) -> None:
        super().__init__(folder)
        self._sandbox = sandbox
        self._last: _Seen | None = None

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def start(self, request: CommandRequest) -> None:
        """Blocks; raises what the library raises."""
        line, cwd = request.line, request.cwd
        meta = Meta(line, cwd, request.timeout, request.background, host=self._sandbox.id)
        self._sandbox.files.write(f"{self.folder}/meta.json", json.dumps(asdict(meta)))
        if len(line.encode()) >= LONGEST_ARGUMENT:
            self._sandbox.files.write(f"{self.folder}/command", line)
            line = f'exec "$0" {shlex.quote(f"{self.folder}/command")}'
        argv = ["/bin/sh", "-c", WRAPPER, "ml-agent-run", str(self.folder), line]
        self._sandbox.run(argv, cwd=cwd, env=dict(QUIET), background=True)

    def exists(self) -> bool:
        return self._look().here

    def meta(self) -> Meta | None:
        try:
            return Meta(**json.loads(self._read("meta.json")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def state(self) -> State:
        seen = self._look()
        if not seen.here:
            return "unknown"
        if seen.code is not None:
            return "finished"
        if seen.lives:
            return "alive"
        if seen.ended is not None:
            return "finished"
        return "unknown" if seen.begun else "not begun"

    def exit_code(self) -> int | None:
        return (self._last or self._look()).code

    def ended(self) -> str | None:
        return (self._last or self._look()).ended

    def sandbox_failed(self) -> bool:
        """There is no other sandbox inside this one."""
        return False

    def kill(self, how: str) -> None:
        if self.state() != "alive":
            return
        argv = ["/bin/sh", "-c", KILL, "ml-agent-kill", str(self.folder), how]
        self._patiently(lambda: self._sandbox.run(argv, check=False, timeout=30))
        deadline = time.monotonic() + 5
        while self.state() == "alive" and time.monotonic() < deadline:
            time.sleep(0.1)

    def read_output(self, limit: int) -> tuple[str, bool]:
        size = self._look().size
        if size <= limit:
            seen = as_seen(self._range(0, size))
            return bounded(seen, b"", len(seen), limit, self.output_path)
        # Bars are collapsed there: what they overwrote is most of what a training prints.
        argv = ["/bin/sh", "-c", COLLAPSE, "ml-agent-seen", str(self.folder)]
        told = self._patiently(lambda: self._sandbox.run(argv, check=False, timeout=120)).stdout
        size, name = (int(told), "seen") if told.strip().isdigit() else (size, "output")
        head, tail = self._range(0, min(limit, size), name), b""
        if size > limit:
            tail = self._range(size - limit // 2, limit // 2, name)
        return bounded(head, tail, size, limit, self.output_path)

    def read_new(self, offset: int, most: int = 65536) -> tuple[bytes, int]:
        size = (self._last or self._look()).size
        start = max(offset, size - most)
        return self._range(start, size - start), size

    def _look(self) -> _Seen:
        argv = ["/bin/sh", "-c", PROBE, "ml-agent-look", str(self.folder)]
        told = self._patiently(lambda: self._sandbox.run(argv, check=False, timeout=30)).stdout
        lines = told.split("\n")
        if lines[0] != "here" or len(lines) < 6:
            self._last = _Seen(False)
        else:
            lives, begun, code, ended, size = lines[1:6]
            self._last = _Seen(
                True,
                lives == "yes",
                begun == "yes",
                int(code) if code.strip().isdigit() else None,
                ended or None,
                int(size.strip() or 0),
            )
        return self._last

    def _read(self, name: str) -> bytes:
        return self._patiently(lambda: self._sandbox.files.read(f"{self.folder}/{name}"))

    def _range(self, offset: int, length: int, name: str = "output") -> bytes:
        if length <= 0:
            return b""
        path = str(self.folder / name)
        return self._patiently(lambda: self._sandbox.files._read_range(path, offset, length))

    def _patiently(self, work: Callable[[], T]) -> T:
        """Raises FileNotFoundError, ConnectionError."""
        from httpx2 import HTTPError
        from huggingface_hub.errors import SandboxError

        for attempt in range(1, ATTEMPTS + 1):
            try:
                return work()
            except (SandboxError, HTTPError) as error:
                if getattr(error, "status_code", None) == 404 and attempt > 1:
                    raise FileNotFoundError(str(error)) from None
                if attempt == ATTEMPTS:
                    said = f"the sandbox {self._sandbox.id} does not answer: {error}"
                    raise ConnectionError(said) from error
            time.sleep(0.05 if attempt == 1 else PAUSE)
        raise AssertionError("the last attempt returns or raises")
