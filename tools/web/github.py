"""github: code, repositories, files and issues of GitHub, read alone."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from graph.context import AgentTool, ToolResult, ToolRun
from graph.effects import Effect
from graph.errors import ToolError
from tools.web import github_files, github_search


class GithubArguments(BaseModel):
    model_config = ConfigDict(extra="forbid")

    operation: Literal[
        "search_code", "search_repos", "examples", "list_repos", "read", "tree", "issues"
    ]
    repo: str = Field("", description="owner/name")
    owner: str = Field("", description="user or organization")
    query: str = Field("", description="search_*, issues: words and GitHub qualifiers")
    keyword: str = Field("", description="examples: what they show")
    path: str = ""
    ref: str = Field("", description="branch, tag, commit")
    lines: str = Field("", description="read: 10-80, 10-; of a notebook: cells")
    number: int = Field(0, ge=0, description="issues: this one, with comments")
    sort: Literal["stars", "forks", "updated", "match"] = "stars"
    limit: int = Field(0, ge=0, le=1000, description="0: 30, of a tree 300")

    @property
    def most(self) -> int:
        return self.limit or (300 if self.operation == "tree" else 30)

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
        "Read GitHub: search code (needs GITHUB_TOKEN), repositories (most stars first) or "
        "issues; list an owner's repositories; find a repository's example files; its tree; read "
        "a file by lines, a notebook by cells. Start from a working example before writing "
        "training code."
    )
    args_schema: type[BaseModel] = GithubArguments

    def effect(self, arguments: GithubArguments, cwd: str) -> Effect:
        return Effect("read")

    async def execute(self, arguments: GithubArguments, run: ToolRun) -> ToolResult:
        operations = {
            "search_code": github_search.search_code,
            "search_repos": github_search.search_repos,
            "list_repos": github_search.list_repos,
            "issues": github_search.issues,
            "examples": github_files.examples,
            "read": github_files.read,
            "tree": github_files.tree,
        }
        return await operations[arguments.operation](arguments, run)
