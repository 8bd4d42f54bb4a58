"""A shell line taken apart: its simple commands, what it redirects, and what cannot be known.

Parsed by tree-sitter's bash grammar, never run. Commands inside substitutions, loops, functions
and heredocs are found too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from core.policy.ansi_quotes import unquoted

#: A longer line is not judged: the parser's time is bounded, and no one could review it.
LONGEST = 20_000
#: Commands that run what no one sees here.
BLIND = {"eval", "source", ".", "exec", "trap", "alias", "coproc", "enable", "hash", "builtin"}
GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Word:
    """text: after unquoting; the source where that is not known before it runs (`static` is
    False). pattern: it has unquoted glob characters."""

    text: str
    static: bool = True
    pattern: bool = False


@dataclass(frozen=True)
class ShellCommand:
    """A simple command; names that are set for it alone are left out."""

    words: tuple[Word, ...]

    @property
    def texts(self) -> list[str]:
        return [word.text for word in self.words]


@dataclass
class Line:
    """commands: in order, nested ones included. writes, reads: targets of redirections.
    hidden: why any command can be in it; "" if none can."""

    commands: list[ShellCommand] = field(default_factory=list)
    writes: list[Word] = field(default_factory=list)
    reads: list[Word] = field(default_factory=list)
    hidden: str = ""

    def hide(self, why: str) -> None:
        self.hidden = self.hidden or why


@lru_cache(maxsize=64)
def parsed(source: str) -> Line:
    """The parts of a shell line. Kept: a line is judged, and asked whether it only looks. Not to be
    changed."""
    line = Line()
    if len(source) > LONGEST:
        line.hide("it is too long to be judged")
        return line
    if "\0" in source:
        line.hide("it holds a NUL character")
        return line
    _read(source, line)
    if "\\\n" in source:
        # A word may continue in the next line (`r\\`, `m x`), a comment cannot: both are read.
        _read(re.sub(r"(?<!\\)((?:\\\\)*)\\\n", r"\1", source), line)
    return line


def _read(source: str, line: Line) -> None:
    root = _parser().parse(source.encode("utf-8", "surrogatepass")).root_node
    if root.has_error:
        line.hide("it cannot be parsed")
    for node in _nodes(root):
        _take(node, line)


@cache
def _parser() -> Any:
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def _nodes(root: Any) -> Iterator[Any]:
    """Every node, in the order of the source."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.children)


def _take(node: Any, line: Line) -> None:
    kind = node.type
    if kind == "command":
        _command(node, line)
    elif kind in ("declaration_command", "unset_command"):
        line.commands.append(ShellCommand(tuple(_source(c) for c in node.children)))
    elif kind == "file_redirect":
        _redirect(node, line)


def _source(node: Any) -> Word:
    return Word(_text(node))


def _command(node: Any, line: Line) -> None:
    words = []
    for child in node.children:
        if child.type == "command_name":
            words.append(_word(child.children[0]))
        elif child.is_named and not child.type.endswith(("_redirect", "variable_assignment")):
            words.append(_word(child))
    if not words:
        return
    line.commands.append(ShellCommand(tuple(words)))
    name = words[0]
    if not name.static or name.pattern:
        line.hide("the name of the command is not known before it runs")
    elif name.text in BLIND:
        line.hide(f"{name.text} runs what is not seen here")


def _redirect(node: Any, line: Line) -> None:
    target = node.child_by_field_name("destination")
    operator = next((c.type for c in node.children if not c.is_named), "")
    if target is None:
        return
    word = _word(target)
    if operator in (">&", "<&") and (word.text.isdigit() or word.text == "-"):
        return
    if word.static and word.text in ("/dev/null", "/dev/stdout", "/dev/stderr"):
        return
    (line.reads if operator.startswith("<") else line.writes).append(word)


def _word(node: Any) -> Word:
    """A word as the shell would hand it on."""
    kind, raw = node.type, _text(node)
    if kind in ("word", "number"):
        return Word(_unescaped(raw), pattern=_globs(raw))
    if kind == "raw_string":
        return Word(raw[1:-1])
    if kind == "string":
        known = all(c.type in ("string_content", '"') for c in node.children)
        text = re.sub(r"\\([\\\"$`])|\\\n", lambda m: m[1] or "", raw[1:-1])
        return Word(text if known else raw, static=known)
    if kind == "ansi_c_string":
        return Word(unquoted(raw[2:-1]))
    if kind == "translated_string":
        return _word(node.named_children[-1])
    if kind == "concatenation":
        # The parser gives the dollar of `a$"b"` as a part.
        parts = [_word(child) for child in node.children if child.type != "$"]
        if all(part.static for part in parts):
            pattern = any(part.pattern for part in parts)
            return Word("".join(part.text for part in parts), pattern=pattern)
    return Word(raw, static=False)


def _unescaped(raw: str) -> str:
    if "\\" not in raw:
        return raw
    return re.sub(r"\\(\n|.)", _escaped, raw, flags=re.DOTALL)


def _escaped(found: re.Match[str]) -> str:
    return "" if found[1] == "\n" else found[1]


def _globs(raw: str) -> bool:
    return GLOB.search(re.sub(r"\\.", "", raw) if "\\" in raw else raw) is not None


def _text(node: Any) -> str:
    return str(node.text.decode("utf-8", "replace"))
