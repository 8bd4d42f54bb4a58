"""Which change an operation of hf_repo is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graph.context import ToolRun
from tools.hub import repo_commit, repo_pulls, repo_settings
from tools.hub.change import Change

if TYPE_CHECKING:
    from tools.hub.repo import RepoArguments

CHANGES = {
    "create": repo_settings.create,
    "update": repo_settings.update,
    "branch": repo_settings.branch,
    "tag": repo_settings.tag,
    "pr_create": repo_pulls.pr_create,
    "pr_comment": repo_pulls.pr_comment,
    "pr_merge": repo_pulls.pr_merge,
    "pr_close": repo_pulls.pr_close,
}


async def change_of(arguments: RepoArguments, run: ToolRun, begun: bool = False) -> Change:
    """The change that is asked for. Raises ToolError where the arguments do not say enough.

    Args:
        begun: only `done` will be asked: local files may be gone by now.
    """
    if arguments.operation == "upload":
        return await repo_commit.upload(arguments, run, begun)
    if arguments.operation == "delete":
        whole = arguments.remove
        return repo_settings.delete_repo(arguments) if whole else repo_commit.deletion(arguments)
    return CHANGES[arguments.operation](arguments)
