"""The check of a goal: which files judge, whether they are unchanged, and what it says, once.

A check runs as a call does: it leaves its note in the journal before it begins, so that a process
that comes after a kill finds the run, waits for it or takes its verdict, and does not check twice.
"""

import asyncio
import hashlib
import posixpath
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import Any

from core.backend import Backend, CommandRequest, Entry
from core.errors import UsageError
from core.policy.paths import inside
from core.policy.shell import parsed
from core.policy.wrapped import inner_lines
from core.tool import Services
from tools.wait.check import Checked, follow_check, remove_run

#: The name under which checks are in the journal.
GOAL = "goal"
#: What a program's text is called, if no `#!` says so.
SOURCES = (".py", ".sh", ".bash", ".r", ".jl", ".js", ".mjs", ".ts", ".pl", ".rb", ".lua", ".ipynb")
#: Files below a protected folder, at most.
MOST_FILES = 2_000


async def scripts_of(command: str, services: Services, cwd: str) -> list[str]:
    """The files of the folder that a check runs: programs that it names. Data is not among them:
    to change it is the work."""
    backend, found = services.backend, []
    home = await backend.resolve(".", cwd)
    line = parsed(command)
    for words in [c.texts for one in (line, *inner_lines(line)) for c in one.commands]:
        for number, word in enumerate(words):
            module = number > 0 and words[number - 1] == "-m"
            name = f"{word.replace('.', '/')}.py" if module else word.partition("::")[0]
            path = await backend.resolve(name, cwd)
            entry = await _entry(backend, path) if inside(path, home) else None
            if entry is None or entry.kind != "file":
                continue
            is_program = (number == 0 and "/" in word) or name.lower().endswith(SOURCES)
            if is_program or (await backend.read(path))[:2] == b"#!":
                found.append(path)
    return list(dict.fromkeys(found))


async def named_files(names: Sequence[str], services: Services, cwd: str) -> list[str]:
    """Files and folders that no turn may change. Raises UsageError: not there."""
    found = [await services.backend.resolve(name, cwd) for name in names]
    for name, path in zip(names, found, strict=True):
        if await _entry(services.backend, path) is None:
            raise UsageError(f"Cannot protect {name}: there is no such file.", "create it first")
    return found


async def hashes_of(paths: Sequence[str], services: Services) -> dict[str, str]:
    """By path, the hash of what is there; "": nothing, or nothing that can be read."""
    return {path: await _hash(services.backend, path) for path in paths}


async def _hash(backend: Backend, path: str) -> str:
    digest = hashlib.sha256()
    try:
        entry = await _entry(backend, path)
        if entry is None:
            return ""
        files = [path] if entry.kind == "file" else [f async for f in _below(backend, path)]
        for file in files:
            digest.update(f"{file}\0".encode() + hashlib.sha256(await backend.read(file)).digest())
    except OSError:
        return ""
    return digest.hexdigest()


async def _below(backend: Backend, folder: str) -> AsyncIterator[str]:
    """Files below a folder, without what programs keep there by themselves."""
    waiting, count = [folder], 0
    while waiting:
        place = waiting.pop()
        for entry in await backend.list(place):
            path = posixpath.join(place, entry.name)
            if entry.kind == "folder" and not entry.name.startswith((".", "__pycache__")):
                waiting.append(path)
            elif entry.kind == "file" and count < MOST_FILES:
                count += 1
                yield path


async def _entry(backend: Backend, path: str) -> Entry | None:
    try:
        return await backend.stat(path)
    except OSError:
        return None


async def check_once(
    services: Services, thread: str, call_id: str, request: CommandRequest
) -> Checked:
    """The verdict of the check `call_id`: what an earlier process began is followed, not begun
    again. Raises ToolError, OSError."""
    journal, backend = services.journal, services.backend
    row = await journal.begin(thread, call_id, GOAL)
    if row is not None and row.result is not None:
        return Checked(**row.result)
    found = await backend.found(row.note) if row is not None and row.note is not None else ""
    if isinstance(found, str) or await asyncio.to_thread(found.state) not in ("alive", "finished"):
        command, note = await backend.prepare(thread, call_id)
        await journal.note(thread, call_id, note)
        found = await backend.start(command, request)
    checked = await follow_check(found, request.timeout or 0.0)
    await journal.finish(thread, call_id, asdict(checked))
    return checked


async def forget_check(services: Services, thread: str, call_id: str) -> None:
    """The verdict is on disk elsewhere: remove what the check left."""
    row = await services.journal.row(thread, call_id)
    await services.journal.drop_results(thread, [call_id])
    note: dict[str, Any] = (row.note if row is not None else None) or {}
    await remove_run(note)
