"""What the stand-in Hub remembers: repositories with commits, references and discussions."""

from __future__ import annotations

import difflib
import hashlib
import itertools
from dataclasses import dataclass, field
from typing import Any

_COUNT = itertools.count(1)


def moment(count: int) -> str:
    """A moment of its own for each count, in the Hub's format."""
    return f"2026-11-{1 + count // 1440 % 28:02d}T{count // 60 % 24:02d}:{count % 60:02d}:00.000Z"


def person(name: str) -> dict[str, Any]:
    return {
        "_id": hashlib.sha1(name.encode()).hexdigest()[:24],
        "avatarUrl": f"/avatars/{name}.svg",
        "fullname": name.title(),
        "name": name,
        "isHf": False,
        "isHfAdmin": False,
        "isMod": False,
        "type": "user",
        "isPro": False,
    }


@dataclass(frozen=True)
class Commit:
    id: str
    title: str
    message: str
    author: str
    date: str
    files: dict[str, bytes]
    parent: Commit | None = None

    @classmethod
    def on(
        cls,
        parent: Commit | None,
        title: str,
        files: dict[str, bytes],
        author: str = "ann",
        message: str = "",
    ) -> Commit:
        count = next(_COUNT)
        sha = hashlib.sha1(f"{count}{title}".encode()).hexdigest()
        return cls(sha, title, message, author, moment(count), files, parent)

    @property
    def history(self) -> list[Commit]:
        """The newest first."""
        return [self, *(self.parent.history if self.parent else ())]


@dataclass
class Discussion:
    num: int
    title: str
    author: str
    is_pull_request: bool
    status: str = "open"
    created: str = field(default_factory=lambda: moment(next(_COUNT)))
    events: list[dict[str, Any]] = field(default_factory=list)
    merge_commit: str = ""

    def event(self, kind: str, author: str, data: dict[str, Any]) -> dict[str, Any]:
        count = next(_COUNT)
        made = {
            "id": f"{count:024x}",
            "author": person(author),
            "createdAt": moment(count),
            "type": kind,
            "data": data,
        }
        self.events.append(made)
        return made

    def comment(self, author: str, text: str) -> dict[str, Any]:
        latest = {"raw": text, "html": f"<p>{text}</p>", "updatedAt": moment(next(_COUNT))}
        data = {
            "edited": False,
            "hidden": False,
            "latest": latest,
            "numEdits": 0,
            "editors": [author],
            "editorAvatarUrls": [f"/avatars/{author}.svg"],
            "reactions": [],
        }
        return self.event("comment", author, data)


@dataclass
class Repo:
    """A repository. `meta`: what lists show of it (likes, downloads, tags, ...)."""

    id: str
    type: str = "model"
    visibility: str = "public"
    gated: bool | str = False
    allowed: set[str] = field(default_factory=set)
    branches: dict[str, Commit] = field(default_factory=dict)
    tags: dict[str, Commit] = field(default_factory=dict)
    discussions: list[Discussion] = field(default_factory=list)
    meta: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def new(cls, id: str, type: str = "model", files: Any = None, **more: Any) -> Repo:
        repo = cls(id, type, **more)
        held = {n: c.encode() if isinstance(c, str) else c for n, c in (files or {}).items()}
        repo.branches["main"] = Commit.on(None, "initial commit", held)
        return repo

    @property
    def owner(self) -> str:
        return self.id.split("/")[0]

    @property
    def head(self) -> Commit:
        return self.branches["main"]

    def at(self, revision: str) -> Commit | None:
        """The commit that a branch, tag, pull request's reference or hash is for."""
        names = {
            **self.branches,
            **self.tags,
            **{f"refs/heads/{n}": c for n, c in self.branches.items()},
        }
        if revision in names:
            return names[revision]
        every = [commit for head in names.values() for commit in head.history]
        return next((c for c in every if len(revision) > 6 and c.id.startswith(revision)), None)

    def commit(self, title: str, files: dict[str, str | bytes], branch: str = "main") -> Commit:
        """As someone else commits, past the API."""
        parent = self.branches[branch]
        changed = {n: c.encode() if isinstance(c, str) else c for n, c in files.items()}
        made = Commit.on(parent, title, {**parent.files, **changed}, author="bob")
        self.branches[branch] = made
        return made

    def discussion(self, num: int) -> Discussion | None:
        return next((d for d in self.discussions if d.num == num), None)

    def open(self, title: str, author: str, text: str, pull_request: bool) -> Discussion:
        made = Discussion(len(self.discussions) + 1, title, author, pull_request)
        made.comment(author, text)
        self.discussions.append(made)
        if pull_request:
            made.status = "draft"
            self.branches[f"refs/pr/{made.num}"] = self.head
        return made

    def diff(self, num: int) -> str:
        theirs = self.branches[f"refs/pr/{num}"].files
        lines: list[str] = []
        for name in sorted(theirs.keys() | self.head.files.keys()):
            before, after = self.head.files.get(name, b""), theirs.get(name, b"")
            if before != after:
                lines.append(f"diff --git a/{name} b/{name}")
                lines += difflib.unified_diff(
                    before.decode().splitlines(), after.decode().splitlines(), lineterm=""
                )
        return "\n".join(lines)

    def info(self, commit: Commit | None = None, blobs: bool = False) -> dict[str, Any]:
        """As the lists and the repository's own page give it; `blobs`: with the files' sizes."""
        commit = commit or self.head
        plain = {
            "_id": hashlib.sha1(self.id.encode()).hexdigest()[:24],
            "id": self.id,
            "author": self.owner,
            "sha": commit.id,
            "lastModified": commit.date,
            "createdAt": commit.history[-1].date,
            "private": self.visibility == "private",
            "gated": self.gated,
            "likes": 0,
            "downloads": 0,
            "tags": [],
            "siblings": [
                {"rfilename": name} | ({"size": len(body)} if blobs else {})
                for name, body in sorted(commit.files.items())
            ],
        }
        if self.type == "model":
            plain["modelId"] = self.id
        return {**plain, **self.meta}
