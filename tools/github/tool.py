"""github: code, repositories, files and issues of GitHub, read alone."""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from core.effects import Effect
from core.errors import ToolError
from core.tool import AgentTool, ToolContext, ToolResult
from tools.github import files, search
from tools.github.refusals import ODD


class GithubArguments(BaseModel):
    model_config = ConfigDict(extra="forbid")

    operation: Literal[
        "search_code", "search_repos", "examples", "list_repos", "read", "tree", "issues"
    ]
    repo: str = Field("", description="owner/name")
    owner: str = ""
    query: str = Field("", description="words, GitHub qualifiers")
    keyword: str = Field("", description="of examples")
    path: str = ""
    ref: str = Field("", description="branch, tag, commit")
    lines: str = Field("", description="10-80, 10-; cells")
    number: int = Field(0, description="one issue, with comments")
    sort: Literal["stars", "forks", "updated", "match"] = "stars"
    limit: int = Field(30, ge=1, le=1000)

    @property
    def most(self) -> int:
        """A tree shows more, where no limit was named: its lines are short."""
        named = "limit" in self.model_fields_set
        return self.limit if named or self.operation != "tree" else 300

    @property
    def named_repo(self) -> str:
        """The repo, as part of an address. Raises ToolError for what is no owner/name."""
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", self.repo) or {".", ".."} & {*self.repo.split("/")}:
            given = self.repo or "nothing"
            raise ToolError(f"{self.operation} needs a repo, owner/name, not {given}")
        return self.repo


class Github(AgentTool):
    name: str = "github"
    description: str = (
        "GitHub: search code (needs GITHUB_TOKEN), repositories or issues; an owner's "
        "repositories by stars; a repository's example files (look before you write training "
        "code) or tree; read a file by lines, a notebook by cells."
    )
    args_schema: type[BaseModel] = GithubArguments
    looks_up: bool = True

    def effect(self, arguments: GithubArguments, cwd: str) -> Effect:
        return Effect("read")

    async def execute(self, arguments: GithubArguments, ctx: ToolContext) -> ToolResult:
        operations = {
            "search_code": search.search_code,
            "search_repos": search.search_repos,
            "list_repos": search.list_repos,
            "issues": search.issues,
            "examples": files.examples,
            "read": files.read,
            "tree": files.tree,
        }
        try:
            return await operations[arguments.operation](arguments, ctx)
        except (AttributeError, KeyError, TypeError, ValueError):
            # Answers are taken apart unchecked: one that is not what GitHub's document says.
            raise ToolError(ODD) from None
