"""What speaks against a shell line: rules that deny or ask, secret files, protected places.

The line's commands are found by tree-sitter, wrapped ones included (`wrapped.py`). Rather one
program or place too many than one too few.
"""

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property

from configs.real_path import real_path
from core.policy.grammar import ShellCommand
from core.policy.paths import inside, is_frozen, resolved
from core.policy.places import exists, folders_of, places_of, protected_place, secret_place
from core.policy.programs import RUN_NOTHING
from core.policy.rules import Rule
from core.policy.shell import Line
from core.policy.unasked import reads_only
from core.policy.wrapped import inner_lines, programs

#: What cannot be a part of a program's name ends a token: `os.system("git push")` has `git`.
TOKEN = re.compile(r"[A-Za-z0-9_.+-]+")


def fitting_rule(line: Line, rules: Iterable[Rule]) -> Rule | None:
    """The first of `rules` that a command of the line fits, wrapped ones included."""
    wanted = [rule for rule in rules if rule.tool == "bash"]
    if not wanted:
        return None
    found = list(programs(line))
    return next((r for r in wanted if not r.words or any(map(r.fits_words, found))), None)


def possible_rule(
    commands: Sequence[ShellCommand], rules: Iterable[Rule], folder: str
) -> Rule | None:
    """The first of `rules` whose program the line may run in a form that `fitting_rule` does not
    find: its name is in a word, and the command is not known to be another one."""
    wanted = [rule for rule in rules if rule.tool == "bash"]
    folders = folders_of((command.words for command in commands), folder) if wanted else []
    return next((r for r in wanted if any(_may_run(r, c, folders) for c in commands)), None)


def _may_run(rule: Rule, command: ShellCommand, folders: Sequence[str]) -> bool:
    if not rule.words:
        return True
    program, *rest = (word.lower() for word in rule.words)
    tokens = list(_tokens(command.words[1:]))
    if any(fnmatchcase(name, program) for name in _names(command.words[0], folders)):
        # `git -C . push`: what the rule says stands somewhere among the words.
        needed = [word for word in rest if word != "*"]
        return all(any(fnmatchcase(t, word) for t in tokens) for word in needed)
    if command.words[0] in RUN_NOTHING or reads_only(command):
        return False
    return any(fnmatchcase(token, program) for token in tokens)


def _names(name: str, folders: Sequence[str]) -> set[str]:
    """What the command may be called: its name, and the name of the file where it leads."""
    if "/" in name:
        found = [resolved(name, folder) for folder in folders]
    else:
        found = [real_path(shutil.which(name) or name)]
    return {os.path.basename(form).lower() for form in (name, *found)}


def _tokens(words: Iterable[str]) -> Iterator[str]:
    """The parts of words that may be a program or its argument, `-Sgit` with and without its
    option."""
    for word in (word.lower() for word in words):
        yield word
        for token in TOKEN.findall(word):
            yield token
            if token.startswith("-") and not token.startswith("--"):
                yield token[2:]


@dataclass(frozen=True)
class Named:
    """What a line names: targets it writes to, words that may be places, folders it may be in."""

    writes: tuple[str, ...]
    words: tuple[str, ...]
    folders: tuple[str, ...]

    @cached_property
    def places(self) -> list[str]:
        """What `places_of` finds, each once."""
        return list(dict.fromkeys(places_of(self.words)))


def named_by(line: Line, closed: Sequence[ShellCommand], folder: str) -> Named:
    """By both readings of the line (tree-sitter's takes `head > a b` as two targets), and of the
    lines within it."""
    lines = [line, *inner_lines(line)]
    commands: list[Sequence[str]] = [c.texts for one in lines for c in one.commands]
    commands += [command.words for command in closed]
    redirects = [redirect for command in closed for redirect in command.redirects]
    writes = [word.text for one in lines for word in one.writes]
    writes += [r.target for r in redirects if r.operator != "<" and r.target != "/dev/null"]
    words = [word for command in commands for word in command[1:]]
    words += [word.text for one in lines for word in one.reads]
    words += [r.target for r in redirects if r.operator == "<"]
    return Named(tuple(writes), tuple(words), tuple(folders_of(commands, folder)))


def secret(named: Named) -> str | None:
    """The first file known to hold credentials that the line writes to, or names and that is
    there: `jq .key` names none."""
    for target in named.writes:
        if any(secret_place(target, folder) for folder in named.folders):
            return target
    for place in named.places:
        # Most words name nothing that is there, and that takes the least time to see.
        if any(exists(place, f) and secret_place(place, f) for f in named.folders):
            return place
    return None


def protected(named: Named, state: str, *, only_redirects: bool) -> str | None:
    """The first place that governs ml-agent or runs later, and that the line writes to, or names
    at all."""
    places = list(named.writes)
    if not only_redirects:
        places += named.places
    return next(
        (p for p in places if any(protected_place(p, f, state) for f in named.folders)), None
    )


def written(named: Named, frozen: Sequence[str]) -> str | None:
    """The first place that judges the work, and that the line writes to. The sandbox keeps what no
    redirection names."""
    if not frozen:
        return None
    targets = ((p, resolved(p, folder)) for p in named.writes for folder in named.folders)
    return next((name for name, path in targets if is_frozen(path, frozen)), None)


def written_outside(named: Named, home: str) -> str | None:
    """The first place outside of `home` that the line writes to; devices aside."""
    targets = ((p, resolved(p, folder)) for p in named.writes for folder in named.folders)
    outside = ((p, path) for p, path in targets if not inside(path, home))
    return next((name for name, path in outside if not inside(path, "/dev")), None)
