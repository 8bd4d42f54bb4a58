"""GitHub's REST API on 127.0.0.1: repositories, their files, searches, issues, limits.

    with GithubServer() as github:
        github.add("ann/tools", {"examples/train.py": "import trl\\n"}, stars=7)
        ...  # Settings(github_url=github.url); GITHUB_TOKEN=ghp_ann is ann's token

Checked both ways against github.json; its example bodies are what the answers are made from.
"""

import base64
import copy
import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.stand_ins.contract import FOLDER, Contract
from tests.stand_ins.service import Answer, Refusal, Request, Service

DOCUMENT: dict[str, Any] = json.loads((FOLDER / "github.json").read_text(encoding="utf-8"))
EXAMPLES = DOCUMENT["components"]["examples"]
REPO = EXAMPLES["repo-search-result-item-paginated"]["value"]["items"][0]
CODE = EXAMPLES["code-search-result-item-paginated"]["value"]["items"][0]
ISSUE = EXAMPLES["issue-search-result-item-paginated"]["value"]["items"][0]
FILE = EXAMPLES["content-file-response-if-content-is-a-file"]["value"]
WHOLE_REPO = EXAMPLES["full-repository-default-response"]["value"]
#: GitHub's own: of a file that is larger, JSON leaves the content out; most results of a search.
MEGABYTE, MOST_FOUND = 1_000_000, 1000
DOCS = "https://docs.github.com/rest"


def _contract() -> Contract:
    # One issue is not in the part of the document that was cut out; a list of them is.
    listed = DOCUMENT["paths"]["/repos/{owner}/{repo}/issues"]["get"]
    one = copy.deepcopy(listed)
    schema = one["responses"]["200"]["content"]["application/json"]["schema"]
    one["responses"]["200"]["content"]["application/json"]["schema"] = schema["items"]
    one["parameters"] = listed["parameters"][:2]
    document = copy.deepcopy(DOCUMENT)
    document["paths"]["/repos/{owner}/{repo}/issues/{issue_number}"] = {"get": one}
    return Contract(document)


def error(status: int, message: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"message": message, "documentation_url": DOCS, "status": str(status)}
    return Answer(body, status, named)


BAD_TOKEN = error(401, "Bad credentials")
NO_TOKEN = error(401, "Requires authentication")
FORBIDDEN = error(403, "Resource protected by organization SAML enforcement.")
BROKEN_NOW = error(500, "Server Error", Retry_After="0")
NO_JSON = Answer("<html>this is no JSON", 200, {"Content-Type": "application/json"})
NOT_FOUND = error(404, "Not Found")
EMPTY = error(409, "Git Repository is empty.")


def primary(status: int, wait: int = 1800, bucket: str = "core", limit: int = 60) -> Answer:
    """The limit of requests is used up; 403 or 429."""
    return error(
        status,
        "API rate limit exceeded for 203.0.113.7.",
        **_headers(bucket, limit, 0, int(time.time()) + wait),
    )


def secondary(status: int, **headers: str) -> Answer:
    headers = {**_headers("core", 5000, 4000, int(time.time()) + 1800), **headers}
    return error(status, "You have exceeded a secondary rate limit. Please wait.", **headers)


def _headers(bucket: str, limit: int, remaining: int, reset: int) -> dict[str, str]:
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-used": str(limit - remaining),
        "x-ratelimit-reset": str(reset),
        "x-ratelimit-resource": bucket,
    }


