"""The stand-in Hub's repositories: what `HfApi` asks of them, as the Hub answers it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from tests.stand_ins import hub_errors as errors
from tests.stand_ins.hub_state import Commit, Discussion, Repo, person
from tests.stand_ins.service import Answer, Refusal, Request

if TYPE_CHECKING:
    from tests.stand_ins.hub_server import HubServer

KINDS = {"models": "model", "datasets": "dataset", "spaces": "space"}


class Repositories:
    """Routes below /api/{models,datasets,spaces}/ID and the files themselves."""

    def __init__(self, hub: HubServer) -> None:
        self.hub = hub

    def answer(self, request: Request) -> Answer | None:
        parts = request.parts
        if parts[:2] == ["api", "repos"] and len(parts) == 3:
            return self._create(request) if parts[2] == "create" else self._delete(request)
        if parts[0] == "api" and len(parts) >= 4 and parts[1] in KINDS:
            repo = self._repo(request, KINDS[parts[1]], "/".join(parts[2:4]))
            rest = parts[4:] or ["info"]
            act = getattr(self, f"_{request.method.lower()}_{rest[0].replace('-', '_')}", None)
            return None if act is None else act(request, repo, rest[1:])
        lfs = re.fullmatch(
            r"(?:(datasets|spaces)/)?([^/]+/[^/]+)\.git/info/lfs/objects/batch", "/".join(parts)
        )
        if lfs and request.method == "POST":
            self._repo(request, KINDS[lfs[1] or "models"], lfs[2])
            return self._batch(request)
        if parts[0] == "lfs" and request.method == "PUT":
            self.hub.large[parts[1]] = request.body
            return Answer()
        resolved = re.fullmatch(
            r"(?:(datasets|spaces)/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", "/".join(parts)
        )
        if resolved and request.method in ("GET", "HEAD"):
            kind, name, revision, path = resolved.groups()
            repo = self._repo(request, KINDS[kind or "models"], name)
            return self._file(request, repo, revision, path)
        return None

    # --- who may what ---

    def _repo(self, request: Request, kind: str, name: str) -> Repo:
        user = self.hub.user(request)
        repo = self.hub.repos.get((kind, name))
        hidden = repo is not None and repo.visibility == "private" and user != repo.owner
        if repo is None or hidden:
            raise Refusal(errors.repo_not_found(404 if user else 401))
        return repo

    def _writer(self, request: Request, repo: Repo | None = None, owner: str = "") -> str:
        user = self.hub.user(request)
        if not user:
            raise Refusal(errors.NO_TOKEN)
        owner = repo.owner if repo else owner
        if owner and owner != user and owner not in self.hub.organizations:
            raise Refusal(errors.MISSING_SCOPE)
        return user

    def _commit_of(self, repo: Repo, revision: str) -> Commit:
        found = repo.at(revision)
        if found is None:
            raise Refusal(errors.revision_not_found(revision))
        return found

    # --- repositories ---

    def _create(self, request: Request) -> Answer:
        body = request.json()
        owner = body.get("organization") or self._writer(request)
        self._writer(request, owner=owner)
        kind, name = body.get("type") or "model", f"{owner}/{body['name']}"
        page = name if kind == "model" else f"{kind}s/{name}"
        url = f"{self.hub.url}/{page}"
        if (kind, name) in self.hub.repos:
            return errors.exists(kind, url)
        repo = Repo.new(name, kind, {".gitattributes": "*.bin filter=lfs\n"})
        repo.visibility = body.get("visibility") or "public"
        repo.meta = {"sdk": body["sdk"]} if kind == "space" else {}
        self.hub.repos[(kind, name)] = repo
        return Answer({"url": url, "name": name, "id": "0" * 24})

    def _delete(self, request: Request) -> Answer:
        body = request.json()
        owner = body.get("organization") or self._writer(request)
        kind, name = body.get("type") or "model", f"{owner}/{body['name']}"
        self._writer(request, self._repo(request, kind, name))
        del self.hub.repos[(kind, name)]
        return Answer("OK")

    def _get_info(self, request: Request, repo: Repo, rest: list[str]) -> Answer:
        return Answer(repo.info(blobs="blobs" in request.query))

    def _get_revision(self, request: Request, repo: Repo, rest: list[str]) -> Answer:
        return Answer(repo.info(self._commit_of(repo, rest[0])))

    def _put_settings(self, request: Request, repo: Repo, rest: list[str]) -> Answer:
        self._writer(request, repo)
        body = request.json()
        repo.visibility = body.get("visibility", repo.visibility)
        repo.gated = body.get("gated", repo.gated)
        return Answer(body)

    # --- files ---

    def _get_tree(self, request: Request, repo: Repo, rest: list[str]) -> Answer:
        commit = self._commit_of(repo, rest[0])
        folder = "/".join(rest[1:])
        below = {n: c for n, c in commit.files.items() if not folder or n.startswith(f"{folder}/")}
        if folder and not below:
            raise Refusal(errors.entry_not_found())
        entries = _tree(below, folder, request.query.get("recursive", "").lower() in ("true", "1"))
        return self.hub.page(request, entries, self.hub.tree_page)

    def _post_paths_info(self, request: Request, repo: Repo, rest: list[str]) -> Answer:
        commit = self._commit_of(repo, rest[0])
        is_form = "form" in request.headers.get("content-type", "")
        wanted = request.form().get("paths", []) if is_form else request.json()["paths"]
        found = [e for e in _tree(commit.files, "", True) if e["path"] in wanted]
        return Answer([{"size": 0, **entry} for entry in found])

    def _file(self, request: Request, repo: Repo, revision: str, path: str) -> Answer:
        user = self.hub.user(request)
        if repo.gated and user not in repo.allowed and user != repo.owner:
            return errors.gated(repo.id, bool(user))
        commit = self._commit_of(repo, revision)
        if path not in commit.files:
            return errors.entry_not_found()
        content = commit.files[path]
        headers = {
            "ETag": f'"{_blob(content)}"',
            "X-Repo-Commit": commit.id,
            "Content-Type": "application/octet-stream",
            "Content-Length": str(len(content)),
        }
        return Answer(content, 200, headers)

    def _batch(self, request: Request) -> Answer:
        """Where the large files of a commit are to be put."""
        objects = [
            {**wanted, "actions": {"upload": {"href": f"{self.hub.url}/lfs/{wanted['oid']}"}}}
            for wanted in request.json()["objects"]
        ]
        return Answer({"transfer": "basic", "objects": objects})

    def _post_preupload(self, request: Request, repo: Repo, rest: list[str]) -> Answer:
        if request.query.get("create_pr") != "1":
            self._writer(request, repo)
        held = self._commit_of(repo, rest[0]).files
        files = []
        for file in request.json()["files"]:
            large = file["path"].endswith((".bin", ".safetensors"))
            mode = "lfs" if large else "regular"
            told = {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}
            if file["path"] in held:
                told["oid"] = _blob(held[file["path"]])
            files.append(told)
        return Answer({"files": files, "commitOid": repo.head.id})

    def _post_commit(self, request: Request, repo: Repo, rest: list[str]) -> Answer:
        as_pull_request = request.query.get("create_pr") == "1"
        user = self._writer(request, None if as_pull_request else repo)
        lines = [json.loads(line) for line in request.body.splitlines() if line.strip()]
        header = lines[0]["value"]
        parent = self._commit_of(repo, rest[0])
        if header.get("parentCommit") not in (None, parent.id):
            return errors.CONFLICT
        files = dict(parent.files)
        for line in lines[1:]:
            if line["key"] == "lfsFile":
                files[line["value"]["path"]] = self.hub.large[line["value"]["oid"]]
            else:
                _apply(line["key"], line["value"], files)
        made = Commit.on(parent, header["summary"], files, user, header.get("description", ""))
        told = {"success": True, "commitOid": made.id, "hookOutput": ""}
        if as_pull_request:
            opened = repo.open(header["summary"], user, header.get("description", ""), True)
            opened.status = "open"
            opened.event("commit", user, {"subject": made.title, "oid": made.id[:8]})
            repo.branches[f"refs/pr/{opened.num}"] = made
            told["pullRequestUrl"] = f"{self._page(repo)}/discussions/{opened.num}"
        else:
            repo.branches[rest[0]] = made
        return Answer({**told, "commitUrl": f"{self._page(repo)}/commit/{made.id}"})

    def _page(self, repo: Repo) -> str:
        return f"{self.hub.url}/{repo.id if repo.type == 'model' else f'{repo.type}s/{repo.id}'}"

    # --- references ---

    def _get_commits(self, request: Request, repo: Repo, rest: list[str]) -> Answer:
        told = [
            {
                "id": commit.id,
                "title": commit.title,
                "message": commit.message,
                "authors": [{"user": commit.author}],
                "date": commit.date,
            }
            for commit in self._commit_of(repo, rest[0]).history
        ]
        return self.hub.page(request, told, self.hub.commits_page, by="p")

    def _get_refs(self, request: Request, repo: Repo, rest: list[str]) -> Answer:
        heads = {n: c for n, c in repo.branches.items() if not n.startswith("refs/pr/")}
        told: dict[str, Any] = {
            "branches": [_ref(n, f"refs/heads/{n}", c) for n, c in heads.items()],
            "tags": [_ref(n, f"refs/tags/{n}", c) for n, c in repo.tags.items()],
            "converts": [],
        }
        if request.query.get("include_prs"):
            pulls = [(n, c) for n, c in repo.branches.items() if n not in heads]
            told["pullRequests"] = [_ref(n.removeprefix("refs/pr/"), n, c) for n, c in pulls]
        return Answer(told)

    def _post_branch(self, request: Request, repo: Repo, rest: list[str]) -> Answer:
        self._writer(request, repo)
        if rest[0] in repo.branches:
            return Answer({"error": f"Reference already exists: {rest[0]}"}, 409)
        start = request.json().get("startingPoint", "main")
        repo.branches[rest[0]] = self._commit_of(repo, start)
        return Answer()

    def _delete_branch(self, request: Request, repo: Repo, rest: list[str]) -> Answer:
        self._writer(request, repo)
        if repo.branches.pop(rest[0], None) is None:
            raise Refusal(errors.revision_not_found(rest[0]))
        return Answer()

    def _post_tag(self, request: Request, repo: Repo, rest: list[str]) -> Answer:
        self._writer(request, repo)
        name = request.json()["tag"]
        if name in repo.tags:
            return Answer({"error": f"Tag already exists: {name}"}, 409)
        repo.tags[name] = self._commit_of(repo, rest[0])
        return Answer()

    def _delete_tag(self, request: Request, repo: Repo, rest: list[str]) -> Answer:
        self._writer(request, repo)
        if repo.tags.pop(rest[0], None) is None:
            raise Refusal(errors.revision_not_found(rest[0]))
        return Answer()

    # --- discussions ---

    def _get_discussions(self, request: Request, repo: Repo, rest: list[str]) -> Answer:
        if rest:
            return Answer(self._details(repo, self._discussion(repo, rest)))
        query = request.query
        wanted = {"pull_request": (True,), "discussion": (False,)}.get(
            query.get("type", "all"), (True, False)
        )
        open_ = {"open": ("draft", "open"), "closed": ("closed", "merged")}.get(
            query.get("status", "all")
        )
        chosen = [
            d
            for d in reversed(repo.discussions)
            if d.is_pull_request in wanted
            and (open_ is None or d.status in open_)
            and query.get("author") in (None, d.author)
        ]
        start = int(query.get("p", 0)) * self.hub.discussions_page
        page = chosen[start : start + self.hub.discussions_page]
        told = [self._listed(repo, discussion) for discussion in page]
        return Answer({"discussions": told, "count": len(chosen), "start": start})

    def _post_discussions(self, request: Request, repo: Repo, rest: list[str]) -> Answer:
        user = self._writer(request)
        body = request.json() if request.body else {}
        if not rest:
            made = repo.open(
                body["title"], user, body["description"], bool(body.get("pullRequest"))
            )
            url = f"{self._page(repo)}/discussions/{made.num}"
            return Answer({"url": url, "num": made.num, "pullRequest": made.is_pull_request})
        discussion = self._discussion(repo, rest)
        if rest[1] == "comment":
            return Answer({"newMessage": discussion.comment(user, body["comment"])}, 201)
        if user not in (repo.owner, discussion.author):
            return errors.MISSING_SCOPE
        if body.get("comment"):
            discussion.comment(user, body["comment"])
        if rest[1] == "status":
            discussion.status = body["status"]
            data = {"status": body["status"]}
            return Answer({"newStatus": discussion.event("status-change", user, data)})
        if rest[1] == "merge":
            return self._merge(repo, discussion, user)
        return errors.not_found()

    def _merge(self, repo: Repo, discussion: Discussion, user: str) -> Answer:
        if discussion.status != "open":
            return errors.bad_request("This pull request is not open")
        theirs = repo.branches[f"refs/pr/{discussion.num}"]
        title = f"{discussion.title} (#{discussion.num})"
        merged = Commit.on(repo.head, title, {**repo.head.files, **theirs.files}, user)
        repo.branches["main"] = merged
        discussion.status, discussion.merge_commit = "merged", merged.id
        discussion.event("status-change", user, {"status": "merged"})
        return Answer()

    def _discussion(self, repo: Repo, rest: list[str]) -> Discussion:
        found = repo.discussion(int(rest[0]))
        if found is None:
            raise Refusal(errors.not_found("Discussion not found"))
        return found

    def _listed(self, repo: Repo, discussion: Discussion) -> dict[str, Any]:
        return {
            "num": discussion.num,
            "author": person(discussion.author),
            "repo": {"name": repo.id, "type": repo.type},
            "title": discussion.title,
            "createdAt": discussion.created,
            "topReactions": [],
            "status": discussion.status,
            "isPullRequest": discussion.is_pull_request,
            "numComments": sum(e["type"] == "comment" for e in discussion.events),
            "numReactionUsers": 0,
            "pinned": False,
        }

    def _details(self, repo: Repo, discussion: Discussion) -> dict[str, Any]:
        told = {
            "_id": f"{discussion.num:024x}",
            "num": discussion.num,
            "author": person(discussion.author),
            "repo": {"name": repo.id, "type": repo.type},
            "title": discussion.title,
            "createdAt": discussion.created,
            "status": discussion.status,
            "events": discussion.events,
            "pinned": False,
            "locked": False,
            "collection": "discussions",
            "isPullRequest": discussion.is_pull_request,
            "isReport": False,
        }
        if discussion.is_pull_request:
            merged = {"mergeCommitId": discussion.merge_commit} if discussion.merge_commit else {}
            told["changes"] = {"base": "refs/heads/main", **merged}
            told["filesWithConflicts"] = []
            told["diff"] = repo.diff(discussion.num)
        return told


def _blob(content: bytes) -> str:
    """A file's git object id."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _ref(name: str, ref: str, commit: Commit) -> dict[str, str]:
    return {"name": name, "ref": ref, "targetCommit": commit.id}


