"""The stand-in GitHub refuses what differs from the document, and is itself held to it."""

from collections.abc import Iterator

import httpx
import pytest

from tests.stand_ins.github_server import GithubServer


@pytest.fixture
def github() -> Iterator[GithubServer]:
    with GithubServer() as server:
        server.add("ann/x", {"a/b.py": "text"}, stars=3)
        yield server


def test_requests_that_differ(github: GithubServer) -> None:
    for target, problem in (
        ("/search/repositories", "GET /search/repositories: query: q is missing"),
        ("/search/repositories?q=x&sort=name", "sort: 'name' is not one of"),
        ("/search/code?q=x&limit=3", "query: there is no limit"),
        ("/repos/ann/x/contents/a?branch=main", "query: there is no branch"),
        ("/repos/ann/x/issues/3?per_page=1", "query: there is no per_page"),
    ):
        assert httpx.get(github.url + target).status_code == 400
        assert problem in github.violations.pop()
    assert github.violations == []


def test_answers_that_differ(github: GithubServer) -> None:
    github.repos["ann/x"].meta["stargazers_count"] = "many"
    httpx.get(f"{github.url}/search/repositories?q=x")
    assert "stargazers_count: 'many' is not of type 'integer'" in github.violations.pop()
    github.repos["ann/x"].issue(1, "t", labels=3)
    httpx.get(f"{github.url}/repos/ann/x/issues/1")
    assert "labels: 3 is not of type 'array'" in github.violations.pop()


def test_limits_count_down(github: GithubServer) -> None:
    github.left["search"] = 1
    first = httpx.get(f"{github.url}/search/repositories?q=x")
    assert (first.headers["x-ratelimit-remaining"], first.status_code) == ("0", 200)
    second = httpx.get(f"{github.url}/search/repositories?q=x")
    assert (second.status_code, second.headers["x-ratelimit-resource"]) == (403, "search")
    assert httpx.get(f"{github.url}/repos/ann/x").status_code == 200
    assert github.violations == []
