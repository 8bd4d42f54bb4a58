"""What hf_repo says when a repository, or the Hub, says no: for each operation, what to do next."""

from typing import Any

import pytest

from core.tool import ToolResult
from tests.stand_ins import hub_errors as errors
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.hub_state import Repo
from tests.stand_ins.model_server import closed_port
from tests.stand_ins.service import Answer
from tests.tools.bench import Bench

OPERATIONS: dict[str, dict[str, Any]] = {
    "list": {},
    "read": {"path": "README.md"},
    "refs": {},
    "commits": {},
    "pr_list": {},
    "pr_get": {"number": 1},
    "upload": {"path": "x", "content": "y"},
    "delete": {"paths": ["README.md"]},
    "update": {"visibility": "private"},
    "branch": {"name": "dev"},
    "tag": {"name": "v1"},
    "pr_create": {"message": "Title"},
    "pr_comment": {"number": 1, "text": "x"},
    "pr_merge": {"number": 1},
    "pr_close": {"number": 1},
    "create": {"repo": "ann/new"},
}
READS = ("list", "read", "refs", "commits", "pr_list", "pr_get")
every_operation = pytest.mark.parametrize("operation", OPERATIONS)
on_what_is_there = pytest.mark.parametrize("operation", [o for o in OPERATIONS if o != "create"])


@pytest.fixture
def mine(hub: HubServer) -> Repo:
    repo = hub.add("ann/mine", files={"README.md": "# Mine"})
    repo.open("One", "ann", "text", True)
    return repo


async def call(bench: Bench, operation: str, **more: Any) -> ToolResult:
    arguments = {"repo": "ann/mine", **OPERATIONS[operation], **more}
    return await bench.call("hf_repo", operation=operation, **arguments)


async def told(bench: Bench, operation: str, **more: Any) -> str:
    found = await call(bench, operation, **more)
    assert not found.ok
    assert "The tool failed" not in found.text
    return found.text


@on_what_is_there
async def test_no_such_repository(hub: HubServer, bench: Bench, mine: Repo, operation: str) -> None:
    said = await told(bench, operation, repo="bob/mine")
    assert said.startswith("The Hub has no model bob/mine, or this token cannot see it.")
    if operation != "commits":
        assert said.endswith("Available: ann/mine.")


async def test_the_wrong_type(hub: HubServer, bench: Bench, mine: Repo) -> None:
    hub.add("stanfordnlp/imdb", "dataset")
    said = await told(bench, "list", repo="stanfordnlp/imdb")
    assert said.endswith("There is a dataset of this name: say type=dataset.")


async def test_a_card_with_bad_metadata(hub: HubServer, bench: Bench, mine: Repo) -> None:
    wrong = {"errors": [{"message": '"license" must be one of a list'}], "warnings": []}
    hub.misbehave(Answer(wrong, 400), path="/api/validate-yaml")
    said = await told(bench, "upload", path="README.md", content="---\nlicense: x\n---\n")
    assert '"license" must be one of a list' in said
    assert not hub.asked(".*/commit/.*")


@pytest.mark.parametrize("operation", READS)
async def test_private_and_not_logged_in(
    hub: HubServer, bench: Bench, mine: Repo, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    mine.visibility = "private"
    said = await told(bench, operation)
    assert "has no model ann/mine, or it is private: `hf auth login` (or HF_TOKEN)" in said


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o not in READS])
async def test_changing_needs_a_token(
    hub: HubServer, bench: Bench, mine: Repo, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    said = await told(bench, operation)
    assert (
        said
        == "Changing something on the Hub needs a token: `hf auth login` (or HF_TOKEN) logs in."
    )
    assert not hub.requests


@pytest.mark.parametrize("known", [True, False])
async def test_gated(
    hub: HubServer, bench: Bench, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("bob/gated", "dataset", files={"a.txt": "a"}, gated="manual")
    if not known:
        monkeypatch.delenv("HF_TOKEN")
    said = await told(bench, "read", repo="bob/gated", type="dataset", path="a.txt")
    assert said.startswith(
        f"Dataset bob/gated is gated: the user must ask for access at {hub.url}/datasets/bob/gated."
    )
    assert ("First log in" in said) != known


@every_operation
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (errors.gated("ann/mine", True), "is gated: the user must ask for access at"),
        (errors.DISABLED, "The Hub has disabled"),
        (errors.BAD_TOKEN, "does not accept this machine's token"),
        (errors.MISSING_SCOPE, "/settings/tokens shows what it may do"),
        (errors.PAYMENT, "/settings/billing"),
        (errors.BROKEN_NOW, "fails at the moment (500)"),
        (errors.RATE_LIMITED, "it resets in 55 s"),
    ],
    ids=["gated", "disabled", "bad token", "scope", "payment", "broken", "limit"],
)
async def test_refusals(
    hub: HubServer, bench: Bench, mine: Repo, operation: str, answer: Answer, said: str
) -> None:
    hub.misbehave(answer)
    assert said in await told(bench, operation)
    if operation == "create" and "gated" in said:
        assert ("model", "ann/new") not in hub.repos


