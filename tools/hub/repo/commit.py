"""Commits of hf_repo: files that are uploaded or deleted.

A commit names the one it is on (`parent_commit`): the Hub refuses it when that is no longer
the newest, so that a commit which is sent twice happens once.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.errors import ToolError
from core.hub.connection import author_of
from core.hub.errors import near_files
from core.result_text import there_is
from core.tool import ToolContext
from core.units import size
from tools.hub.repo.arguments import RepoArguments
from tools.hub.repo.change import Change, Seen, needed, page
from tools.hub.repo.files import Files, content_of, files_of
from tools.hub.repo.pulls import new_pull_request, pull_requests

if TYPE_CHECKING:
    from huggingface_hub import HfApi


async def upload(arguments: RepoArguments, ctx: ToolContext, begun: bool) -> Change:
    if arguments.source and arguments.content:
        raise ToolError("upload takes a source or a content, not both")
    if not arguments.source:
        needed(arguments.path, "upload of content", "a path, its name in the repository")
    files = Files() if begun else await asyncio.to_thread(_files, arguments, ctx.cwd)
    count = len(files.contents)
    first = next(iter(files.contents), "files")
    message = arguments.message or f"Upload {first if count == 1 else f'{count} files'}"

    def operations() -> list[Any]:
        from huggingface_hub import CommitOperationAdd

        files.check_unchanged()
        return [CommitOperationAdd(name, held) for name, held in files.contents.items()]

    if count > 1:
        ctx.log(f"uploading {count} files, {size(files.size)}")
    return commit_change(arguments, message, operations, f"Uploaded {files.described}")


def deletion(arguments: RepoArguments) -> Change:
    needed(arguments.paths, "delete", "paths, or remove for the whole repository")
    message = arguments.message or f"Delete {', '.join(arguments.paths)}"[:200]

    def operations() -> list[Any]:
        from huggingface_hub import CommitOperationDelete

        return [CommitOperationDelete(path) for path in arguments.paths]

    change = commit_change(arguments, message, operations, f"Deleted {', '.join(arguments.paths)}")

    def before(api: HfApi) -> Seen:
        seen = change.before(api)
        _check_there(api, arguments)
        return seen

    return replace(change, before=before)


def _check_there(api: HfApi, arguments: RepoArguments) -> None:
    """Some hubs make an empty commit of a file that is not there. Raises ToolError."""
    repo = arguments.about
    wanted = [path.strip("/") for path in arguments.paths]
    infos = api.get_paths_info(
        repo.id, wanted, repo_type=repo.type, revision=repo.revision or "main"
    )
    gone = sorted(set(wanted) - {info.path for info in infos})
    if gone:
        near = there_is(near_files(api, replace(repo, path=gone[0])))
        raise ToolError(f"{repo.type.capitalize()} {repo.id} has no {', '.join(gone)}.{near}")


def commit_change(arguments: RepoArguments, message: str, operations: Any, said: str) -> Change:
    repo = arguments.about
    revision = repo.revision or "main"

    def before(api: HfApi) -> Seen:
        author = author_of(api)
        info = api.repo_info(repo.id, repo_type=repo.type, revision=revision)
        seen: Seen = {"author": author, "title": message, "parent": info.sha, "said": said}
        if arguments.create_pr:
            seen["known"] = pull_requests(api, repo, author, message)
        return seen

    def told(api: HfApi, seen: Seen, oid: str) -> str:
        return f"{seen['said']} ({repo}, {revision}): {page(api, repo)}/commit/{oid}"

    def do(api: HfApi, seen: Seen) -> str:
        made = api.create_commit(
            repo.id,
            operations(),
            commit_message=message,
            commit_description=arguments.text or None,
            repo_type=repo.type,
            revision=revision,
            create_pr=arguments.create_pr,
            parent_commit=seen["parent"],
        )
        if made.oid == seen["parent"]:
            return f"Nothing to commit: {repo} has these files already ({revision})."
        if made.pr_url:
            return f"{said} ({repo}) as pull request {made.pr_num}: {made.pr_url}"
        return told(api, seen, made.oid)

    def done(api: HfApi, seen: Seen) -> str | None:
        if arguments.create_pr:
            found = new_pull_request(api, repo, seen)
            return f"{seen['said']} ({repo}) as {found}" if found else None
        newest_first = api.list_repo_commits(repo.id, repo_type=repo.type, revision=revision)
        ids = [commit.commit_id for commit in newest_first]
        if seen["parent"] not in ids:
            raise ToolError(f"the commit {seen['parent']} is gone from {revision}")
        at = ids.index(seen["parent"])
        # Ours can only be the one right on top: any other would have made the Hub refuse it.
        ours = newest_first[at - 1] if at else None
        if ours and ours.title == seen["title"].splitlines()[0] and seen["author"] in ours.authors:
            return told(api, seen, ours.commit_id)
        return None

    return Change(before, do, done)


def _files(arguments: RepoArguments, cwd: str) -> Files:
    """Raises ToolError for what is not there or must not be published."""
    target = arguments.path.strip("/")
    if not arguments.source:
        return content_of(target, arguments.content)
    return files_of(arguments.source, target, cwd)
