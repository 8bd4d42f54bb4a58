"""Commits of hf_repo: files that are uploaded or deleted.

A commit names the one it stands on (`parent_commit`): the Hub refuses it when that is no longer
the newest, so that a commit which is sent twice happens once.
"""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graph.context import ToolRun
from graph.errors import ToolError
from graph.policy.paths import resolved
from graph.redaction import redacted
from tools.hub.change import Change, Seen, author_of, needed, page
from tools.hub.lines import size
from tools.hub.repo_pulls import new_pull_request, pull_requests
from tools.local.found import hides_secrets

if TYPE_CHECKING:
    from huggingface_hub import HfApi

    from tools.hub.repo import RepoArguments

#: Files of one commit, and bytes of a file in which a credential is looked for.
MOST, LOOKED_THROUGH = 20_000, 2_000_000
NEVER = frozenset({".git", ".cache", "__pycache__", ".ml-agent", ".venv", "node_modules"})


@dataclass(frozen=True)
class Files:
    """What is uploaded: paths in the repository with a local path or the content."""

    contents: dict[str, str | bytes]
    left_out: tuple[str, ...] = ()
    size: int = 0

    @property
    def described(self) -> str:
        names = sorted(self.contents)
        shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
        return shown + (
            f"; left out, known to hold secrets: {', '.join(self.left_out)}"
            if self.left_out
            else ""
        )


async def upload(arguments: RepoArguments, run: ToolRun, begun: bool) -> Change:
    if arguments.source and arguments.content:
        raise ToolError("upload takes a source or a content, not both")
    if not arguments.source:
        needed(arguments.path, "upload of content", "a path, its name in the repository")
    files = Files({}) if begun else await asyncio.to_thread(_files, arguments, run.cwd)
    count = len(files.contents)
    first = next(iter(files.contents), "files")
    message = arguments.message or f"Upload {first if count == 1 else f'{count} files'}"

    def operations() -> list[Any]:
        from huggingface_hub import CommitOperationAdd

        return [CommitOperationAdd(name, held) for name, held in files.contents.items()]

    if count > 1:
        run.log(f"uploading {count} files, {size(files.size)}")
    return _commit(arguments, message, operations, f"Uploaded {files.described}")


def deletion(arguments: RepoArguments) -> Change:
    needed(arguments.paths, "delete", "paths, or remove for the whole repository")
    message = arguments.message or f"Delete {', '.join(arguments.paths)}"[:200]

    def operations() -> list[Any]:
        from huggingface_hub import CommitOperationDelete

        return [CommitOperationDelete(path) for path in arguments.paths]

    return _commit(arguments, message, operations, f"Deleted {', '.join(arguments.paths)}")


def _commit(arguments: RepoArguments, message: str, operations: Any, said: str) -> Change:
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
        content = arguments.content.encode()
        _no_credential(target, content)
        return Files({target: content})
    source = resolved(arguments.source, cwd)
    held: dict[str, str] = {}
    secret: list[str] = []
    if os.path.isfile(source):
        held[target or os.path.basename(source)] = source
    elif not os.path.isdir(source):
        raise ToolError(f"there is no {arguments.source} to upload")
    for folder, folders, names in os.walk(source):
        folders[:] = sorted(set(folders) - NEVER)
        for name in sorted(names):
            path = os.path.join(folder, name)
            inner = os.path.relpath(path, source).replace(os.sep, "/")
            if hides_secrets(path, cwd):
                secret.append(inner)
            elif os.path.isfile(path):
                held[f"{target}/{inner}" if target else inner] = path
    if not held:
        raise ToolError(f"{arguments.source} holds nothing to upload")
    if len(held) > MOST:
        raise ToolError(
            f"{arguments.source} holds {len(held)} files: `hf upload-large-folder` in bash"
        )
    _check(held)
    return Files(dict(held), tuple(secret), sum(map(os.path.getsize, held.values())))


def _check(held: dict[str, str]) -> None:
    for name, path in held.items():
        try:
            with open(path, "rb") as file:
                beginning = file.read(8000)
                if b"\0" not in beginning:
                    _no_credential(name, beginning + file.read(LOOKED_THROUGH))
        except OSError as error:
            raise ToolError(f"{path} cannot be read: {error.strerror}") from None


def _no_credential(name: str, content: bytes) -> None:
    """What was published once cannot be taken back."""
    text = content.decode("utf-8", "replace")
    # `[secret NAME]` stands for a credential that this process has, not for a likely shape.
    found = re.search(r"\[secret (\w+)\]", redacted(text))
    if found and found[0] not in text:
        raise ToolError(f"{name} holds the value of {found[1]}: take it out before publishing")