def _tree(files: dict[str, bytes], folder: str, recursive: bool) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, content in sorted(files.items()):
        inner = name.removeprefix(f"{folder}/") if folder else name
        folders = inner.split("/")[:-1]
        for depth in (
            range(1, len(folders) + 1) if recursive else range(1, min(len(folders), 1) + 1)
        ):
            path = "/".join([*([folder] if folder else []), *folders[:depth]])
            found[path] = {
                "type": "directory",
                "oid": _blob(path.encode()),
                "size": 0,
                "path": path,
            }
        if recursive or not folders:
            found[name] = {
                "type": "file",
                "oid": _blob(content),
                "size": len(content),
                "path": name,
            }
    return list(found.values())


def _apply(key: str, value: dict[str, Any], files: dict[str, bytes]) -> None:
    """One line of a commit."""
    path = value["path"]
    if key == "file":
        content = value["content"].encode()
        files[path] = base64.b64decode(content) if value.get("encoding") == "base64" else content
    elif key == "deletedFile":
        if path not in files:
            raise Refusal(errors.entry_not_found())
        del files[path]
    elif key == "deletedFolder":
        gone = [name for name in files if name.startswith(path.rstrip("/") + "/")]
        if not gone:
            raise Refusal(errors.entry_not_found())
        for name in gone:
            del files[name]
    else:
        raise Refusal(errors.bad_request(f"the stand-in takes no {key}"))
