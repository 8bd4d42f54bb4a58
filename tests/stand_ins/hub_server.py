"""The Hugging Face Hub on 127.0.0.1: repositories that change, documentation, papers, lists.

    with HubServer() as hub:
        hub.add("ann/small", files={"README.md": "# Small"}, likes=3)
        ...  # Settings(hub_url=hub.url); HF_TOKEN=hf_ann is ann's token

What hf-hub.json has is checked against it both ways (tests/stand_ins/service.py). arXiv and
Semantic Scholar are here too, below /arxiv, /ar5iv and /s2.
"""

import json
from typing import Any
from urllib.parse import urlencode

from tests.stand_ins import hub_errors as errors
from tests.stand_ins.contract import FOLDER, Contract
from tests.stand_ins.hub_buckets import Buckets
from tests.stand_ins.hub_endpoints import Endpoints
from tests.stand_ins.hub_jobs import Jobs
from tests.stand_ins.hub_pages import Pages
from tests.stand_ins.hub_repos import KINDS, Repositories
from tests.stand_ins.hub_spaces import Spaces
from tests.stand_ins.hub_state import Repo, person
from tests.stand_ins.service import Answer, Refusal, Request, Service


def _contract() -> Contract:
    document = json.loads((FOLDER / "hf-hub.json").read_text(encoding="utf-8"))
    for kind in KINDS:
        # The document forgets an entry's path, which huggingface_hub reads.
        tree = document["paths"][f"/api/{kind}/{{namespace}}/{{repo}}/tree/{{rev}}/{{path}}"]
        schema = tree["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        schema["items"]["properties"]["path"] = {"type": "string"}
    details = document["paths"]["/api/{repoType}/{namespace}/{repo}/discussions/{num}"]["get"]
    pull_request = details["responses"]["200"]["content"]["application/json"]["schema"]["allOf"]
    # Asked with ?diff=1, which it does not have either, it brings the diff itself.
    pull_request[0]["anyOf"][1]["properties"]["diff"] = {"type": "string"}
    for name in ("hf-jobs.json", "hf-spaces-buckets.json"):
        more = json.loads((FOLDER / name).read_text(encoding="utf-8"))
        document["paths"].update(more["paths"])
        document.setdefault("components", {}).setdefault("schemas", {}).update(
            more.get("components", {}).get("schemas", {})
        )
    return Contract(document, beyond=("diff", "create_pr"))


class HubServer(Service):
    """Attributes:
    repos: by (type, id). tokens: whose each token is. organizations: where everyone writes.
    docs, papers, ...: what the pages show, see hub_pages.py.
    """

    contract = _contract()

    def __init__(self) -> None:
        super().__init__()
        self.repos: dict[tuple[str, str], Repo] = {}
        self.tokens = {"hf_ann": "ann", "hf_bob": "bob"}
        self.organizations: set[str] = set()
        #: What was put to LFS, by its hash.
        self.large: dict[str, bytes] = {}
        #: Entries of one page of a list.
        self.list_page = self.tree_page = self.commits_page = 1000
        self.discussions_page = 10
        self.repositories = Repositories(self)
        self.pages = Pages(self)
        self.jobs = Jobs(self)
        self.endpoints = Endpoints(self)
        self.spaces = Spaces(self)
        self.buckets = Buckets(self)

    def add(
        self,
        id: str,
        type: str = "model",
        files: Any = None,
        *,
        gated: Any = False,
        visibility: str = "public",
        **meta: Any,
    ) -> Repo:
        repo = Repo.new(id, type, files, gated=gated, visibility=visibility)
        repo.meta = meta
        self.repos[(type, id)] = repo
        return repo

    def user(self, request: Request) -> str:
        """Whose token came along; empty for none. One that is unknown is denied."""
        if "authorization" not in request.headers:
            return ""
        if request.token not in self.tokens:
            raise Refusal(errors.BAD_TOKEN)
        return self.tokens[request.token]

    def page(self, request: Request, entries: list[Any], size: int, by: str = "cursor") -> Answer:
        """One page of a list, with the link to the next. `by`: cursor, or p for its number."""
        size = min(size, int(request.query.get("limit", size)))
        number = int(request.query.get(by, 0))
        start = number * size if by == "p" else number
        headers = {}
        if start + size < len(entries):
            query = [(k, v) for k, v in request.pairs if k != by]
            query.append((by, str(number + 1 if by == "p" else start + size)))
            headers["Link"] = f'<{self.url}{request.path}?{urlencode(query)}>; rel="next"'
        return Answer(entries[start : start + size], 200, headers)

    def answer(self, request: Request) -> Answer:
        if request.path.startswith(("/arxiv/", "/ar5iv/", "/s2/")):
            return self.pages.elsewhere(request)
        user = self.user(request)
        if request.path == "/api/whoami-v2":
            return self._whoami(user) if user else errors.NO_TOKEN
        if request.path == "/api/validate-yaml":
            return Answer({"errors": [], "warnings": []})
        found = (
            self.jobs.answer(request)
            or self.endpoints.answer(request)
            or self.spaces.answer(request)
            or self.buckets.answer(request)
            or self.pages.answer(request)
            or self.repositories.answer(request)
        )
        return found or errors.not_found()

    def _whoami(self, user: str) -> Answer:
        who = person(user)
        return Answer(
            {
                "type": "user",
                "id": who["_id"],
                "name": user,
                "fullname": who["fullname"],
                "avatarUrl": who["avatarUrl"],
                "isPro": False,
                "orgs": [],
                "auth": {"type": "access_token"},
            }
        )
