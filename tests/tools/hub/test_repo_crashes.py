"""A change on the Hub happens once: when its answer is lost, when the process is killed before or
after it, and when the Hub cannot be asked what became of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from core.tool import ToolResult
from tests.stand_ins import hub_errors as errors
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.hub_state import Repo
from tests.stand_ins.service import Answer
from tests.tools.bench import THREAD, Bench


@dataclass(frozen=True)
class Change:
    """`sent`: the request that changes it. `times`: how often it has happened."""

    arguments: dict[str, Any]
    sent: tuple[str, str]
    times: Callable[[HubServer], int]


def mine(hub: HubServer) -> Repo:
    return hub.repos[("model", "ann/mine")]


def commits(hub: HubServer) -> int:
    return len(mine(hub).head.history) - 1


def comments(hub: HubServer) -> int:
    return sum(e["type"] == "comment" for e in mine(hub).discussions[0].events) - 1


AT = "/api/models/ann/mine"
CHANGES = {
    "upload": Change(
        {"operation": "upload", "path": "x.txt", "content": "new"},
        ("POST", f"{AT}/commit/main"),
        commits,
    ),
    "upload of a folder": Change(
        {"operation": "upload", "source": "out"}, ("POST", f"{AT}/commit/main"), commits
    ),
    "upload as a pull request": Change(
        {"operation": "upload", "path": "x.txt", "content": "new", "create_pr": True},
        ("POST", f"{AT}/commit/main"),
        lambda hub: len(mine(hub).discussions) - 1,
    ),
    "delete": Change(
        {"operation": "delete", "paths": ["README.md"]}, ("POST", f"{AT}/commit/main"), commits
    ),
    "delete the repo": Change(
        {"operation": "delete", "remove": True, "repo": "ann/other"},
        ("DELETE", "/api/repos/delete"),
        lambda hub: int(("model", "ann/other") not in hub.repos),
    ),
    "create": Change(
        {"operation": "create", "repo": "ann/new"},
        ("POST", "/api/repos/create"),
        lambda hub: int(("model", "ann/new") in hub.repos),
    ),
    "branch": Change(
        {"operation": "branch", "name": "dev"},
        ("POST", f"{AT}/branch/dev"),
        lambda hub: int("dev" in mine(hub).branches),
    ),
    "branch away": Change(
        {"operation": "branch", "name": "old", "remove": True},
        ("DELETE", f"{AT}/branch/old"),
        lambda hub: int("old" not in mine(hub).branches),
    ),
    "tag": Change(
        {"operation": "tag", "name": "v1"},
        ("POST", f"{AT}/tag/main"),
        lambda hub: int("v1" in mine(hub).tags),
    ),
    "tag away": Change(
        {"operation": "tag", "name": "v0", "remove": True},
        ("DELETE", f"{AT}/tag/v0"),
        lambda hub: int("v0" not in mine(hub).tags),
    ),
    "pr_create": Change(
        {"operation": "pr_create", "message": "Proposal", "text": "why"},
        ("POST", f"{AT}/discussions"),
        lambda hub: len(mine(hub).discussions) - 1,
    ),
    "pr_comment": Change(
        {"operation": "pr_comment", "number": 1, "text": "Said before"},
        ("POST", f"{AT}/discussions/1/comment"),
        comments,
    ),
    "pr_merge": Change(
        {"operation": "pr_merge", "number": 1},
        ("POST", f"{AT}/discussions/1/merge"),
        commits,
    ),
    "pr_close": Change(
        {"operation": "pr_close", "number": 1},
        ("POST", f"{AT}/discussions/1/status"),
        lambda hub: sum(e["type"] == "status-change" for e in mine(hub).discussions[0].events),
    ),
}


@pytest.fixture(params=CHANGES)
def change(request: pytest.FixtureRequest, hub: HubServer, bench: Bench) -> Change:
    repo = hub.add("ann/mine", files={"README.md": "# Mine"})
    hub.add("ann/other")
    repo.branches["old"] = repo.tags["v0"] = repo.head
    # What is there already under the same words is not taken for ours.
    repo.open("Proposal", "bob", "", True)
    (bench.cwd / "out").mkdir()
    bench.file("out/a.txt", "a")
    bench.file("out/b.txt", "b")
    return CHANGES[request.param]


async def run(bench: Bench, change: Change, call_id: str = "") -> ToolResult:
    arguments = {"repo": "ann/mine", **change.arguments}
    return await bench.call("hf_repo", call_id=call_id, **arguments)


async def noted(bench: Bench) -> dict[str, Any]:
    """What the journal knows of the last call."""
    row = await bench.services.journal.row(THREAD, bench.last_id)
    assert row is not None
    assert row.note is not None
    return row.note


async def resumed(bench: Bench, change: Change, note: dict[str, Any] | None) -> ToolResult:
    """As a later process finds a call that was cut off."""
    call_id = bench.new_id()
    await bench.begun(call_id, "hf_repo", note)
    return await run(bench, change, call_id)


async def test_killed_after_it_happened(hub: HubServer, bench: Bench, change: Change) -> None:
    first = await run(bench, change)
    assert first.ok
    note = await noted(bench)
    # By now the local files are gone, and someone else has gone on.
    bench.file("out/a.txt", "other")
    (bench.cwd / "out" / "b.txt").unlink()
    if change.times is commits:
        mine(hub).commit("theirs", {"theirs.txt": "x"})
        happened = 2
    else:
        happened = 1
    sent = len(hub.asked(change.sent[1], change.sent[0]))
    again = await resumed(bench, change, note)
    assert again.ok
    assert again.text == first.text.split("\n")[0]
    assert change.times(hub) == happened
    assert len(hub.asked(change.sent[1], change.sent[0])) == sent


async def test_killed_before_it_happened(hub: HubServer, bench: Bench, change: Change) -> None:
    method, path = change.sent
    hub.misbehave(errors.MISSING_SCOPE, path=path, method=method)
    refused = await run(bench, change)
    assert (refused.ok, refused.outcome) == (False, "failed")
    assert change.times(hub) == 0
    note = await noted(bench)
    hub.behave()
    again = await resumed(bench, change, note)
    assert again.ok
    assert change.times(hub) == 1


async def test_killed_before_it_was_noted(hub: HubServer, bench: Bench, change: Change) -> None:
    assert (await resumed(bench, change, None)).ok
    assert change.times(hub) == 1


async def test_its_answer_is_lost(hub: HubServer, bench: Bench, change: Change) -> None:
    method, path = change.sent
    hub.misbehave(errors.BROKEN_NOW, path=path, method=method, times=1, after=True)
    found = await run(bench, change)
    assert found.ok
    assert change.times(hub) == 1


async def test_nobody_can_tell(hub: HubServer, bench: Bench, change: Change) -> None:
    assert (await run(bench, change)).ok
    note = await noted(bench)
    hub.misbehave(errors.PAYMENT)
    found = await resumed(bench, change, note)
    assert (found.ok, found.outcome) == (False, "unknown")
    assert "whether it happened is unknown" in found.text
    hub.behave()
    assert change.times(hub) == 1


async def test_an_answer_that_does_not_come(
    hub: HubServer, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not there now: it may still be on its way."""
    from core.hub import client

    hub.add("ann/mine")
    monkeypatch.setattr(client, "SILENCE", 1.0)
    silent = Answer(errors.BROKEN.body, 500, {"Content-Length": "100000"})
    hub.misbehave(silent, path=f"{AT}/tag/main", method="POST")
    found = await run(bench, CHANGES["tag"])
    assert (found.ok, found.outcome) == (False, "unknown")
    assert "Whether it happened is unknown: look before repeating it." in found.text


