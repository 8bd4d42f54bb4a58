"""Which change an operation of hf_repo is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.hub.change_once import Change
from core.tool import ToolContext
from tools.hub.repo import commit, pulls, settings

if TYPE_CHECKING:
    from tools.hub.repo.tool import RepoArguments

CHANGES = {
    "create": settings.create,
    "update": settings.update,
    "branch": settings.branch,
    "tag": settings.tag,
    "pr_create": pulls.pr_create,
    "pr_comment": pulls.pr_comment,
    "pr_merge": pulls.pr_merge,
    "pr_close": pulls.pr_close,
}


async def change_of(arguments: RepoArguments, ctx: ToolContext, begun: bool = False) -> Change:
    """The change that is asked for. Raises ToolError where the arguments do not say enough.

    Args:
        begun: only `done` will be asked: local files may be gone by now.
    """
    if arguments.operation == "upload":
        return await commit.upload(arguments, ctx, begun)
    if arguments.operation == "delete":
        whole = arguments.remove
        return settings.delete_repo(arguments) if whole else commit.deletion(arguments)
    return CHANGES[arguments.operation](arguments)