@dataclass
class Repo:
    """files: at each ref, by path. links: targets of symlinks that lead to no file of it.
    submodules: addresses by path. truncated: entries of a recursive tree that are given."""

    name: str
    files: dict[str, dict[str, bytes]]
    meta: dict[str, Any]
    links: dict[str, str] = field(default_factory=dict)
    submodules: dict[str, str] = field(default_factory=dict)
    truncated: int = 1_000_000
    issues: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, list[str]] = field(default_factory=dict)
    private: bool = False

    def issue(self, number: int, title: str, body: str = "", **more: Any) -> None:
        api = f"https://api.github.com/repos/{self.name}"
        made = {**ISSUE, "number": number, "title": title, "body": body, "repository_url": api}
        made |= {"labels": [], "comments": len(self.comments.get(number, ())), **more}
        made["pull_request"] = more.get("pull_request")
        if made["pull_request"] is None:
            del made["pull_request"]
        self.issues.append(made)


class GithubServer(Service):
    """Attributes:
    repos: by owner/name. tokens: whose each token is. left: requests that remain, by bucket.
    moved: new names of repositories by their old ones. early: whether searches give up early.
    """

    contract = _contract()

    def __init__(self) -> None:
        super().__init__()
        self.repos: dict[str, Repo] = {}
        self.tokens = {"ghp_ann": "ann"}
        self.left = {"core": 5000, "search": 30, "code_search": 10}
        self.moved: dict[str, str] = {}
        self.early = False

    def add(
        self,
        name: str,
        files: dict[str, str | bytes] | None = None,
        *,
        stars: int = 0,
        private: bool = False,
        **meta: Any,
    ) -> Repo:
        main = {p: t if isinstance(t, bytes) else t.encode() for p, t in (files or {}).items()}
        meta = {"stargazers_count": stars, "description": f"About {name}", **meta}
        self.repos[name] = Repo(name, {"main": main}, meta, private=private)
        return self.repos[name]

    def answer(self, request: Request) -> Answer:
        bucket = "core"
        if request.path.startswith("/search/"):
            bucket = "code_search" if request.path == "/search/code" else "search"
        if "authorization" in request.headers and request.token not in self.tokens:
            raise Refusal(BAD_TOKEN)
        if self.left[bucket] <= 0:
            return primary(403, bucket=bucket)
        self.left[bucket] -= 1
        answer = self._answer(request)
        limits = _headers(bucket, 5000, self.left[bucket], int(time.time()) + 1800)
        return Answer(answer.body, answer.status, {**limits, **answer.headers})

    def _answer(self, request: Request) -> Answer:
        parts = request.parts
        if parts[0] == "search":
            return self._search(parts[1], request)
        if parts[0] != "repos" or len(parts) < 3:
            return NOT_FOUND
        name = f"{parts[1]}/{parts[2]}"
        if name in self.moved:
            there = request.target.replace(f"/repos/{name}", f"/repos/{self.moved[name]}")
            return Answer(
                {"message": "Moved Permanently", "url": there, "documentation_url": DOCS},
                301,
                {"Location": f"{self.url}{there}"},
            )
        repo = self.repos.get(name)
        if repo is None or (repo.private and not request.token):
            return NOT_FOUND
        if len(parts) == 3:
            # The repositories within GitHub's own example lack what its schema requires.
            within = ("source", "parent", "template_repository")
            made = {k: v for k, v in WHOLE_REPO.items() if k not in within}
            return Answer({**made, "full_name": name, "default_branch": "main", "language": "C"})
        if parts[3] == "branches":
            commit = {"sha": _sha(name), "url": "https://api.github.com/x"}
            return Answer([{"name": b, "commit": commit, "protected": False} for b in repo.files])
        if parts[3:5] == ["git", "trees"]:
            return self._tree(repo, parts[5], request)
        if parts[3] == "contents":
            return self._contents(repo, "/".join(parts[4:]), request)
        if parts[3] == "issues" and len(parts) == 5:
            return self._issue(repo, int(parts[4]))
        if parts[3] == "issues" and parts[5:] == ["comments"]:
            said = repo.comments.get(int(parts[4]), [])
            user = {"login": "bob"}
            return Answer(
                [{"user": user, "created_at": "2026-05-01T00:00:00Z", "body": t} for t in said]
            )
        return NOT_FOUND

    def _tree(self, repo: Repo, ref: str, request: Request) -> Answer:
        inside = ""
        folders = {_sha(f"{repo.name}:{f}"): f for f in _folders(repo.files["main"])}
        if ref in folders:
            inside, ref = f"{folders[ref]}/", "main"
        files = repo.files.get("main" if ref == "HEAD" else ref)
        if files is None:
            return NOT_FOUND
        if not files:
            return EMPTY
        entries = [_entry(repo, "tree", f) for f in _folders(files)]
        entries += [_entry(repo, "blob", f, len(files[f])) for f in files]
        entries += [_entry(repo, "blob", f, 9, "120000") for f in repo.links]
        entries += [_entry(repo, "commit", f) for f in repo.submodules]
        entries = [e for e in entries if e["path"].startswith(inside) and e["path"] != inside]
        entries = [{**e, "path": e["path"][len(inside) :]} for e in entries]
        recursive = "recursive" in request.query
        if not recursive:
            entries = [e for e in entries if "/" not in e["path"]]
        entries.sort(key=lambda e: e["path"])
        cut = recursive and not inside and len(entries) > repo.truncated
        shown = entries[: repo.truncated] if cut else entries
        return Answer(
            {
                "sha": _sha(ref),
                "url": "https://api.github.com/t",
                "tree": shown,
                "truncated": cut,
            }
        )

    def _contents(self, repo: Repo, path: str, request: Request) -> Answer:
        files = repo.files.get(request.query.get("ref", "main"))
        if files is None:
            return error(404, "No commit found for the ref")
        base = {**FILE, "name": path.rsplit("/", 1)[-1], "path": path, "sha": _sha(path)}
        base["download_url"] = f"https://raw.example/{repo.name}/{path}"
        for key in ("content", "encoding"):
            del base[key]
        if path in repo.links:
            return Answer({**base, "type": "symlink", "target": repo.links[path]})
        if path in repo.submodules:
            return Answer({**base, "type": "submodule", "submodule_git_url": repo.submodules[path]})
        if path in files:
            body = files[path]
            if "raw" in request.headers.get("accept", ""):
                return Answer(body, 200, {"Content-Type": "application/vnd.github.raw+json"})
            large = len(body) > MEGABYTE
            content = "" if large else base64.encodebytes(body).decode()
            encoding = "none" if large else "base64"
            extra = {"content": content, "encoding": encoding, "size": len(body), "type": "file"}
            return Answer({**base, **extra})
        below = {f[len(path) + 1 :].split("/")[0]: f for f in files if f.startswith(f"{path}/")}
        if not below:
            return NOT_FOUND
        entries = [(n, "file" if f == f"{path}/{n}" else "dir") for n, f in sorted(below.items())]
        return Answer([{**base, "name": n, "path": f"{path}/{n}", "type": t} for n, t in entries])

    def _issue(self, repo: Repo, number: int) -> Answer:
        found = next((i for i in repo.issues if i["number"] == number), None)
        return NOT_FOUND if found is None else Answer(found)

    # --- searches ------------------------------------------------------------------------

    def _search(self, kind: str, request: Request) -> Answer:
        words = request.query["q"].split()
        told = dict(w.split(":", 1) for w in words if ":" in w)
        plain = [w.lower() for w in words if ":" not in w]
        if not words or request.query["q"].count('"') % 2:
            return self._invalid("q is not a valid query")
        seen = {n: r for n, r in self.repos.items() if not r.private or request.token}
        owner, repo = told.get("user"), told.get("repo")
        if (owner and not any(n.split("/")[0] == owner for n in seen)) or (
            repo and repo not in seen
        ):
            return self._invalid(
                "The listed users and repositories cannot be searched either because the "
                "resources do not exist or you do not have permission to view them."
            )
        chosen = [
            r for n, r in seen.items()
            if (not owner or n.split("/")[0] == owner) and (not repo or n == repo)
        ]  # fmt: skip
        if kind == "repositories":
            items = [_found(r) for r in chosen if all(p in r.name.lower() for p in plain)]
            order = {"stars": "stargazers_count", "forks": "forks_count", "updated": "updated_at"}
            if "sort" in request.query:
                items.sort(key=lambda i: i[order[request.query["sort"]]], reverse=True)
        elif kind == "code":
            if not request.token:
                return NO_TOKEN
            items = [_code(r, p, t, plain) for r in chosen for p, t in r.files["main"].items()
                     if all(w in t.decode("utf-8", "replace").lower() for w in plain)]  # fmt: skip
            if "text-match" not in request.headers["accept"]:
                items = [{k: v for k, v in i.items() if k != "text_matches"} for i in items]
        else:
            items = [i for r in chosen for i in r.issues
                     if all(p in i["title"].lower() for p in plain)
                     and ("pull_request" in i) == ("is:pr" in words)]  # fmt: skip
        return self._page(request, items, kind == "issues")

    def _invalid(self, message: str) -> Answer:
        errors = [{"message": message, "resource": "Search", "field": "q", "code": "invalid"}]
        return Answer(
            {"message": "Validation Failed", "errors": errors, "documentation_url": DOCS}, 422
        )

    def _page(self, request: Request, items: list[Any], issues: bool) -> Answer:
        size, number = int(request.query.get("per_page", 30)), int(request.query.get("page", 1))
        headers = {}
        if number * size < min(len(items), MOST_FOUND):
            query = [(k, v) for k, v in request.pairs if k != "page"]
            query.append(("page", str(number + 1)))
            headers["Link"] = f'<{self.url}{request.path}?{urlencode(query)}>; rel="next"'
        body: dict[str, Any] = {"total_count": len(items), "incomplete_results": self.early}
        if issues:
            body["search_type"] = "lexical"
        body["items"] = items[(number - 1) * size : number * size]
        return Answer(body, 200, headers)

    def _wrong_answer(self, request: Request, answer: Answer) -> list[str]:
        # The document has no schema for a file as it is, and names moving only for some.
        raw = answer.status == 200 and "raw" in request.headers.get("accept", "")
        if raw or answer.status == 301:
            return []
        return super()._wrong_answer(request, answer)


