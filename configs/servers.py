"""MCP servers that a folder brings, as what is to be trusted: settings, and files they start."""

import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.folder_files import Unreadable, read_regular
from configs.real_path import real_path
from configs.trust import Answers, Item, digest_of
from configs.visible import visible

#: Bytes of a program's file that are compared; of a larger one size and time count.
LARGEST_PROGRAM = 20_000_000
#: Words of a server's settings that are looked for as files: more than any program takes.
MOST_WORDS = 200
#: A word that could name a module, for `python -m NAME`.
MODULE = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*")


@dataclass(frozen=True)
class Servers:
    """MCP servers of a folder's file: those that are trusted, and all as items."""

    trusted: dict[str, Any]
    items: tuple[Item, ...]


def trusted_servers(servers: Mapping[str, Any], folder: Path, answers: Answers) -> Servers:
    """Which servers of a folder's file count. An answer of an older version, about all servers
    together, counts for those of which nothing lies in the folder: it did not look at files."""
    trusted, items = {}, []
    old = answers.about_servers(servers)
    for name, server in servers.items():
        item = server_item(name, server, folder)
        if old is not None and answers.is_new(item) and not has_files(server, folder):
            answers.adopt(item, trusted=old)
        if answers.about(item):
            trusted[name] = _in_sandbox(server)
        items.append(item)
    return Servers(trusted, tuple(items))


def _in_sandbox(server: Any) -> Any:
    """A folder's program runs in the command sandbox, whatever the folder says of that."""
    return {**server, "sandbox": True} if isinstance(server, dict) else server


def server_item(name: str, server: Any, folder: Path) -> Item:
    """A server as it is in the folder's file. What it would run out of the folder is part of
    the digest: its program, and each file that its arguments name. What those load is not."""
    digest = digest_of({"server": server, "files": _digests(server, folder)})
    return Item(
        "MCP server", visible(name), (f"{visible(name)}: {described(server, folder)}",), digest
    )


def file_digests(words: Sequence[str], folder: Path) -> dict[str, str]:
    """By path, the digest of each file of the folder that the words of a command name."""
    return _digests({"command": words[0], "args": [*words[1:]]}, folder) if words else {}


def _digests(server: Any, folder: Path) -> dict[str, str]:
    return {visible(path): _content(path) for path in _files(server, folder)}


def has_files(server: Any, folder: Path) -> bool:
    """Whether it would run a file of the folder."""
    return any(True for _ in _files(server, folder))


def described(server: Any, folder: Path) -> str:
    """An unchecked server in a line, every character visible: its program or URL, where it runs,
    and what it sees."""
    if not isinstance(server, Mapping):
        return "not readable as a server"
    words = [server.get("command"), *_list(server.get("args"))] if server.get("command") else []
    parts = [visible(server.get("url") or " ".join(str(word) for word in words))]
    if server.get("cwd"):
        parts.append(f"in {visible(server['cwd'])}")
    program = _program(server, folder)
    if program and program != str(server.get("command")):
        parts.append(f"the program {visible(program)}")
    for kind, sign in (("env", "="), ("headers", ": ")):
        pairs = server.get(kind)
        if isinstance(pairs, Mapping) and pairs:
            known = ", ".join(visible(f"{key}{sign}{value}") for key, value in pairs.items())
            parts.append(f"{'variables' if kind == 'env' else 'headers'} {known}")
    rest = {k: v for k, v in server.items() if k not in SHOWN}
    if rest:
        parts.append(visible(json.dumps(rest, ensure_ascii=False)))
    return " · ".join(parts)


#: Keys of a server that `described` tells in words.
SHOWN = ("url", "command", "args", "cwd", "env", "headers", "transport")


def _files(server: Any, folder: Path) -> Iterator[Path]:
    """The files below `folder` that starting the server would run or hand over, each once."""
    if not isinstance(server, Mapping) or not server.get("command"):
        return
    inside = real_path(folder)
    home = os.path.join(inside, os.path.expanduser(str(server.get("cwd") or "")))
    words = [str(server["command"]), *(str(word) for word in _list(server.get("args")))]
    env = server.get("env")
    values = [str(value) for value in env.values()] if isinstance(env, Mapping) else []
    words += [part for value in values for part in value.split(os.pathsep)]
    words += [word.partition("=")[2] for word in words if "=" in word]
    program = _program(server, folder)
    words += [program] if program else []
    words = words[:MOST_WORDS]
    bases = [home, inside]
    bases += [os.path.join(home, word) for word in words if _is_folder(os.path.join(home, word))]
    seen = set()
    for base in list(dict.fromkeys(bases))[:10]:
        for word in (name for given in words for name in _names(given)):
            real = real_path(os.path.join(base, os.path.expanduser(word)))
            if real not in seen and Path(real).is_relative_to(inside) and _is_file(real):
                seen.add(real)
                yield Path(real)


def _names(word: str) -> Iterator[str]:
    """A word as a file's name, and as a module's."""
    if not word or "\0" in word or len(word) > 4096:
        return
    yield word
    if MODULE.fullmatch(word):
        path = word.replace(".", "/")
        yield from (f"{path}.py", f"{path}/__init__.py", f"{path}/__main__.py")


def _program(server: Mapping[str, Any], folder: Path) -> str:
    """Where a program without a slash is found."""
    command = server.get("command")
    if not isinstance(command, str) or os.sep in command or "\0" in command:
        return ""
    env = server.get("env")
    path = env.get("PATH") if isinstance(env, Mapping) else None
    found = shutil.which(command, path=str(path) if path else None)
    return os.path.join(folder, found) if found else ""


def _content(path: Path) -> str:
    try:
        return hashlib.sha256(read_regular(path, LARGEST_PROGRAM)).hexdigest()
    except (FileNotFoundError, Unreadable):
        status = os.stat(path)
        return f"{status.st_size} {status.st_mtime_ns}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False
