"""The execution backend, in its smallest form: where commands run and files live.

Two of them: this machine (tools/workspace/this_machine.py), and a Hugging Face sandbox
(tools/workspace/sandbox/machine.py). One suite holds both to the same
(tests/tools/workspace/test_conformance.py).
"""

import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Literal, Protocol

from core.durable import Caps, Scope
from core.run import Reach

#: What a command does now. unknown: no one can tell whether it ran to its end.
State = Literal["finished", "alive", "not begun", "unknown"]
#: Takes a line of progress.
Say = Callable[[str], None]


@dataclass(frozen=True)
class Entry:
    """A file or folder. kind: of what a link leads to; `other` is a device, a pipe, a broken link.
    modified: epoch seconds."""

    name: str
    kind: Literal["file", "folder", "other"]
    size: int
    modified: float


@dataclass(frozen=True)
class Meta:
    """What was asked. `timeout`: seconds from `started` (epoch); None: no limit. `sandbox`: what
    the command may reach, if it runs in a command sandbox."""

    command: str
    cwd: str
    timeout: float | None
    background: bool
    sandbox: dict[str, Any] | None = None
    started: float = field(default_factory=time.time)
    #: Looked up at each call: tests give machines other names.
    host: str = field(default_factory=lambda: socket.gethostname())


class RunningCommand(Protocol):
    """A command's directory, from which any later process can tell what became of it
    (core/store/runs.py). All methods but `wait` block: call them in a thread, or `quickly` where
    they are. ConnectionError where it cannot be told now."""

    #: Seconds between two looks: the first, and the longest.
    looks: tuple[float, float]
    #: Whether a look is at files of this machine, and takes no time.
    is_near: bool

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def output_path(self) -> PurePath: ...
    def exists(self) -> bool: ...
    def meta(self) -> Meta | None: ...
    def state(self) -> State: ...
    def exit_code(self) -> int | None: ...
    def ended(self) -> str | None: ...
    def sandbox_failed(self) -> bool: ...
    def kill(self, how: str) -> None: ...
    def read_output(self, limit: int) -> tuple[str, bool]: ...
    def read_new(self, offset: int, most: int = 65536) -> tuple[bytes, int]: ...
    async def wait(self, seconds: float) -> None:
        """So long at most; less if it is seen to end."""


class Search(Protocol):
    """One search with ripgrep's arguments. After the loop over `records`: `trouble`, what it
    complained of; `timed_out`."""

    trouble: str
    timed_out: bool

    def records(self) -> AsyncIterator[bytes]:
        """What it prints, record by record. Leaving the loop early ends it."""


@dataclass(frozen=True)
class CommandRequest:
    """A command to start.

    Attributes:
        cwd: where it runs. timeout: seconds; None: no limit.
        folder: the thread's working directory; empty: `cwd`.
        reach: what it may reach, on this machine. frozen: what it cannot change there.
        variables: what it gets besides the usual environment, on this machine.
    """

    line: str
    cwd: str
    timeout: float | None
    background: bool
    folder: str = ""
    reach: Reach = "network"
    frozen: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Quote:
    """What has to be paid before the first call can run there.

    Attributes:
        words: for the user who decides. price_micro_usd: of the first hour; None: not known.
        problem: why it is unavailable at all; "" where it can.
    """

    flavor: str
    words: str
    price_micro_usd: int | None
    problem: str = ""


@dataclass(frozen=True)
class Spending:
    """Whose money it is. allowed: the verdict on this call was about the price, too."""

    scope: Scope
    caps: Caps
    allowed: bool


class Backend(Protocol):
    """Where the local tools act. File methods take what `resolve` returned, and raise OSError as
    the system gives it."""

    #: In a few words, for the model; "" for this machine.
    about: str

    def folder(self, cwd: str) -> str:
        """The working directory there, for a thread that is at `cwd` here."""

    async def quote(self, say: Say) -> Quote | None:
        """What the next call has to pay for; None: nothing."""

    async def begin(self, say: Say, spending: Spending) -> str:
        """Before a call: make it ready, made if there is none. What the model has to know of
        that, or "". Raises ToolError: it is unavailable, or not for this money."""

    async def end(self) -> str:
        """Give back what costs money; what a user should know of that, or ""."""

    async def close(self) -> None:
        """Let go of connections; what costs money continues."""

    async def resolve(self, path: str, cwd: str) -> str:
        """`path` as an absolute path, `~`, `..` and links resolved as far as they exist."""

    async def stat(self, path: str) -> Entry: ...

    async def list(self, path: str) -> Sequence[Entry]:
        """A folder's entries, by name."""

    async def read(self, path: str) -> bytes:
        """A file's whole content."""

    async def write(self, path: str, content: bytes) -> None:
        """Put `content` in the file's place, atomically; its mode is kept, parents are made."""

    async def modified(self, paths: Sequence[str]) -> dict[str, float]:
        """When each file was changed, epoch seconds; without those that are gone."""

    def search(self, arguments: Sequence[str], cwd: str, separator: bytes = b"\n") -> Search:
        """A search in `cwd`, or in what is behind a last `--`. It names files by their whole
        path, or as seen from the folder that is searched."""

    async def prepare(self, thread: str, call_id: str) -> tuple[RunningCommand, dict[str, Any]]:
        """A command that may be started, and the note by which it is found again."""

    async def start(self, command: RunningCommand, request: CommandRequest) -> RunningCommand:
        """Start what was prepared. Raises OSError, ValueError, ToolError."""

    async def found(self, note: dict[str, Any]) -> RunningCommand | str:
        """The command of a note, or why it cannot be looked at from here."""

    async def commands(self, thread: str) -> Sequence[RunningCommand]:
        """The thread's commands, oldest first."""
