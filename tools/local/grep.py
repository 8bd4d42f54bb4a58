"""grep: lines by regular expression, over ripgrep. Files known to hold secrets are left out."""

import base64
import json
import os
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, Field

from core.effects import Effect
from core.errors import ToolError
from core.tool import AgentTool, ToolContext, ToolResult
from tools.local.files import absolute, hides_secrets, near, shown

#: Characters of a line that are shown; matches after which the search ends.
LINE, MOST = 300, 20_000


class GrepArguments(BaseModel, extra="forbid"):
    pattern: str = Field(min_length=1, description="a regular expression")
    path: str = Field("", description="file or folder; default: the working directory")
    glob: str = Field("", description="only files like this, *.py")
    output: Literal["lines", "files", "count"] = "lines"
    ignore_case: bool = False
    context: int = Field(0, ge=0, le=10, description="lines around each match")
    limit: int = Field(100, ge=1, le=2000, description="matches that are shown")


class Grep(AgentTool):
    name: str = "grep"
    description: str = (
        "Search in text files with a regular expression (ripgrep's). Returns path, line number and "
        "line of each match; output=files the paths alone, count how many in each. Hidden files "
        "and those that .gitignore names are left out, unless path names them."
    )
    args_schema: type[BaseModel] = GrepArguments
    looks_up: bool = True
    in_backend: bool = True
    titled_by: tuple[str, ...] = ("pattern", "path", "glob")

    def effect(self, arguments: GrepArguments, cwd: str) -> Effect:
        return Effect("read", paths=(arguments.path or ".",))

    async def execute(self, arguments: GrepArguments, ctx: ToolContext) -> ToolResult:
        place = await absolute(arguments.path or ".", ctx)
        try:
            kind = (await ctx.services.backend.stat(place)).kind
        except OSError:
            raise ToolError(f"there is no {arguments.path}{await near(place, ctx)}") from None
        if kind == "other":
            raise ToolError(f"{place} is not a regular file")
        is_file = kind == "file"
        search = ctx.services.backend.search(_options(arguments, place), ctx.cwd)
        found = Found(arguments, ctx.cwd, place, is_file)
        async for record in search.records():
            if record:
                found.take(json.loads(record))
            if found.matches >= MOST:
                break
        if search.trouble and not found.matches:
            raise ToolError(_told(search.trouble))
        notes = ["it took too long: name a path to search in"] if search.timed_out else []
        if search.trouble:
            notes.append(f"not everything could be read: {_told(search.trouble)[:300]}")
        return ToolResult(found.text(notes))


def _options(arguments: GrepArguments, place: str) -> list[str]:
    options = ["--json", f"--context={arguments.context}"]
    if arguments.ignore_case:
        options.append("--ignore-case")
    if arguments.glob and "/" in arguments.glob:
        options += ["--glob", arguments.glob]
    elif arguments.glob:
        # Unlike --glob, a type leaves what .gitignore says in force.
        options += ["--type-add", f"wanted:{arguments.glob}", "--type", "wanted"]
    return [*options, "--regexp", arguments.pattern, "--", place]


def _told(trouble: str) -> str:
    """ripgrep's complaint in one line: of a bad expression, what is bad about it."""
    lines = [line.strip() for line in trouble.splitlines() if line.strip()]
    wrong = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return f"the pattern is not a regular expression: {wrong[0]}" if wrong else lines[0]


@dataclass
class Found:
    """What a search has found so far, as lines of the result."""

    arguments: GrepArguments
    cwd: str
    place: str
    named_itself: bool
    matches: int = 0
    lines: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    binary: list[str] = field(default_factory=list)
    secret: set[str] = field(default_factory=set)
    last: tuple[str, int] = ("", 0)
    #: How many lines stood before the file at hand: one that turns out to be binary shows none.
    begun: int = 0

    def take(self, event: dict[str, Any]) -> None:
        """One line of `rg --json`: begin, match, context, end, summary."""
        data = event["data"]
        if event["type"] == "summary":
            return
        name = _text(data["path"]).removeprefix("./")
        whole = self.place if self.named_itself else os.path.join(self.place, name)
        path = os.path.relpath(whole, self.cwd)
        if not self.named_itself and hides_secrets(whole, self.cwd):
            self.secret.add(path)
        elif event["type"] == "begin":
            self.begun = len(self.lines)
        elif event["type"] == "end":
            if data.get("binary_offset") is not None and path in self.counts:
                self.binary.append(path)
                del self.lines[self.begun :]
        else:
            self._line(path, data, event["type"] == "match")

    def _line(self, path: str, data: dict[str, Any], matched: bool) -> None:
        if matched:
            self.matches += 1
            self.counts[path] = self.counts.get(path, 0) + 1
        if self.matches > self.arguments.limit or self.arguments.output != "lines":
            return
        number = data["line_number"] or 0
        if self.arguments.context and self.last != (path, number - 1) and self.lines:
            self.lines.append("--")
        self.last = (path, number)
        text = shown(_text(data["lines"]).rstrip("\r\n"))
        cut = f"{text[:LINE]}[... {len(text) - LINE} more characters]" if len(text) > LINE else text
        mark = ":" if matched else "-"
        self.lines.append(f"{shown(path)}{mark}{number}{mark} {cut}")

    def text(self, notes: list[str]) -> str:
        if self.arguments.output == "files":
            self.lines = [shown(path) for path in self.counts]
        elif self.arguments.output == "count":
            self.lines = [f"{shown(path)}: {count}" for path, count in self.counts.items()]
        if self.arguments.output != "lines":
            beyond = len(self.lines) - self.arguments.limit
            del self.lines[self.arguments.limit :]
        else:
            beyond = self.matches - self.arguments.limit
        if beyond > 0:
            least = "at least " if self.matches >= MOST else ""
            notes.insert(0, f"{least}{beyond} more; narrow the pattern or raise limit")
        if self.binary:
            notes.append(f"binary file matches: {', '.join(shown(p) for p in self.binary)}")
        if self.secret:
            notes.append(f"left out, known to hold secrets: {len(self.secret)} files")
        told = [*self.lines, *(f"[{note}]" for note in notes)]
        if not self.counts:
            told.insert(0, f"no match for {self.arguments.pattern}")
        return "\n".join(told)


def _text(value: dict[str, str]) -> str:
    """ripgrep gives text, or base64 of bytes that are not UTF-8."""
    if "text" in value:
        return value["text"]
    return base64.b64decode(value["bytes"]).decode("utf-8", "surrogateescape")