async def test_somebody_else_was_first(hub: HubServer, bench: Bench) -> None:
    """A commit of theirs stands where ours would: ours did not happen, and is made on top."""
    repo = hub.add("ann/mine", files={"README.md": "# Mine"})
    upload = CHANGES["upload"]
    note = {"author": "ann", "title": "Upload x.txt", "parent": repo.head.id, "said": "Uploaded"}
    repo.commit("theirs", {"y": "z"})
    assert (await resumed(bench, upload, note)).ok
    assert [c.title for c in repo.head.history[:2]] == ["Upload x.txt", "theirs"]


async def test_a_commit_in_between_is_told(hub: HubServer, bench: Bench) -> None:
    hub.add("ann/mine")
    hub.misbehave(errors.CONFLICT, path=f"{AT}/commit/main")
    found = await run(bench, CHANGES["upload"])
    assert found.text == (
        "The repo changed since it was read (model ann/mine): look at it again, then repeat."
    )
    assert found.outcome == "failed"


async def test_settings_are_set_again(hub: HubServer, bench: Bench) -> None:
    """Setting them to the same twice is not a harm."""
    repo = hub.add("ann/mine")
    update = Change({"operation": "update", "visibility": "private"}, ("PUT", ""), lambda hub: 1)
    await run(bench, update)
    assert (await resumed(bench, update, await noted(bench))).ok
    assert repo.visibility == "private"
