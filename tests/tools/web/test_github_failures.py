"""What every operation of github says when GitHub says no: never a traceback, always what to do."""

import re
import time
from typing import Any

import pytest

from core.tool import ToolResult
from tests.stand_ins import github_server as stand_in
from tests.stand_ins.github_server import GithubServer
from tests.stand_ins.model_server import closed_port
from tests.stand_ins.service import Answer, Service
from tests.tools.bench import Bench

OPERATIONS: dict[str, dict[str, Any]] = {
    "search_code": {"query": "sft"},
    "search_repos": {"query": "sft"},
    "list_repos": {"owner": "a"},
    "examples": {"repo": "a/x"},
    "read": {"repo": "a/x", "path": "b.py"},
    "tree": {"repo": "a/x"},
    "issues": {"repo": "a/x"},
    "one issue": {"repo": "a/x", "number": 7},
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS)


@pytest.fixture(autouse=True)
def logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_ann")


async def called(bench: Bench, operation: str) -> ToolResult:
    name = "issues" if operation == "one issue" else operation
    return await bench.call("github", operation=name, **OPERATIONS[operation])


async def told(bench: Bench, operation: str) -> str:
    found = await called(bench, operation)
    assert (found.ok, found.outcome) == (False, "failed")
    assert "The tool failed" not in found.text
    return found.text


@every_operation
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (stand_in.BAD_TOKEN, "Set a new one, or unset it"),
        (stand_in.FORBIDDEN, 'SAML enforcement."); its scopes or an organization'),
        (stand_in.BROKEN_NOW, 'fails at the moment (500); try again later ("Server Error")'),
        (stand_in.error(451, "Repository access blocked"), "for legal reasons"),
        (stand_in.error(418, "I'm a teapot"), 'refused it (418) ("I\'m a teapot")'),
        (Answer("<html>", 502, {"Retry-After": "0"}), "fails at the moment (502)"),
    ],
    ids=["bad token", "forbidden", "broken", "blocked", "odd", "no json"],
)
async def test_refusals(
    github: GithubServer, bench: Bench, operation: str, answer: Answer, said: str
) -> None:
    github.misbehave(answer)
    assert said in await told(bench, operation)


@every_operation
@pytest.mark.parametrize("status", [403, 429])
async def test_the_limit_of_requests(
    github: GithubServer,
    bench: Bench,
    operation: str,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    github.misbehave(stand_in.primary(status, limit=5000))
    said = await told(bench, operation)
    found = re.search(
        r"limit of requests \(5000 an hour\) is used up; it resets at (\d\d:\d\d):\d\d UTC, "
        r"in 3[01] min\.",
        said,
    )
    assert found
    resets = {time.strftime("%H:%M", time.gmtime(time.time() + 1800 + s)) for s in (-60, 0, 60)}
    assert found[1] in resets
    assert "raises the limit" not in said
    assert len(github.requests) == 1
    if operation != "search_code":
        monkeypatch.delenv("GITHUB_TOKEN")
        assert (
            "Set GITHUB_TOKEN (or GH_TOKEN; `gh auth token` prints one): it raises the limit"
            in (await told(bench, operation))
        )


@every_operation
@pytest.mark.parametrize("status", [403, 429])
async def test_the_secondary_limit(
    github: GithubServer, bench: Bench, operation: str, status: int
) -> None:
    github.misbehave(stand_in.secondary(status, **{"Retry-After": "90"}))
    said = await told(bench, operation)
    assert re.search(r"secondary limit .* ask again at \d\d:\d\d:\d\d UTC, in 90 s\.", said)
    assert len(github.requests) == 1
    # Where it names no time, GitHub needs a minute at least.
    github.behave()
    github.misbehave(stand_in.secondary(status))
    assert "UTC, in 61 s." in await told(bench, operation)
    assert len(github.requests) == 2


async def test_the_limit_of_code_search_has_other_ways(github: GithubServer, bench: Bench) -> None:
    github.misbehave(stand_in.primary(403, 300, "code_search", 10), path="/search/code")
    said = await told(bench, "search_code")
    assert "limit of code searches (10 a minute) is used up; it resets at" in said
    assert said.endswith("Meanwhile examples, tree and read work.")


@every_operation
async def test_a_limit_that_is_over_soon_is_waited_for(
    github: GithubServer, bench: Bench, operation: str
) -> None:
    github.add("a/x", {"b.py": "sft"}).issue(7, "sft")
    github.misbehave(stand_in.secondary(429, **{"Retry-After": "0"}), times=1)
    github.misbehave(stand_in.secondary(403, **{"Retry-After": "0"}), times=1)
    github.misbehave(stand_in.BROKEN_NOW, times=1)
    found = await called(bench, operation)
    assert found.ok
    assert bench.logs() == [
        "429; asking again in 0 s (2 of 4)",
        "403; asking again in 0 s (3 of 4)",
        "500; asking again in 0 s (4 of 4)",
    ]


async def test_the_time_of_reset_is_waited_for(github: GithubServer, bench: Bench) -> None:
    github.add("a/sft")
    github.misbehave(stand_in.primary(403, wait=-5, bucket="search"), times=1)
    assert (await bench.call("github", operation="search_repos", query="sft")).ok
    assert bench.logs() == ["403; asking again in 1 s (2 of 4)"]


@every_operation
async def test_malformed_answers(github: GithubServer, bench: Bench, operation: str) -> None:
    odd: list[Any] = [{"odd": 1}, ["x"], "x", None, {"items": ["x"]}, {"tree": 3, "items": 3}]
    for body in (stand_in.NO_JSON, *map(Answer, odd)):
        github.behave()
        if not isinstance(body.body, str | bytes):
            body = Answer(body.body, 200, {"Content-Type": "application/json"})
        github.misbehave(body)
        if operation == "read" and body.body == ["x"]:
            continue  # an empty folder
        said = await told(bench, operation)
        assert "could not be understood" in said or "not JSON" in said


@every_operation
async def test_items_of_another_shape(github: GithubServer, bench: Bench, operation: str) -> None:
    items = [{"labels": 3, "license": "x", "repository": 1, "text_matches": [3], "user": []}]
    tree = [{"path": 3, "type": "blob"}, {"path": "examples/a.py"}]
    body = {"total_count": "many", "items": items, "tree": tree, "type": "file", "content": "%"}
    github.misbehave(Answer({**body, "encoding": "base64"}))
    found = await called(bench, operation)
    assert "The tool failed" not in found.text


@every_operation
async def test_no_network(bench: Bench, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = f"http://127.0.0.1:{closed_port()}"
    bench.services.settings.github_url = nowhere
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)
    assert f"{nowhere}/" in await told(bench, operation)


class Elsewhere(Service):
    def answer(self, request: Any) -> Answer:
        return Answer({"total_count": 0, "incomplete_results": False, "items": []})


async def test_the_token_goes_to_its_host_alone(github: GithubServer, bench: Bench) -> None:
    with Elsewhere() as other:
        github.misbehave(Answer({}, 302, {"Location": f"{other.url}/take"}), times=1)
        await bench.call("github", operation="search_repos", query="x")
        assert [r.path for r in other.requests] == ["/take"]
        assert "authorization" not in other.requests[0].headers
        # Nor is a next page that is elsewhere asked for at all.
        link = {"Link": f'<{other.url}/more>; rel="next"'}
        page = {"total_count": 9, "incomplete_results": False, "items": []}
        github.misbehave(Answer(page, 200, link), times=1)
        found = await bench.call("github", operation="search_repos", query="x")
        assert found.text == f"{other.url}/more is not on {github.url}"
        assert len(other.requests) == 1
