"""Run directories: what a command leaves on disk, so that any later process can tell what
became of it.

A command runs under a tiny shell wrapper, in its own process group. The directory holds
`meta.json` (what was asked), `pid` (it has begun), `output`, and `exit` (its code) or `ended` (why
we end it, written before the first signal). The wrapper's standard input IS `meta.json`, which is
locked before the wrapper starts: the lock lives exactly as long as the wrapper does, even when our
own process dies between starting it and continuing. So the state can always be decided:

    no directory       on another machine: no one here can tell
    exit               finished
    lock held          alive: follow it, wait for it
    ended              finished: we killed it
    no pid             never begun: running it is safe
    otherwise          killed half-way: no one can tell what it did

Signals go out only while the lock is held: then the pid is the wrapper's own. The wrapper
outlives a SIGTERM to its group, so that it can still reach, and kill, what ignored that.
"""

import asyncio
import fcntl
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from io import FileIO
from pathlib import Path, PurePath
from typing import Generic, TypeVar

from configs.folders import make_private_folder, small_file
from core.backend import Meta, State
from core.store import output
from core.store.command_words import command_words
from core.store.run_files import exit_code_in, is_held, meta_in, new_meta, new_output
from core.store.run_sandbox import kept_sandbox, sandbox_of

P = TypeVar("P", bound=PurePath)

#: $1 directory, then the command's words. Standard input is the lock; the command gets none. The
#: command does not inherit the trap. `kill 0` is the wrapper's group, whatever pids are reused.
#: What the wrapper itself has to say ("Terminated") is no output of the command. Descriptor 4 takes
#: what the program that makes the command's sandbox says of it (tools/workspace/command_sandbox).
WRAPPER = """
echo $$ >"$1/pid" || exit 125
run=$1; shift
trap : HUP INT TERM
exec 3>&2 2>/dev/null
(exec "$@" </dev/null 2>&3 3>&- {status})
code=$?
[ -e "$run/ended" ] && kill -KILL 0
echo $code >"$run/exit"
"""
STATUS = '4>"$run/sandbox"'

#: What an earlier start of a command may have left.
LEFT = frozenset(("pid", "exit", "sandbox", "lock"))

#: Bytes of output that a result shows; the rest stays in the run directory.
SHOWN = 28_000

#: Seconds between asking a command to end and killing it.
GRACE = 0.4


class RunFolder(Generic[P]):
    """The directory of a command, wherever that is."""

    def __init__(self, folder: P) -> None:
        self.folder = folder

    @property
    def id(self) -> str:
        """What a user or model calls it: the front of the call's id."""
        return self.folder.name.removeprefix("call_")[:8]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def output_path(self) -> P:
        return self.folder / "output"


