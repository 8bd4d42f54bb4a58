"""Rules: `bash(git status *)`, `write(src/**)`, `hf_jobs(run *)`, `ask_user`.

A rule is a tool's name, with or without a pattern in brackets. Patterns are held word by word: a
word of the pattern may have `*` and `?`; a last word `*` is for any words, or none. For tools
with a path the pattern is a path, `**` for any folders.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache, lru_cache

from configs.layers import shipped_permissions
from configs.settings import Permissions
from core.errors import SettingsError

#: What rules for commands outside the command sandbox are written with.
OUTSIDE = "outside_sandbox"
RULE = re.compile(r"([\w.-]+)(?:\((.*)\))?", re.DOTALL)
GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Rule:
    """text: as it was written. tool, words: what it says; no words: any call of the tool.
    origin: shipped, settings, --allow, --deny, or granted in this thread or folder."""

    text: str
    tool: str
    pattern: str
    origin: str

    @property
    def words(self) -> tuple[str, ...]:
        return _words(self.pattern)

    @property
    def is_exact(self) -> bool:
        """Whether it fits one command only."""
        return bool(self.words) and not any(GLOB.search(word) for word in self.words)

    def named(self, kind: str) -> str:
        """The rule as a user reads it in a reason."""
        return f"{kind} rule {self.text}, {self.origin}"

    def fits(self, kind: str, paths: Sequence[str], words: Sequence[str], home: str) -> bool:
        """Whether a call fits, by its effect's kind, its absolute paths, its main arguments."""
        if paths and self.pattern:
            if any(self.fits_path(path, home) for path in paths):
                return True
            # Files that a call reads or writes are all it does; what is sent has more to it.
            return kind not in ("read", "write") and self.fits_words(words)
        return self.fits_words(words)

    def fits_words(self, words: Sequence[str]) -> bool:
        """Whether a command, or a call's main arguments, fit."""
        wanted: Sequence[str] = self.words
        if not wanted:
            return True
        if wanted[-1] == "*":
            wanted = wanted[:-1]
            words = words[: len(wanted)]
        return len(words) == len(wanted) and all(map(fnmatchcase, words, wanted))

    def fits_path(self, path: str, cwd: str) -> bool:
        """Whether an absolute path fits; a pattern that is not absolute starts at `cwd`."""
        if not self.pattern:
            return True
        pattern = os.path.join(cwd, os.path.expanduser(self.pattern))
        return _path_pattern(os.path.normpath(pattern)).fullmatch(path) is not None


@dataclass(frozen=True)
class Rules:
    """deny wins, then ask, then allow; each in the order of its list."""

    allow: tuple[Rule, ...] = ()
    ask: tuple[Rule, ...] = ()
    deny: tuple[Rule, ...] = ()

    def outside_sandbox(self) -> Rules:
        """The rules for a command that is to run outside the command sandbox, in the form of rules
        for bash: it may do what `outside_sandbox(...)` allows, and nothing that bash may not."""
        kinds = {
            kind: tuple(replace(r, tool="bash") for r in rules if r.tool == OUTSIDE)
            for kind, rules in vars(self).items()
        }
        strict = {
            kind: (*(r for r in vars(self)[kind] if r.tool == "bash"), *kinds[kind])
            for kind in ("ask", "deny")
        }
        return Rules(kinds["allow"], strict["ask"], strict["deny"])


@lru_cache(maxsize=1024)
def parse_rule(text: str, origin: str) -> Rule:
    """Raises SettingsError for what is not a rule."""
    found = RULE.fullmatch(text.strip())
    if found is None:
        raise SettingsError(
            f"{text!r} is not a rule", "write tool or tool(pattern): bash(git status *)"
        )
    tool, pattern = found[1], (found[2] or "").strip()
    try:
        _words(pattern)
    except ValueError as error:
        raise SettingsError(f"{text!r} is not a rule: {error}") from None
    if found[2] is not None and not pattern:
        raise SettingsError(
            f"{text!r} is not a rule: its pattern is empty", f"{tool} means every call"
        )
    return Rule(text.strip(), tool, pattern, origin)


def rules_of(
    permissions: Permissions,
    *,
    allow: Iterable[str] = (),
    deny: Iterable[str] = (),
    granted: Iterable[str] = (),
    folder: Iterable[str] = (),
) -> Rules:
    """The rules of a run: settings, options, and what a user granted in the thread or for its
    folder."""
    shipped = shipped_permissions()

    def of(kind: str, texts: Iterable[str]) -> list[Rule]:
        ours = set(shipped.get(kind, ()))
        rules = [parse_rule(text, "shipped" if text in ours else "settings") for text in texts]
        return [r for r in rules if permissions.shipped or r.origin != "shipped"]

    return Rules(
        allow=(
            *of("allow", permissions.allow),
            *(parse_rule(text, "--allow") for text in allow),
            *(parse_rule(text, "granted in this session") for text in granted),
            *(parse_rule(text, "granted in this folder") for text in folder),
        ),
        ask=tuple(of("ask", permissions.ask)),
        deny=(*of("deny", permissions.deny), *(parse_rule(text, "--deny") for text in deny)),
    )


@cache
def _words(pattern: str) -> tuple[str, ...]:
    return tuple(shlex.split(pattern))


@cache
def _path_pattern(pattern: str) -> re.Pattern[str]:
    """`**` any folders, `*` and `?` within a name."""
    parts = re.split(r"(\*\*/?|\*|\?)", pattern)
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meaning.get(part, re.escape(part)) for part in parts), re.DOTALL)
