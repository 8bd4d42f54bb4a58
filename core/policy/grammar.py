"""The closed grammar of lines that may run without asking: all of a line is accepted, or nothing.

    line     = command { ("&&" | "||" | ";" | "|") command }
    command  = word { word | redirect }
    redirect = "2>&1" | (">" | ">>" | "2>" | "<") word
    word     = plain characters, '...' and "..." without $ ` ! and backslash; "~/" at its start

The shell knows much more: expansions, patterns, functions, arithmetic, assignments, several
lines. Another parser disagrees with the shell about some of that, and the shell evaluates some
texts twice. So nothing of it is accepted here, whatever it would mean.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Literal

Joint = Literal["", "&&", "||", ";", "|"]

#: A longer line is not judged: it could not be reviewed either.
LONGEST = 20_000
PLAIN = re.compile(r"[A-Za-z0-9_./:=,@%+-]+")
#: `HEAD~1`: the shell expands a tilde at the start of a word only, or behind `=` and `:`.
INNER_TILDE = re.compile(r"(?<=[A-Za-z0-9_])~")
QUOTED = re.compile(r"'([^'$`!\\]*)'|\"([^\"$`!\\]*)\"")
JOINT = re.compile(r"&&|\|\||[;|]")
REDIRECT = re.compile(r"2>&1(?=[ ;|&]|$)|2>(?![>&|])|>>|>(?![>&|])|<(?![<>&])")
NAME = re.compile(r"[A-Za-z0-9_./+-]*[A-Za-z0-9_+-]")
#: Words that the shell itself acts on where a command begins, as `compgen -kb` of bash 5.2 lists
#: them. They change the shell's state, or evaluate their operands (`test -v 'a[$(x)]'`).
_SHELL_WORDS = """
    if then else elif fi case esac for select while until do done in function time coproc
    . : [ alias bg bind break builtin caller command compgen complete compopt continue declare
    dirs disown enable eval exec exit export fc fg getopts hash help history jobs kill let local
    logout mapfile popd printf pushd read readarray readonly return set shift shopt source suspend
    test times trap type typeset ulimit umask unalias unset wait
"""
SHELL_WORDS = frozenset(_SHELL_WORDS.split())
#: Builtins that do neither.
HARMLESS_BUILTINS = frozenset({"cd", "echo", "false", "pwd", "true"})
WHY = {
    "$": "a variable or a command in it", "`": "a command in a command", "\\": "a backslash",
    "\n": "more than one line", "*": "a pattern", "?": "a pattern", "[": "a pattern",
    "{": "braces", "(": "brackets", ")": "brackets", "&": "`&`", "#": "`#`", "!": "`!`",
    "~": "a tilde", "'": "a quote without its end, or with a special character in it",
    '"': "a quote without its end, or with a special character in it",
}  # fmt: skip


class NotJudged(Exception):
    """The line is not of the closed grammar; the text says what it holds."""


@dataclass(frozen=True)
class Redirect:
    """operator: `>`, `>>`, `2>` or `<`."""

    operator: str
    target: str


@dataclass(frozen=True)
class ShellCommand:
    """One simple command.

    Attributes:
        words: the program's name and its arguments, after unquoting.
        redirects: what it redirects to a file.
        joint: how it is joined to the command before it.
    """

    words: tuple[str, ...]
    redirects: tuple[Redirect, ...] = ()
    joint: Joint = ""


@dataclass
class _Reader:
    source: str
    at: int = 0
    commands: list[ShellCommand] = field(default_factory=list)

    def line(self) -> tuple[ShellCommand, ...]:
        joint: Joint = ""
        while True:
            self.commands.append(self._command(joint))
            if self.at == len(self.source):
                return tuple(self.commands)
            joint = self._take(JOINT)  # type: ignore[assignment]
            if not joint:
                raise self._problem()
            self._skip_spaces()

    def _command(self, joint: Joint) -> ShellCommand:
        self._skip_spaces()
        words = [self._name()]
        redirects: list[Redirect] = []
        while True:
            spaces = self._skip_spaces()
            if self.at == len(self.source) or JOINT.match(self.source, self.at):
                return ShellCommand(tuple(words), tuple(redirects), joint)
            if not spaces:
                raise self._problem()
            operator = self._take(REDIRECT)
            if not operator:
                words.append(self._word())
            elif operator != "2>&1":
                self._skip_spaces()
                redirects.append(Redirect(operator, self._word()))

    def _name(self) -> str:
        """A program's name: plain, so that it is not an assignment, and no word of the shell."""
        start = self.at
        name = self._word()
        if not name or not NAME.fullmatch(name) or name.startswith(("-", "+")):
            raise NotJudged("a command without a plain name")
        if self.source[start : self.at] != name:
            raise NotJudged("a command with a quoted name")
        if name in SHELL_WORDS:
            raise NotJudged(f"{name}, which the shell runs itself")
        return name

    def _word(self) -> str:
        text, start = "", self.at
        if self.source.startswith("~/", self.at):
            text, self.at = "~/", self.at + 2
        while self.at < len(self.source):
            plain = self._take(PLAIN) or self._take(INNER_TILDE)
            if plain:
                text += plain
                continue
            quoted = QUOTED.match(self.source, self.at)
            if quoted is None:
                break
            inner = quoted[1] if quoted[1] is not None else quoted[2]
            _check_quoted(inner)
            text, self.at = text + inner, quoted.end()
        if start == self.at:
            raise self._problem()
        if text.startswith("~") and not self.source.startswith("~/", start):
            raise NotJudged("a quoted tilde")
        return text

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.source, self.at)
        if found is None:
            return ""
        self.at = found.end()
        return found[0]

    def _skip_spaces(self) -> int:
        start = self.at
        while self.source.startswith(" ", self.at):
            self.at += 1
        return self.at - start

    def _problem(self) -> NotJudged:
        if self.at == len(self.source):
            return NotJudged("an unfinished command")
        found = self.source[self.at]
        return NotJudged(WHY.get(found, f"{found!a} in a place that is not judged"))


def _check_quoted(text: str) -> None:
    """Printable ASCII, and letters, marks and digits of other alphabets."""
    for char in text:
        if not (" " <= char <= "~" or (char > "\x7f" and unicodedata.category(char)[0] in "LMN")):
            raise NotJudged(f"the character {char!a}")


def read_line(source: str) -> tuple[ShellCommand, ...]:
    """The commands of `source`. Raises NotJudged if any part of it is not of the grammar."""
    if len(source) > LONGEST:
        raise NotJudged("too many characters")
    return _Reader(source).line()