class Run(RunFolder[Path]):
    """A command's directory; made by `start`, found again by `Run(folder)`."""

    #: Seconds between two looks at a running command, for its output.
    looks = (0.05, 0.1)
    is_near = True

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._place = os.fspath(folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._meta: Meta | None = None
        self._code: int | None = None

    def exists(self) -> bool:
        return os.path.isdir(self._place)

    def meta(self) -> Meta | None:
        """What was asked; None where the directory was left before that was written."""
        if self._meta is None and (meta := meta_in(self._place)) is not None:
            self._meta = replace(meta, sandbox=sandbox_of(self.folder, meta.sandbox))
        return self._meta

    async def wait(self, seconds: float) -> None:
        """So long at most; less if it ends, where this process has started it."""
        if self._process is None or not hasattr(os, "pidfd_open"):
            return await asyncio.sleep(seconds)
        if self._reaped() is not None:
            return None
        try:
            # It is no other process's number: a child keeps its own until it is reaped.
            process = os.pidfd_open(self._process.pid)
        except OSError:  # no such call (Linux before 5.3, gVisor), or too many open files
            return await asyncio.sleep(seconds)
        loop = asyncio.get_running_loop()
        over = loop.create_future()
        timer = loop.call_later(seconds, _settle, over)
        try:
            loop.add_reader(process, _settle, over)
            await over
        finally:
            timer.cancel()
            loop.remove_reader(process)
            os.close(process)

    def state(self) -> State:
        if self._process is not None and self._reaped() is None:
            return "alive"
        meta = self.meta()
        if meta is None:
            return "not begun" if self.exists() else "unknown"
        # Asked in this order: a wrapper that let go of the lock has written its exit before.
        held = self._process is None and is_held(self._place)
        if self.exit_code() is not None:
            return "finished"
        if meta.host != socket.gethostname():
            return "unknown" if self.ended() is None else "finished"
        if held:
            return "alive"
        if self.ended() is not None:
            return "finished"
        return "unknown" if os.path.exists(f"{self._place}/pid") else "not begun"

    def exit_code(self) -> int | None:
        """The command's exit code; None while it runs or where it was killed."""
        if self._code is None:  # it is written once
            self._code = exit_code_in(self._place)
        return self._code

    def ended(self) -> str | None:
        """How we ended it ("timeout", "interrupted", "killed"); None if we did not."""
        try:
            return small_file(f"{self._place}/ended")
        except OSError:
            return None

    def sandbox_failed(self) -> bool:
        """Whether the command ended before it began: its sandbox could not be made, and the output
        says why."""
        meta, code = self.meta(), self.exit_code()
        if meta is None or not (meta.sandbox and meta.sandbox.get("says_started")):
            return False
        if not code or code > 128:
            return False
        try:
            return "exit-code" not in small_file(f"{self._place}/sandbox")
        except OSError:
            return True

    def kill(self, how: str) -> None:
        """End the command with everything in its process group, and write how; nothing where
        it does not run any more. Blocks for at most GRACE seconds twice."""
        if self.state() != "alive":
            return
        (self.folder / "ended").write_text(how)
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._signal(number)
            deadline = time.monotonic() + GRACE
            while time.monotonic() < deadline and self.state() == "alive":
                time.sleep(0.01)
            if self.state() != "alive":
                break

    def read_output(self, limit: int) -> tuple[str, bool]:
        """What a terminal shows of the output: see core/store/output.py."""
        path = f"{self._place}/output"
        try:
            # Read in large pieces: a buffer would only add to that.
            with FileIO(path) as file:
                return output.read(file, limit, path)
        except FileNotFoundError:
            return "", False

    def read_new(self, offset: int, most: int = 65536) -> tuple[bytes, int]:
        """(bytes written since `offset`, the next offset); of a flood only the newest."""
        try:
            with FileIO(f"{self._place}/output") as file:
                size = os.fstat(file.fileno()).st_size
                start = max(offset, size - most)
                # No more than to `size`: what comes meanwhile would be read twice.
                return os.pread(file.fileno(), max(size - start, 0), start), size
        except FileNotFoundError:
            return b"", offset

    def _signal(self, number: signal.Signals) -> None:
        try:
            group = self._process.pid if self._process else int((self.folder / "pid").read_text())
            os.killpg(group, number)
        except (OSError, ValueError):
            pass  # it ended by itself meanwhile

    def _reaped(self) -> int | None:
        return self._process.poll() if self._process else None


def _settle(over: "asyncio.Future[None]") -> None:
    if not over.done():
        over.set_result(None)


def start(
    folder: Path,
    meta: Meta,
    env: Mapping[str, str],
    *,
    argv: Sequence[str] = (),
    descriptors: Sequence[int] = (),
) -> Run:
    """Start the command of `meta` in a new directory `folder`. Raises OSError (a `cwd` that is not
    there, no shell). `argv`: the words that run it in its sandbox, which gets `descriptors`."""
    run = Run(folder)
    place, run._meta = run._place, meta
    try:
        # What a sandbox that could not be made left. Without `pid` it counts as never begun.
        for name in LEFT.intersection(os.listdir(place)):
            os.unlink(f"{place}/{name}")
    except FileNotFoundError:
        make_private_folder(folder)
    wrapper = WRAPPER.format(status=STATUS if meta.sandbox else "")
    words = argv or command_words(folder, meta.command)
    asked = json.dumps({**vars(meta), "sandbox": kept_sandbox(folder, meta.sandbox)})
    opened = [new_meta(place, asked)]
    try:
        fcntl.flock(opened[0], fcntl.LOCK_EX)
        opened.append(new_output(place))
        run._process = subprocess.Popen(
            ["/bin/sh", "-c", wrapper, "ml-agent-run", place, *words],
            stdin=opened[0],
            stdout=opened[1],
            stderr=subprocess.STDOUT,
            cwd=meta.cwd,
            env=dict(env),
            start_new_session=True,
            pass_fds=descriptors,
        )
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return run


def remove_told(folders: Iterable[Path]) -> None:
    """Remove the directories of commands that have ended, if their results say all that is in them.
    These must be on disk: from then on, no process asks what became of the commands."""
    for folder in folders:
        place = os.fspath(folder)
        meta = meta_in(place)
        if meta is None or meta.background or exit_code_in(place) is None:
            continue
        with suppress(OSError):
            if os.stat(f"{place}/output").st_size <= SHOWN:
                # First: what a kill leaves of the directory then counts as no command.
                os.unlink(f"{place}/meta.json")
                for name in os.listdir(place):
                    os.unlink(f"{place}/{name}")
                os.rmdir(place)


def runs_of(folder: Path) -> list[Run]:
    """The runs below a thread's `runs` folder, oldest first."""
    if not folder.is_dir():
        return []
    found = [(m.started, Run(p)) for p in folder.iterdir() if (m := Run(p).meta()) is not None]
    return [run for _, run in sorted(found, key=lambda pair: pair[0])]
