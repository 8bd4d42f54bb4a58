"""glob: files by name, newest first. What .gitignore names is left out."""

import os
from collections.abc import Callable

from pydantic import BaseModel, Field

from core.effects import Effect
from core.errors import ToolError
from core.tool import AgentTool, ToolContext, ToolResult
from tools.local.files import absolute, is_folder, near, shown

#: Files that are listed, and files that are looked at.
LISTED, MOST = 200, 100_000
MAGIC = "*?[{"


class GlobArguments(BaseModel, extra="forbid"):
    pattern: str = Field(min_length=1, description="*.py (at any depth), src/**/*.{ts,tsx}")
    path: str = Field("", description="folder to look in; default: the working directory")


class Glob(AgentTool):
    name: str = "glob"
    description: str = (
        "Find files by name. Returns paths, newest first. Files that .gitignore names and hidden "
        "ones are left out; a pattern that names a hidden part (.github/**) finds them. To search "
        "in files use grep."
    )
    args_schema: type[BaseModel] = GlobArguments
    looks_up: bool = True
    in_backend: bool = True
    titled_by: tuple[str, ...] = ("pattern", "path")

    def effect(self, arguments: GlobArguments, cwd: str) -> Effect:
        return Effect("read", paths=(based(arguments)[0],))

    async def execute(self, arguments: GlobArguments, ctx: ToolContext) -> ToolResult:
        base, pattern = based(arguments)
        folder = await absolute(base, ctx)
        if not await is_folder(folder, ctx):
            raise ToolError(f"there is no folder {base}{await near(folder, ctx)}")
        hidden = ["--hidden"] if any(p.startswith(".") for p in pattern.split("/")) else []
        backend = ctx.services.backend
        search = backend.search(["--files", "--null", *hidden], folder, b"\0")
        fits = _matcher(pattern)
        found: list[str] = []
        looked = 0
        async for record in search.records():
            looked += 1
            path = os.fsdecode(record)
            if fits(path.removeprefix("./")):
                found.append(os.path.join(folder, path.removeprefix("./")))
            if looked >= MOST:
                break
        lines = _newest(found, await backend.modified(found), ctx.cwd)
        if len(found) > LISTED:
            lines.append(f"[{len(found) - LISTED} more; narrow the pattern]")
        if looked >= MOST or search.timed_out:
            lines.append(f"[stopped after {looked} files: name a path to look in]")
        return ToolResult("\n".join(lines) or f"no file fits {arguments.pattern}")


def based(arguments: GlobArguments) -> tuple[str, str]:
    """(folder to look in, pattern below it): the pattern's fixed start belongs to the folder,
    so that policy judges the place that is really looked at."""
    fixed: list[str] = []
    parts = arguments.pattern.split("/")
    while len(parts) > 1 and not any(mark in parts[0] for mark in MAGIC):
        fixed.append(parts.pop(0))
    start = "/".join(fixed) + ("/" if fixed == [""] else "")
    if fixed and not parts[0]:
        parts = ["**"]
    return os.path.join(arguments.path, start) or ".", "/".join(["", *parts] if fixed else parts)


def _matcher(pattern: str) -> Callable[[str], bool]:
    from wcmatch import glob

    flags = glob.GLOBSTAR | glob.BRACE | glob.DOTGLOB
    # A name alone is looked for at any depth; what is below a folder starts there.
    anywhere = pattern if pattern.startswith("/") or "/" in pattern else f"**/{pattern}"
    compiled = glob.compile(anywhere.lstrip("/"), flags=flags)
    return lambda path: bool(compiled.match(path))


def _newest(paths: list[str], modified: dict[str, float], cwd: str) -> list[str]:
    """The paths that are listed, as seen from `cwd`."""
    by_age = sorted(paths, key=lambda path: modified.get(path, 0.0), reverse=True)
    return [shown(os.path.relpath(path, cwd)) for path in by_age[:LISTED]]
