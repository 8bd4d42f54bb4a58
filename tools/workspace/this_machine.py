"""This machine as an execution backend."""

import asyncio
import json
import os
import socket
import stat as modes
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from configs.folders import make_private_folder, small_file, write_atomically
from configs.settings import Settings
from core.backend import CommandRequest, Entry, Meta, Quote, RunningCommand, Say, Search, Spending
from core.credentials import hub_token
from core.policy.paths import resolved
from core.quick import Measured, quickly
from core.run import Reach
from core.secrets.child_environment import child_environment
from core.store import runs
from core.store.command_words import command_words
from core.store.files import no_links
from core.store.files.thread_files import Outputs
from tools.workspace.command_sandbox import STARTS, CommandPlace, CommandSandbox, Wrapped
from tools.workspace.command_sandbox.plan import Plan
from tools.workspace.ripgrep import LocalSearch

#: Of `child_tokens`, the one that commands get as a file (`hub_login`).
HUB_TOKEN = "HF_TOKEN"
#: Seconds that the start of a command may hold up the event loop.
LONGEST_START = 0.01
#: Seconds between two looks whether it has begun, and how many looks there are.
BETWEEN, LOOKS = 0.05, 200


class LocalBackend:
    """`Backend` here. What may take long is done in threads, a look at one file at once. File
    methods follow no link: they are given what `resolve` returned."""

    about = ""

    def __init__(self, settings: Settings, sandbox: CommandSandbox | None = None) -> None:
        self._settings = settings
        self._outputs = Outputs(settings.state_path())
        self._sandbox = sandbox or CommandSandbox(settings)
        self._starts = Measured(LONGEST_START)

    def folder(self, cwd: str) -> str:
        return cwd

    async def quote(self, say: Say) -> Quote | None:
        return None

    async def begin(self, say: Say, spending: Spending) -> str:
        return ""

    async def end(self) -> str:
        return ""

    async def close(self) -> None:
        """Nothing is held."""

    async def resolve(self, path: str, cwd: str) -> str:
        return await quickly(resolved, path, cwd)

    async def stat(self, path: str) -> Entry:
        return await quickly(_stat, path)

    async def list(self, path: str) -> Sequence[Entry]:
        return await asyncio.to_thread(_entries, path)

    async def read(self, path: str) -> bytes:
        return await asyncio.to_thread(no_links.read_file, path)

    async def write(self, path: str, content: bytes) -> None:
        await asyncio.to_thread(no_links.replace_file, path, content)

    async def modified(self, paths: Sequence[str]) -> dict[str, float]:
        return await asyncio.to_thread(_modified, paths)

    def search(self, arguments: Sequence[str], cwd: str, separator: bytes = b"\n") -> Search:
        return LocalSearch(arguments, cwd, separator)

    async def prepare(self, thread: str, call_id: str) -> tuple[RunningCommand, dict[str, Any]]:
        folder = self._outputs.run(thread, call_id)
        # Before the note that tells of it: where a later process does not find it, it looks on
        # another machine, or under another home.
        await quickly(make_private_folder, folder)
        return runs.Run(folder), {"run": str(folder), "host": socket.gethostname()}

    async def start(self, command: RunningCommand, request: CommandRequest) -> RunningCommand:
        assert isinstance(command, runs.Run)
        run, cwd = command, request.cwd

        failed: Plan | None = None

        def begin() -> tuple[runs.Run, Wrapped]:
            theirs, login = _credentials(self._settings, request.reach)
            wrapped = self._sandbox.wrap(
                command_words(run.folder, request.line),
                CommandPlace(request.folder or cwd, cwd, request.reach, request.frozen),
                shown=[*self._outputs.shown(run.folder), *login],
                failed=failed,
            )
            with closing(wrapped):
                meta = Meta(request.line, cwd, request.timeout, request.background, wrapped.about)
                started = runs.start(
                    run.folder,
                    meta,
                    {**wrapped.environment, **theirs, **request.variables},
                    argv=wrapped.argv,
                    descriptors=tuple(wrapped.descriptors.values()),
                )
            return started, wrapped

        for left in reversed(range(STARTS)):
            try:
                started, wrapped = await self._starts.run(begin)
            except FileNotFoundError:
                if not left:
                    raise
                continue
            has_begun = await _is_in_sandbox(started)
            await quickly(wrapped.clear)
            if has_begun or not await quickly(started.sandbox_failed):
                break
            failed = wrapped.plan
        return started

    async def found(self, note: dict[str, Any]) -> RunningCommand | str:
        if "sandbox" in note:
            return f"It was begun in the sandbox {note['sandbox']}, and this thread left it"
        run = runs.Run(Path(note["run"]))
        if note["host"] == socket.gethostname() and await quickly(run.exists):
            return run
        return (
            f"It was begun on {note['host']}, in {run.folder}, which is not here, and may still "
            "run there"
        )

    async def commands(self, thread: str) -> Sequence[RunningCommand]:
        return await asyncio.to_thread(runs.runs_of, self._outputs.runs(thread))


