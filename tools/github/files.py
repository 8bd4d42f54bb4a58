"""What github shows of a repository's files: the tree, a file by lines, a notebook by cells."""

import asyncio
import base64
import binascii
import re
from typing import Any

from core.errors import ToolError
from core.parsing.notebook import parsed, shown
from core.result_text import listed, row
from core.tool import ToolContext, ToolResult
from core.units import size
from tools.github.api import RAW, get
from tools.github.arguments import GithubArguments
from tools.github.refusals import ODD
from tools.github.tree import contents_path, missing_file, scored, tree_of

#: Bytes of a file that is read here; lines that are shown unless others are named; characters of
#: a line.
LARGEST, LINES, LINE = 10_000_000, 1000, 2000


async def tree(arguments: GithubArguments, ctx: ToolContext) -> ToolResult:
    repo, path = arguments.named_repo, arguments.path.strip("/")
    found = await tree_of(ctx, repo, arguments.ref, path)
    entries = [e for e in found.entries if not path or e["path"].startswith(f"{path}/")]
    if path and not entries and not found.truncated:
        raise ToolError(await missing_file(ctx, repo, path, arguments.ref))
    note, under = "", len(path) + 1 if path else 0
    if len(entries) > arguments.most:
        # Too many: the top alone says more than the first of all.
        entries = [e for e in entries if "/" not in e["path"][under:]]
        note = "folders are not opened: name one as path, or raise limit"
    cut = "GitHub cut this tree, it is too large: name a folder as path" if found.truncated else ""
    more = f"{len(entries) - arguments.most} more" if len(entries) > arguments.most else ""
    lines = map(_entry, entries[: arguments.most])
    return listed(lines, f"{repo} has no files there", note, more, cut)


def _entry(entry: dict[str, Any]) -> str:
    if entry.get("type") == "tree":
        return f"{entry['path']}/"
    kind = "submodule" if entry.get("type") == "commit" else ""
    link = "symlink" if entry.get("mode") == "120000" else ""
    return row(entry["path"], kind or link or size(entry.get("size")))


async def examples(arguments: GithubArguments, ctx: ToolContext) -> ToolResult:
    """Files that show how something is used, found by their names: no token is needed."""
    repo, keyword = arguments.named_repo, arguments.keyword or arguments.query
    found = await tree_of(ctx, repo, arguments.ref, folders=True)
    files = [e for e in found.entries if e.get("type") == "blob"]
    best = scored([e["path"] for e in files], keyword)
    sizes = {e["path"]: e.get("size") for e in files}
    more = f"{len(best) - arguments.most} more: raise limit" if len(best) > arguments.most else ""
    cut = "GitHub cut this tree: there may be more" if found.truncated else ""
    lines = [row(path, size(sizes[path])) for path in best[: arguments.most]]
    about = f" for {keyword}" if keyword else ""
    nothing = f"{repo} has no examples{about}: try another keyword, or tree"
    return listed(lines, nothing, more, cut)


async def read(arguments: GithubArguments, ctx: ToolContext) -> ToolResult:
    repo, path = arguments.named_repo, arguments.path.strip("/")
    if not path:
        raise ToolError("read needs a path; tree names the files")
    if {".", ".."} & {*path.split("/")}:
        raise ToolError(f"{path} is not a path of a repository: it has . or .. in it")
    first, last = _range(arguments.lines)

    async def missing() -> str:
        return await missing_file(ctx, repo, path, arguments.ref)

    url, at = contents_path(repo, path), {"ref": arguments.ref or None}
    entry = (await get(ctx, url, at, missing=missing)).json()
    if isinstance(entry, list):
        names = [row(f"{e.get('path')}", str(e.get("type"))) for e in entry if isinstance(e, dict)]
        return listed(names, f"{path} is empty", f"{path} is a folder: read a file of it")
    if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
        raise ToolError(ODD)
    _refuse_what_is_no_file(entry, repo, path)
    body = _content(entry)
    if body is None:
        count = entry.get("size")
        if isinstance(count, int) and count > LARGEST:
            raise ToolError(f"{path} is too large to be read here ({size(count)}){_get(entry)}")
        body = (await get(ctx, url, at, accept=RAW, most=LARGEST, missing=missing)).body
    if b"\0" in body[:8000]:
        raise ToolError(f"{path} is not text ({size(len(body))}){_get(entry)}")
    text = body.decode("utf-8", "replace")
    notebook = await asyncio.to_thread(parsed, text) if path.endswith(".ipynb") else None
    if notebook is not None:
        return ToolResult(shown(notebook, first, last - first + 1)[0])
    return ToolResult(_numbered(text, first, last))


def _refuse_what_is_no_file(entry: dict[str, Any], repo: str, path: str) -> None:
    # In lists GitHub calls a submodule a file, and names its address all the same.
    if entry["type"] == "submodule" or entry.get("submodule_git_url"):
        where = entry.get("submodule_git_url") or "another repository"
        raise ToolError(
            f"{path} is a submodule: its files are in {where}, at commit {entry.get('sha')}"
        )
    if entry["type"] == "symlink" and "content" not in entry:
        raise ToolError(
            f"{path} is a link to {entry.get('target')}, which is not a file of {repo}; read its "
            "target, if it is there"
        )


def _content(entry: dict[str, Any]) -> bytes | None:
    """The file's bytes; None where GitHub leaves them out (over 1 MB)."""
    content = entry.get("content")
    if entry.get("encoding") != "base64" or not isinstance(content, str):
        return None
    try:
        return base64.b64decode(content)
    except binascii.Error:
        raise ToolError(ODD) from None


def _get(entry: dict[str, Any]) -> str:
    url = entry.get("download_url")
    return f"; `curl -LO {url}` in bash gets it" if url else ""


def _range(lines: str) -> tuple[int, int]:
    """`10-80`, `10-`, `10` → first and last."""
    if not lines:
        return 1, LINES
    found = re.fullmatch(r"\s*L?(\d+)\s*(-\s*L?(\d*))?\s*", lines)
    if found is None or int(found[1]) < 1:
        raise ToolError(f"lines is 10-80, 10- or 10, not {lines!r}")
    first = int(found[1])
    last = int(found[3]) if found[3] else first + LINES - 1 if found[2] else first
    if last < first:
        raise ToolError(f"lines: {first} is after {last}")
    return first, last


def _numbered(text: str, first: int, last: int) -> str:
    lines = text.splitlines()
    chosen = lines[first - 1 : last]
    if not chosen:
        return f"[the file has {len(lines)} lines]" if lines else "[the file is empty]"
    numbered = [f"{n:6}\t{line[:LINE]}" for n, line in enumerate(chosen, first)]
    left = len(lines) - (first - 1 + len(chosen))
    if left > 0:
        numbered.append(f"[{left} more lines; continue with lines={first + len(chosen)}-]")
    return "\n".join(numbered)
