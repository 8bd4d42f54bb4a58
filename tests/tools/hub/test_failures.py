"""What every reading operation says when the Hub says no: never a traceback, always what to do."""

from typing import Any

import pytest

from tests.stand_ins import hub_errors as errors
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.model_server import closed_port
from tests.stand_ins.service import Answer
from tests.tools.bench import Bench

#: Each reading operation, by what it asks.
OPERATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "docs search": ("hf_docs", {"operation": "search", "query": "lora"}),
    "docs list": ("hf_docs", {"operation": "list"}),
    "docs pages": ("hf_docs", {"operation": "list", "product": "trl"}),
    "docs read": ("hf_docs", {"operation": "read", "url": "trl/sft_trainer"}),
    "api": ("hf_api", {"query": "tag"}),
    "models": ("hf_search", {"operation": "models"}),
    "datasets": ("hf_search", {"operation": "datasets"}),
    "spaces": ("hf_search", {"operation": "spaces", "author": "ann"}),
    "spaces by meaning": ("hf_search", {"operation": "spaces", "query": "x"}),
    "trending": ("hf_papers", {"operation": "trending"}),
    "papers": ("hf_papers", {"operation": "search", "query": "x"}),
    "details": ("hf_papers", {"operation": "details", "id": "2305.18290"}),
    "paper": ("hf_papers", {"operation": "read", "id": "2305.18290"}),
    "resources": ("hf_papers", {"operation": "resources", "id": "2305.18290"}),
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS)


async def told(bench: Bench, operation: str) -> str:
    tool, arguments = OPERATIONS[operation]
    found = await bench.call(tool, **arguments)
    assert (found.ok, found.outcome) == (False, "failed")
    assert "The tool failed" not in found.text
    return found.text


@every_operation
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (errors.BAD_TOKEN, "does not accept this machine's token"),
        (errors.NO_TOKEN, "`hf auth login` (or HF_TOKEN) logs in"),
        (errors.MISSING_SCOPE, "/settings/tokens shows what it may do"),
        (errors.PAYMENT, "/settings/billing"),
        (errors.BROKEN_NOW, "fails at the moment (500)"),
    ],
    ids=["bad token", "no token", "scope", "payment", "broken"],
)
async def test_refusals(
    hub: HubServer, bench: Bench, operation: str, answer: Answer, said: str
) -> None:
    hub.misbehave(answer, path="/(api|docs|papers|.well-known)/.*")
    assert said in await told(bench, operation)


@every_operation
async def test_a_limit_of_requests_says_when_it_resets(
    hub: HubServer, bench: Bench, operation: str
) -> None:
    soon = Answer({}, 429, {"RateLimit": '"api";r=0;t=250'})
    hub.misbehave(soon, path="/(api|docs|papers|.well-known)/.*")
    assert "limit of requests is reached; it resets in 250 s." in await told(bench, operation)
    assert len([r for r in hub.requests if not r.path.startswith(("/arxiv", "/ar5iv", "/s2"))]) == 1


#: What these bring is text, which has no form that could be wrong.
PLAIN = ("docs pages", "docs read", "paper")


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name not in PLAIN])
@pytest.mark.parametrize(
    "answer",
    [errors.NO_JSON, Answer({"odd": 1}), Answer([{"odd": 1}]), Answer(["x"]), Answer(None)],
    ids=["no json", "object", "odd list", "strings", "null"],
)
async def test_malformed_answers(
    hub: HubServer, bench: Bench, operation: str, answer: Answer
) -> None:
    hub.misbehave(answer, path="/(api|.well-known)/.*")
    said = await told(bench, operation)
    assert "could not be understood" in said or "is not JSON" in said


@every_operation
async def test_no_network(
    hub: HubServer, bench: Bench, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = f"http://127.0.0.1:{closed_port()}"
    bench.services.settings.hub_url = nowhere
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)
    assert f"{nowhere}" in await told(bench, operation)


@every_operation
async def test_offline(
    hub: HubServer, bench: Bench, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "HF_HUB_OFFLINE is set" in await told(bench, operation)
    assert not [r for r in hub.requests if not r.path.startswith(("/arxiv", "/ar5iv", "/s2"))]


@every_operation
async def test_who_is_not_logged_in_sends_no_token(
    hub: HubServer, bench: Bench, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    tool, arguments = OPERATIONS[operation]
    await bench.call(tool, **arguments)
    assert hub.requests
    assert not any("authorization" in request.headers for request in hub.requests)


@every_operation
async def test_a_failure_that_passes_is_not_told(
    hub: HubServer, bench: Bench, operation: str
) -> None:
    hub.pages.docs = {"/docs/trl/sft_trainer": "# SFT lora", "/docs/trl/llms.txt": "# TRL"}
    hub.pages.paper("2305.18290", "x")
    hub.pages.texts["2305.18290"] = "# x"
    for kind in ("model", "dataset", "space"):
        hub.add("ann/x", kind)
    busy = Answer({}, 503, {"Retry-After": "0"})
    paths = "/(docs|papers|.well-known)/.*|/api/(models|datasets|docs.*|daily.*|papers/search)"
    hub.misbehave(busy, path=paths, times=2)
    tool, arguments = OPERATIONS[operation]
    assert (await bench.call(tool, **arguments)).ok


async def test_another_hub_without_a_service_is_named(hub: HubServer, bench: Bench) -> None:
    """As FastAPI answers for a path that it does not have: a self-hosted hub."""
    hub.misbehave(
        Answer({"detail": "Not Found"}, 404), path="/(api/(docs|daily|papers)|docs|.well).*"
    )
    for operation, service in (
        ("docs search", "documentation"),
        ("docs read", "documentation"),
        ("api", "a description of its API"),
        ("trending", "papers"),
        ("details", "papers"),
    ):
        said = await told(bench, operation)
        assert f"{hub.url} does not offer {service} (404): HF_ENDPOINT or hub_url" in said
    hub.misbehave(Answer({"detail": "Not Found"}, 404), path="/api/(jobs|scheduled-jobs).*")
    jobs = await bench.call("hf_jobs", operation="ps")
    assert f"{hub.url} does not offer jobs (404)" in jobs.text


async def test_another_hub_that_does_not_know_an_order(hub: HubServer, bench: Bench) -> None:
    hub.add("ann/x")
    detail = [{"loc": ["query", "sort"], "msg": "String should match pattern", "type": "x"}]
    hub.misbehave(Answer({"detail": detail}, 422), path="/api/models", times=1)
    found = await bench.call("hf_search", operation="models", author="ann")
    assert found.text.startswith("ann/x")
    assert "sort" not in hub.requests[-1].query
    hub.misbehave(Answer({"detail": detail}, 422), path="/api/models")
    said = await told(bench, "models")
    assert "query.sort: String should match pattern" in said


async def test_what_a_hub_never_does_is_not_tried_later(hub: HubServer, bench: Bench) -> None:
    hub.misbehave(Answer({"error": "no discussions here"}, 501), path="/api/models.*")
    said = await told(bench, "models")
    assert "does not offer this (501)" in said
    assert "no discussions here" in said
    assert "later" not in said