async def _is_in_sandbox(run: runs.Run) -> bool:
    """Wait until the command has begun, or has ended; False: it has ended. Only what is mounted may
    go away, so other kinds of sandbox are not waited for."""
    meta = run.meta()
    if meta is None or not meta.sandbox or meta.sandbox.get("by") != "bubblewrap":
        return True
    for _ in range(LOOKS):
        await run.wait(BETWEEN)
        if run.state() != "alive":
            return False
        if await quickly(_has_begun, f"{run.folder}/sandbox"):
            return True
    return True


def _has_begun(status: str) -> bool:
    """Whether bubblewrap's process in the sandbox has started the command, as it does once all is
    mounted. On a kernel that does not list children: yes."""
    try:
        process = json.loads(small_file(status).splitlines()[0])["child-pid"]
    except (OSError, ValueError, LookupError):
        return False
    try:
        return bool(small_file(f"/proc/{process}/task/{process}/children"))
    except OSError:
        return os.path.exists(f"/proc/{process}")


def _credentials(settings: Settings, reach: Reach) -> tuple[dict[str, str], list[str]]:
    """A command's environment, and the file with its Hub token. Without the network a command has
    no use for a credential."""
    also = settings.child_environment
    if reach not in ("network", "outside"):
        return child_environment((), also=also), []
    tokens = [name for name in settings.child_tokens if name != HUB_TOKEN]
    environment = child_environment(tokens, also=also)
    login = HUB_TOKEN in settings.child_tokens and hub_login(settings.state_path())
    if not login:
        return environment, []
    return {**environment, "HF_TOKEN_PATH": str(login)}, [str(login)]


def hub_login(state: Path) -> Path | None:
    """The file with the token that ML Agent itself uses; None if the user is not logged in.

    A variable is inherited by every program that a command starts, and `env`, crash reports and
    logs print it. So a command gets `HF_TOKEN_PATH`, the path of a file that only the user can
    read; the sandbox shows that file and hides the user's own login. Raises OSError.
    """
    token, file = hub_token(), f"{state}/login/token"
    if not token:
        with suppress(FileNotFoundError):
            os.unlink(file)
        return None
    with suppress(FileNotFoundError):
        if small_file(file) == token:
            return Path(file)
    write_atomically(file, token)
    return Path(file)


def _stat(path: str) -> Entry:
    return _entry(os.path.basename(path), no_links.status_of(path), 0)


def _entry(name: str, status: os.stat_result, led_to: int) -> Entry:
    """`led_to`: of a link, the mode of what it leads to; 0: nowhere."""
    mode = led_to if modes.S_ISLNK(status.st_mode) else status.st_mode
    kind = "folder" if modes.S_ISDIR(mode) else "file" if modes.S_ISREG(mode) else "other"
    return Entry(name, kind, status.st_size, status.st_mtime)  # type: ignore[arg-type]


def _entries(path: str) -> list[Entry]:
    found = []
    with no_links.opened_folder(path) as folder:
        for name in sorted(no_links.list_folder(path)):
            try:
                status, led_to = os.lstat(name, dir_fd=folder), 0
                with suppress(OSError):
                    led_to = os.stat(name, dir_fd=folder).st_mode
                found.append(_entry(name, status, led_to))
            except OSError:
                found.append(Entry(name, "other", 0, 0.0))
    return found


def _modified(paths: Sequence[str]) -> dict[str, float]:
    found = {}
    for path in paths:
        try:
            found[path] = os.lstat(path).st_mtime
        except OSError:
            continue
    return found
