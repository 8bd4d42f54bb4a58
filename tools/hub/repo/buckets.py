"""hf_repo on buckets, storage without history: list, copy on the Hub, sync of a local folder.

A sync only adds and replaces. It takes the files that an upload would: nothing secret leaves.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
from typing import TYPE_CHECKING, Any

from core.errors import ToolError
from core.hub.connection import Hub, author_of
from core.result_text import listed, row
from core.tool import ToolContext, ToolResult
from core.units import size
from tools.hub.repo.arguments import RepoArguments
from tools.hub.repo.change import Change, Seen, needed, page
from tools.hub.repo.files import Files, files_of

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_SOURCE = re.compile(
    r"(?P<type>models|datasets|spaces|buckets)/(?P<id>[^/]+/[^/@]+)(?:@(?P<revision>[^/]+))?"
    r"(?P<path>/.*)?"
)
#: What exists for buckets, and only for them.
OPERATIONS, ONLY = ("list", "copy", "sync"), ("copy", "sync")


def check_bucket(arguments: RepoArguments) -> None:
    """Raises ToolError if operation and type do not fit."""
    is_bucket = arguments.type == "bucket"
    if is_bucket and arguments.operation not in OPERATIONS:
        raise ToolError(f"A bucket has no {arguments.operation}, only {', '.join(OPERATIONS)}")
    if not is_bucket and arguments.operation in ONLY:
        raise ToolError(f"{arguments.operation} is for buckets: say type=bucket")


async def list_files(arguments: RepoArguments, hub: Hub) -> ToolResult:
    repo = arguments.about

    def work(api: HfApi) -> tuple[str, list[str]]:
        info = api.bucket_info(repo.id)
        head = row(str(repo), f"{info.total_files} files", size(info.size),
                   "private" if info.private else "public")  # fmt: skip
        found = api.list_bucket_tree(repo.id, repo.path.strip("/") or None, recursive=True)
        shown = itertools.islice(found, arguments.limit + 1)
        return head, [row(one.path, size(getattr(one, "size", None))) for one in shown]

    head, lines = await hub.ask(work, repo)
    note = "there are more: name a folder as path, or raise limit"
    rest = listed(
        lines[: arguments.limit], "it has no files", note * (len(lines) > arguments.limit)
    )
    return ToolResult(f"{head}\n{rest.text}")


def _before(arguments: RepoArguments) -> Any:
    def before(api: HfApi) -> Seen:
        author_of(api)
        return {"files": api.bucket_info(arguments.repo).total_files}

    return before


def copy(arguments: RepoArguments) -> Change:
    """From a bucket or a repository, without a download: a file, or what is in a folder."""
    source = _SOURCE.fullmatch(arguments.source.removeprefix("hf://"))
    if source is None:
        raise ToolError("copy needs a source: buckets/owner/name/path, models/owner/name@main/path")
    repo = arguments.about
    target = f"hf://buckets/{repo.id}/{arguments.path}"

    def do(api: HfApi, seen: Seen) -> str:
        # Without the slash a second copy would put the folder into the first one.
        whole = f"hf://{source[0].rstrip('/')}" + ("" if _is_file(api, source) else "/")
        api.copy_files(whole, target)
        return f"Copied {whole} to {target}. {page(api, repo)}"

    return Change(_before(arguments), do, lambda api, seen: None)


def _is_file(api: HfApi, source: re.Match[str]) -> bool:
    path = (source["path"] or "").strip("/")
    if not path:
        return False
    if source["type"] == "buckets":
        return bool(list(api.get_bucket_paths_info(source["id"], [path])))
    kind = source["type"].removesuffix("s")
    found = api.get_paths_info(source["id"], [path], revision=source["revision"], repo_type=kind)
    return any(hasattr(one, "size") for one in found)


async def sync(arguments: RepoArguments, ctx: ToolContext, begun: bool) -> Change:
    """A local folder, or file, into the bucket: what is new there, or another size, or older."""
    needed(arguments.source, "sync", "a source, a local folder")
    path = arguments.path.strip("/")
    files = Files() if begun else await asyncio.to_thread(
        files_of, arguments.source, path, ctx.cwd
    )  # fmt: skip
    repo = arguments.about

    def do(api: HfApi, seen: Seen) -> str:
        changed = _changed(api, arguments.repo, path, files)
        files.check_unchanged()
        api.batch_bucket_files(repo.id, add=[(files.contents[name], name) for name in changed])
        left = "; ".join(part for part in files.described.split("; ")[1:])
        told = f"{len(changed)} of {len(files.contents)} files were new or changed"
        return f"Synced to {repo}: {told}. {page(api, repo)}" + (f" ({left})" if left else "")

    return Change(_before(arguments), do, lambda api, seen: None)


def _changed(api: HfApi, bucket: str, path: str, files: Files) -> list[str]:
    found = api.list_bucket_tree(bucket, path or None, recursive=True)
    there: dict[str, Any] = {one.path: one for one in found if hasattr(one, "size")}
    changed = []
    for name, local in files.contents.items():
        held, one = os.stat(local), there.get(name)
        older = one is not None and one.uploaded_at and one.uploaded_at.timestamp() < held.st_mtime
        if one is None or one.size != held.st_size or older:
            changed.append(name)
    return changed