def _sha(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def _folders(files: dict[str, bytes]) -> list[str]:
    every = {"/".join(f.split("/")[:n]) for f in files for n in range(1, f.count("/") + 1)}
    return sorted(every)


def _entry(
    repo: Repo, kind: str, path: str, size: int | None = None, mode: str = ""
) -> dict[str, Any]:
    modes = {"tree": "040000", "blob": "100644", "commit": "160000"}
    made = {
        "path": path,
        "mode": mode or modes[kind],
        "type": kind,
        "sha": _sha(f"{repo.name}:{path}"),
    }
    return made if size is None else {**made, "size": size}


def _found(repo: Repo) -> dict[str, Any]:
    owner, name = repo.name.split("/")
    made = {**REPO, "name": name, "full_name": repo.name, "private": repo.private, **repo.meta}
    return {**made, "owner": {**REPO["owner"], "login": owner}}


def _code(repo: Repo, path: str, text: bytes, words: list[str]) -> dict[str, Any]:
    lines = text.decode("utf-8", "replace").splitlines()
    hit = next((n for n, line in enumerate(lines) if words and words[0] in line.lower()), 0)
    fragment = "\n".join(lines[max(0, hit - 1) : hit + 2])
    match = {"object_url": "https://api.github.com/c", "object_type": "FileContent",
             "property": "content", "fragment": fragment, "matches": []}  # fmt: skip
    made = {**CODE, "name": path.rsplit("/", 1)[-1], "path": path, "text_matches": [match]}
    repository = {**CODE["repository"], "full_name": repo.name}
    return {**made, "repository": repository}