@every_operation
async def test_malformed_answers(hub: HubServer, bench: Bench, mine: Repo, operation: str) -> None:
    for malformed in (errors.NO_JSON, Answer({"odd": 1}), Answer(["x"])):
        hub.behave()
        hub.misbehave(malformed, method="GET")
        hub.misbehave(malformed, method="POST")
        assert "fail" not in await told(bench, operation)


@every_operation
async def test_no_network(
    hub: HubServer, bench: Bench, mine: Repo, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)
    nowhere = f"http://127.0.0.1:{closed_port()}"
    bench.services.settings.hub_url = nowhere
    said = await told(bench, operation)
    assert said.startswith(nowhere)
    assert "cannot be reached" in said


@every_operation
async def test_offline(
    hub: HubServer, bench: Bench, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "HF_HUB_OFFLINE is set" in await told(bench, operation)
    assert not hub.requests


@pytest.mark.parametrize("operation", ["list", "read", "upload", "delete"])
async def test_no_such_revision(hub: HubServer, bench: Bench, mine: Repo, operation: str) -> None:
    mine.tags["v1.0"] = mine.head
    said = await told(bench, operation, revision="v1")
    assert said == "Model ann/mine has no revision v1. Available: main, v1.0."


async def test_no_such_entry(hub: HubServer, bench: Bench, mine: Repo) -> None:
    mine.commit("more", {"data/train.csv": "a"})
    folder = await told(bench, "list", path="date")
    assert folder == "Model ann/mine has no date. Available: data."
    file = await told(bench, "read", path="train.csv")
    assert file == "model ann/mine has no file train.csv. Available: data/train.csv."
    gone = await told(bench, "delete", paths=["nope.txt"])
    assert gone.startswith("Model ann/mine has no nope.txt. Available: README.md")
    both = await told(bench, "delete", paths=["nope.txt", "README.md"])
    assert both.startswith("Model ann/mine has no nope.txt. Available: README.md")
    folder = await bench.call("hf_repo", operation="delete", repo="ann/mine", paths=["data/"])
    assert folder.ok, folder.text


async def test_no_such_pull_request(hub: HubServer, bench: Bench, mine: Repo) -> None:
    for operation in ("pr_get", "pr_comment", "pr_merge", "pr_close"):
        said = await told(bench, operation, number=7)
        assert "The Hub has no" in said


async def test_an_id_that_cannot_be(hub: HubServer, bench: Bench) -> None:
    said = await told(bench, "list", repo="a/b/c")
    assert "Repo id must be" in said
    assert not hub.requests


async def test_the_token_goes_to_the_hub_alone(hub: HubServer, bench: Bench, mine: Repo) -> None:
    """A file may lie on another host: there the Hub's redirect leads, without the token."""
    with HubServer() as elsewhere:
        elsewhere.add("cdn/files", files={"README.md": "# From elsewhere"})
        there = f"{elsewhere.url}/cdn/files/resolve/main/README.md"
        hub.misbehave(Answer("", 302, {"Location": there}), path="/ann/mine/resolve/.*")
        found = await call(bench, "read")
        assert "# From elsewhere" in found.text
        assert "authorization" not in elsewhere.requests[0].headers
    assert {r.token for r in hub.requests} == {"hf_ann"}
