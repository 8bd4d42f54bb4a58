"""A shell line taken apart: its simple commands, what it redirects, and what cannot be known.

Parsed by tree-sitter's bash grammar, never run. Commands inside substitutions, loops, functions
and heredocs are found too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

#: A longer line is not judged: the parser's time is bounded, and no one could review it.
LONGEST = 20_000
#: Commands that run what no one sees here.
BLIND = {"eval", "source", ".", "exec", "trap", "alias", "coproc", "enable", "hash", "builtin"}
EXPANSIONS = {
    "simple_expansion": "a variable",
    "expansion": "a variable",
    "command_substitution": "a command in a command",
    "process_substitution": "a command in a command",
    "arithmetic_expansion": "arithmetic",
    "brace_expression": "braces",
}
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
    """A simple command. assignments: the names set for it alone (`PATH=. ls`)."""

    words: tuple[Word, ...]
    assignments: tuple[str, ...] = ()

    @property
    def texts(self) -> list[str]:
        return [word.text for word in self.words]


@dataclass
class Line:
    """commands: in order, nested ones included. writes, reads: targets of redirections.
    doubts: why it cannot be judged by its words. hidden: those of them behind which any command
    can be."""

    commands: list[ShellCommand] = field(default_factory=list)
    writes: list[Word] = field(default_factory=list)
    reads: list[Word] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)

    def doubt(self, why: str, *, hidden: bool = False) -> None:
        if why not in self.doubts:
            self.doubts.append(why)
        if hidden and why not in self.hidden:
            self.hidden.append(why)


def parsed(source: str) -> Line:
    """The parts of a shell line."""
    line = Line()
    if len(source) > LONGEST:
        line.doubt("it is too long to be judged", hidden=True)
        return line
    if "\0" in source:
        line.doubt("it holds a NUL character", hidden=True)
        return line
    _read(source, line)
    if "\\\n" in source:
        # A word may continue in the next line (`r\\`, `m x`), a comment cannot: both are read.
        _read(re.sub(r"(?<!\\)((?:\\\\)*)\\\n", r"\1", source), line)
    return line


def _read(source: str, line: Line) -> None:
    root = _parser().parse(source.encode("utf-8", "surrogatepass")).root_node
    if root.has_error:
        line.doubt("it cannot be parsed", hidden=True)
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
    elif kind == "function_definition":
        line.doubt("it defines a function")
    elif kind in EXPANSIONS:
        line.doubt(f"it holds {EXPANSIONS[kind]}")
    elif kind == "variable_assignment" and node.parent.type not in ("command",):
        line.doubt("it sets a variable")


def _source(node: Any) -> Word:
    return Word(_text(node))


def _command(node: Any, line: Line) -> None:
    words, assignments = [], []
    for child in node.children:
        if child.type == "variable_assignment":
            assignments.append(_text(child).partition("=")[0].rstrip("+"))
        elif child.type == "command_name":
            words.append(_word(child.children[0]))
        elif not child.type.endswith("_redirect") and child.is_named:
            words.append(_word(child))
    if not words:
        return
    line.commands.append(ShellCommand(tuple(words), tuple(assignments)))
    name = words[0]
    if not name.static or name.pattern:
        line.doubt("the name of the command is not known before it runs", hidden=True)
    elif name.text in BLIND:
        line.doubt(f"{name.text} runs what is not seen here", hidden=True)
    for word in words:
        if word.static and "{" in word.text and re.search(r"\{[^}]*(,|\.\.)", word.text):
            line.doubt("it holds braces")


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
    if not word.static:
        line.doubt("it redirects to a place that is not known before it runs")
    (line.reads if operator.startswith("<") else line.writes).append(word)


def _word(node: Any) -> Word:
    """A word as the shell would hand it on."""
    kind, raw = node.type, _text(node)
    if kind in ("word", "number"):
        return Word(re.sub(r"\\(\n|.)", _escaped, raw, flags=re.DOTALL), pattern=_globs(raw))
    if kind == "raw_string":
        return Word(raw[1:-1])
    if kind == "string":
        known = all(c.type in ("string_content", '"') for c in node.children)
        text = re.sub(r"\\([\\\"$`])|\\\n", lambda m: m[1] or "", raw[1:-1])
        return Word(text if known else raw, static=known)
    if kind == "ansi_c_string":
        try:
            return Word(raw[2:-1].encode().decode("unicode_escape"))
        except UnicodeDecodeError:
            return Word(raw, static=False)
    if kind == "concatenation":
        parts = [_word(child) for child in node.children]
        if all(part.static for part in parts):
            pattern = any(part.pattern for part in parts)
            return Word("".join(part.text for part in parts), pattern=pattern)
    return Word(raw, static=False)


def _escaped(found: re.Match[str]) -> str:
    return "" if found[1] == "\n" else found[1]


def _globs(raw: str) -> bool:
    return GLOB.search(re.sub(r"\\.", "", raw)) is not None


def _text(node: Any) -> str:
    return str(node.text.decode("utf-8", "replace"))
