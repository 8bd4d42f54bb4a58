"""The stand-in viewer is held to the viewer's document: what differs is seen."""

import json
from typing import Any

import httpx
import pytest

from tests.stand_ins.viewer_server import Split, ViewerServer

DATA = {"a/b": {"default": {"train": Split([{"text": "hi", "n": 1, "x": 0.5, "l": ["a"]}])}}}
WHOLE = {"dataset": "a/b"}
SPLIT = {**WHOLE, "config": "default", "split": "train"}


def get(server: ViewerServer, path: str, params: dict[str, Any]) -> httpx.Response:
    return httpx.get(server.url + path, params=params)


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/is-valid", WHOLE),
        ("/splits", WHOLE),
        ("/splits", {**WHOLE, "config": "default"}),
        ("/size", WHOLE),
        ("/size", {**WHOLE, "config": "default"}),
        ("/info", WHOLE),
        ("/parquet", WHOLE),
        ("/first-rows", SPLIT),
        ("/rows", {**SPLIT, "offset": 0, "length": 1}),
        ("/search", {**SPLIT, "query": "hi"}),
        ("/filter", {**SPLIT, "where": "n=1"}),
        ("/statistics", SPLIT),
    ],
)
def test_every_operation_answers_as_documented(path: str, params: dict[str, Any]) -> None:
    with ViewerServer(DATA) as server:
        assert get(server, path, params).status_code == 200
    assert server.violations == []


@pytest.mark.parametrize(
    ("path", "params", "said"),
    [
        ("/rows", {"dataset": "a/b"}, "config is missing"),
        ("/rows", {**SPLIT, "length": 101}, "'101' is not of type"),
        ("/rows", {**SPLIT, "limit": 3}, "there is no limit"),
        ("/nothing", WHOLE, "no such operation"),
    ],
)
def test_a_request_that_differs_is_noticed(path: str, params: dict[str, Any], said: str) -> None:
    with ViewerServer(DATA) as server:
        get(server, path, params)
    assert any(said in told for told in server.violations), server.violations


def test_an_answer_that_differs_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Split, "feature_items", lambda self: [{"name": "text"}])
    with ViewerServer(DATA) as server:
        get(server, "/rows", SPLIT)
    assert any("'feature_idx' is a required property" in told for told in server.violations)


def test_refusals_have_the_documented_codes() -> None:
    with ViewerServer(DATA, gated=("a/b",)) as server:
        anonymous = get(server, "/splits", WHOLE)
        headers = {"Authorization": "Bearer hf_other"}
        other = httpx.get(f"{server.url}/splits", params=WHOLE, headers=headers)
    assert (anonymous.status_code, other.status_code) == (401, 404)
    assert anonymous.headers["x-error-code"] == "ExternalUnauthenticatedError"
    assert other.headers["x-error-code"] == "ExternalAuthenticatedError"
    assert "error" in json.loads(other.content)
