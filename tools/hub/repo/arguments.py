"""The arguments of hf_repo."""

from typing import Literal

from pydantic import BaseModel, Field

from core.hub.refusals import Repo, RepoType

Operation = Literal[
    "list", "read", "upload", "delete", "create", "update", "branch", "tag", "refs", "commits",
    "pr_create", "pr_list", "pr_get", "pr_comment", "pr_merge", "pr_close",
]  # fmt: skip
READS = ("list", "read", "refs", "commits", "pr_list", "pr_get")


class RepoArguments(BaseModel, extra="forbid"):
    operation: Operation
    repo: str = Field(min_length=1, description="owner/name")
    type: RepoType = "model"
    revision: str = Field("", description="branch, tag, commit, refs/pr/N")
    path: str = Field("", description="in the repo")
    limit: int = Field(200, ge=1, le=2000)
    source: str = Field("", description="upload: local file or folder")
    content: str = Field("", description="upload: text, without source")
    paths: list[str] = Field(default_factory=list, description="delete: files, folders/")
    message: str = Field("", description="of the commit; title of pr_create")
    text: str = Field("", description="comment or description")
    create_pr: bool = Field(False, description="commit as a pull request")
    name: str = Field("", description="of the branch or tag")
    remove: bool = Field(False, description="branch, tag: delete it; delete: the whole repo")
    number: int = Field(0, description="of the pull request")
    visibility: Literal["", "private", "public"] = ""
    gated: Literal["", "auto", "manual", "off"] = ""
    sdk: Literal["", "gradio", "docker", "static"] = Field("", description="of a new space")

    @property
    def about(self) -> Repo:
        path = self.paths[0] if len(self.paths) == 1 else self.path
        return Repo(self.repo, self.type, self.revision, path)
