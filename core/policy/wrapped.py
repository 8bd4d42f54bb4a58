"""What a command runs in turn: `env X=1 rm`, `timeout 5 rm`, `find -exec rm`, `sh -c 'rm'`.

For rules that deny or ask. Rather one program too many than one too few: every word behind a
wrapper that could begin a command is taken as one that does.
"""

import os
import re
from collections.abc import Iterator

from core.policy.grammar import NotJudged, read_line
from core.policy.shell import Line, ShellCommand, Word, parsed

#: Programs that run another one that their arguments name.
WRAPPERS = {
    "builtin", "busybox", "chroot", "chrt", "command", "coproc", "doas", "env", "eval", "exec",
    "fd", "find", "flock", "gdb", "ionice", "ltrace", "nice", "nohup", "numactl", "parallel",
    "perf", "pkexec", "runuser", "script", "setarch", "setpriv", "setsid", "ssh", "stdbuf",
    "strace", "su", "sudo", "systemd-run", "taskset", "time", "timeout", "toybox", "unbuffer",
    "unshare", "uv", "uvx", "watch", "xargs",
}  # fmt: skip
SHELLS = {"sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "rbash"}
#: Wrappers that take a whole line as one word.
TAKE_LINES = {"env", "eval", "flock", "parallel", "script", "ssh", "su", "watch"}
#: How deep shells within shells are followed.
DEPTH = 4


def programs(line: Line, depth: int = DEPTH) -> Iterator[list[str]]:
    """The words of every command of `line`, and of every one that it wraps; names without their
    folders."""
    for command in line.commands:
        yield from _of(command, depth)


def _of(command: ShellCommand, depth: int) -> Iterator[list[str]]:
    words = command.texts
    if not words:
        return
    name = os.path.basename(words[0])
    yield [name, *words[1:]]
    if name in WRAPPERS:
        for start in range(1, len(words)):
            if not words[start].startswith("-"):
                inner = ShellCommand(command.words[start:])
                first = os.path.basename(words[start])
                yield [first, *words[start + 1 :]]
                if first in SHELLS:
                    yield from _script(inner, depth)
        if name in ("eval", "ssh", "su", "watch", "parallel", "script", "flock") and depth:
            yield from programs(parsed(" ".join(words[1:])), depth - 1)
        if name in TAKE_LINES and depth:
            for text in words[1:]:
                if " " in text:
                    yield from programs(parsed(text), depth - 1)
    if name in SHELLS:
        yield from _script(command, depth)


def _script(command: ShellCommand, depth: int) -> Iterator[list[str]]:
    """The commands of `sh -c '...'`."""
    if not depth:
        return
    for word in command.words[1:]:
        if word.static and not word.text.startswith("-"):
            yield from programs(parsed(word.text), depth - 1)


def inner_lines(line: Line, depth: int = DEPTH) -> Iterator[Line]:
    """The lines that a shell or another program is given as a word: `sh -c 'cat x > y'`."""
    for command in line.commands if depth else ():
        if not _takes_lines(command):
            continue
        for text in command.texts[1:]:
            if re.search(r"[\s<>]", text):
                inner = parsed(text)
                yield inner
                yield from inner_lines(inner, depth - 1)


def hides(line: Line) -> str:
    """Why what runs cannot be seen: a script from a pipe, or one that is made up on the way."""
    for command in line.commands:
        name = os.path.basename(command.texts[0]) if command.words else ""
        if name in SHELLS and not any(not w.text.startswith("-") for w in command.words[1:]):
            return f"{name} runs what it is given"
        if name in SHELLS and any(not word.static for word in command.words[1:]):
            return f"{name} runs what is not known before"
        if name in WRAPPERS and any(not word.static for word in command.words[1:]):
            return f"{name} runs what is not known before"
        if _takes_lines(command) and not all(map(_is_readable, command.words[1:])):
            return f"{name} runs a line that is not judged"
    return line.hidden


def _takes_lines(command: ShellCommand) -> bool:
    name = os.path.basename(command.words[0].text) if command.words else ""
    if name not in WRAPPERS and name not in SHELLS:
        return False
    return name in TAKE_LINES or any(os.path.basename(t) in SHELLS for t in command.texts)


def _is_readable(word: Word) -> bool:
    """Whether a word, taken as a line, is of the closed grammar."""
    if " " not in word.text:
        return True
    try:
        read_line(word.text)
    except NotJudged:
        return False
    return True
