"""What hf_repo reads: files, references, commits, pull requests."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from core.errors import ToolError
from core.hub.connection import Hub
from core.hub.errors import near_files
from core.hub.refusals import Repo
from core.result_text import day, listed, repo_line, row, there_is
from core.tool import ToolResult
from core.units import size
from tools.hub.repo import buckets, spaces
from tools.hub.repo.arguments import RepoArguments

if TYPE_CHECKING:
    from huggingface_hub import HfApi


#: Bytes of a file that is read here; a larger one is downloaded.
LARGEST = 5_000_000


async def read_of(arguments: RepoArguments, hub: Hub) -> ToolResult:
    reading = {
        "list": _list,
        "read": _read,
        "refs": _refs,
        "commits": _commits,
        "pr_list": _pull_requests,
        "pr_get": _pull_request,
        "status": spaces.status,
        "logs": spaces.logs,
    }
    return await reading[arguments.operation](arguments, hub)


async def _list(arguments: RepoArguments, hub: Hub) -> ToolResult:
    repo = arguments.about
    if repo.type == "bucket":
        return await buckets.list_files(arguments, hub)

    def tree(api: HfApi, recursive: bool) -> list[Any]:
        entries = api.list_repo_tree(
            repo.id,
            repo.path.strip("/") or None,
            recursive=recursive,
            revision=repo.revision or None,
            repo_type=repo.type,
        )
        return list(itertools.islice(entries, arguments.limit + 1))

    def work(api: HfApi) -> tuple[str, list[str], str]:
        info = api.repo_info(repo.id, repo_type=repo.type, revision=repo.revision or None)
        head = row(f"{repo.type} {repo_line(info)}", f"at {info.sha}")
        found, note = tree(api, True), ""
        if len(found) > arguments.limit:
            # Too many: the top alone says more than the first of all.
            found = tree(api, False)
            note = "folders are not opened: name one as path, or raise limit"
        return head, [_entry(e) for e in found[: arguments.limit]], note

    head, lines, note = await hub.ask(work, repo)
    return ToolResult(f"{head}\n{listed(lines, 'it has no files', note).text}")


def _entry(entry: Any) -> str:
    from huggingface_hub.hf_api import RepoFile

    if not isinstance(entry, RepoFile):
        return f"{entry.path}/"
    return row(entry.path, size(entry.size), "LFS" if entry.lfs else "")


async def _read(arguments: RepoArguments, hub: Hub) -> ToolResult:
    repo = arguments.about
    if not repo.path:
        raise ToolError("read needs a path; list names the files")
    count = await hub.ask(lambda api: _size_of(api, repo), repo)
    revision = quote(repo.revision or "main", safe="")
    reply = None
    if count <= LARGEST:
        url = f"/{repo.page}/resolve/{revision}/{quote(repo.path)}"
        reply = await hub.get(url, about=repo)
    if reply is None or b"\0" in reply.body[:8000]:
        kind = "" if repo.type == "model" else f" --repo-type {repo.type}"
        at = f" --revision {repo.revision}" if repo.revision else ""
        why = "too large to be read here" if reply is None else "no text"
        raise ToolError(
            f"{repo.path} is {why} ({size(count)}); `hf download {repo.id} {repo.path}{kind}{at}` "
            "in bash gets it" + ("; for a dataset's rows use hf_dataset" if kind else "")
        )
    lines = reply.text.splitlines()
    text = "\n".join(f"{n:>6}\t{line}" for n, line in enumerate(lines[: arguments.limit], 1))
    left = len(lines) - arguments.limit
    note = f"\n[{left} more lines; raise limit, or download it]" if left > 0 else ""
    return ToolResult((text or "[it is empty]") + note)


def _size_of(api: HfApi, repo: Repo) -> int:
    """A file's bytes. Raises ToolError for what is none."""
    from huggingface_hub.hf_api import RepoFile

    found = api.get_paths_info(
        repo.id, [repo.path], revision=repo.revision or None, repo_type=repo.type
    )
    if not found:
        raise ToolError(f"{repo} has no file {repo.path}.{there_is(near_files(api, repo))}")
    if not isinstance(found[0], RepoFile):
        raise ToolError(f"{repo.path} is a folder: list names what is in it")
    return int(found[0].size)


async def _refs(arguments: RepoArguments, hub: Hub) -> ToolResult:
    repo = arguments.about

    def work(api: HfApi) -> list[str]:
        refs = api.list_repo_refs(repo.id, repo_type=repo.type, include_pull_requests=True)
        kinds = [("branch", refs.branches), ("tag", refs.tags)]
        kinds += [("pull request", refs.pull_requests or []), ("converted", refs.converts)]
        return [
            row(f"{kind} {ref.name}", ref.target_commit, ref.ref)
            for kind, found in kinds
            for ref in found[: arguments.limit]
        ]

    return listed(await hub.ask(work, repo), "it has no references")


async def _commits(arguments: RepoArguments, hub: Hub) -> ToolResult:
    # list_repo_commits gets all there are; one page is enough.
    repo = arguments.about
    revision = quote(repo.revision or "main", safe="")
    url = f"/api/{repo.type}s/{repo.id}/commits/{revision}"
    reply = await hub.get(url, {"limit": min(arguments.limit, 100)}, about=repo)
    try:
        lines = [
            row(c["id"], day(c["date"]), ", ".join(a["user"] for a in c["authors"]), c["title"])
            for c in reply.json()
        ]
    except (KeyError, TypeError):
        raise ToolError("the Hub's answer could not be understood; try again later") from None
    total = reply.headers.get("x-total-count", "")
    more = f"of {total}" if total else "there are older ones"
    return listed(
        lines, "it has no commits", more if 'rel="next"' in reply.headers.get("link", "") else ""
    )


async def _pull_requests(arguments: RepoArguments, hub: Hub) -> ToolResult:
    repo = arguments.about

    def work(api: HfApi) -> list[str]:
        found = api.get_repo_discussions(
            repo.id, repo_type=repo.type, discussion_type="pull_request"
        )
        return [
            row(f"#{d.num}", d.status, d.title, d.author, day(d.created_at))
            for d in itertools.islice(found, arguments.limit + 1)
        ]

    lines = await hub.ask(work, repo)
    more = "there are more: raise limit" if len(lines) > arguments.limit else ""
    return listed(lines[: arguments.limit], "it has no pull requests", more)


async def _pull_request(arguments: RepoArguments, hub: Hub) -> ToolResult:
    repo, number = arguments.about, arguments.number
    if not number:
        raise ToolError("pr_get needs the pull request's number; pr_list names them")
    details = await hub.ask(
        lambda api: api.get_discussion_details(repo.id, number, repo_type=repo.type), repo
    )
    kind = "" if details.is_pull_request else "a discussion, no pull request"
    lines = [
        row(f"#{number}", details.status, details.title, details.author, kind),
        row(str(details.url), f"into {details.target_branch}" if details.target_branch else ""),
    ]
    if details.conflicting_files:
        files = details.conflicting_files
        lines.append(f"conflicts: {'yes' if files is True else ', '.join(files)}")
    for event in details.events:
        lines += _event(event)
    if details.diff:
        lines += ["", "diff:", details.diff]
    return ToolResult("\n".join(lines))


def _event(event: Any) -> list[str]:
    head = row(event.author, day(event.created_at))
    if event.type == "comment":
        text = "[hidden]" if event.hidden else event.content
        return ["", f"{head}:", text]
    if event.type == "commit":
        return ["", f"{head}: commit {event.oid[:8]} {event.summary}"]
    if event.type == "status-change":
        return ["", f"{head}: {event.new_status}"]
    return []
