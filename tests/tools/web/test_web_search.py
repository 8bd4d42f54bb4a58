"""Searches of the web: a SearxNG, and the public engines through ddgs."""

from typing import Any

import pytest

from tests.stand_ins.model_server import closed_port
from tests.stand_ins.service import Answer
from tests.tools.bench import Bench
from tests.tools.web.sites import Site

RESULTS = [
    {"title": "Docs of TRL", "url": "https://huggingface.co/docs/trl", "content": "All of it."},
    {"title": "A\nblog", "url": "https://blog.example.org/x", "content": "w " * 400},
    {"title": "Fake", "url": "https://nothuggingface.co/x", "content": ""},
    {"title": "No address", "url": "", "content": ""},
]


@pytest.fixture(autouse=True)
def searx(bench: Bench, site: Site) -> None:
    """A search of the user's own: at a private address, since the user has set it."""
    bench.services.settings.web_search_url = f"{site.url}/search"
    site.page("/search", {"query": "q", "results": RESULTS}, "application/json")


async def searched(bench: Bench, **more: Any) -> str:
    found = await bench.call("web", operation="search", **{"query": "trl sft", **more})
    assert found.ok, found.text
    return found.text


async def told(bench: Bench) -> str:
    found = await bench.call("web", operation="search", query="trl sft")
    assert not found.ok
    assert "The tool failed" not in found.text
    return found.text


async def test_results(bench: Bench, site: Site) -> None:
    lines = (await searched(bench)).splitlines()
    assert "information from a web search" in lines[0]
    assert lines[1:4] == ["Docs of TRL", "https://huggingface.co/docs/trl", "All of it."]
    assert lines[5:7] == ["A blog", "https://blog.example.org/x"]
    assert len(lines[7]) <= 400
    assert "No address" not in lines
    assert site.requests[0].query == {"q": "trl sft", "format": "json"}
    few = await searched(bench, limit=1)
    assert "blog" not in few


async def test_domains_are_asked_for_and_kept_to(bench: Bench, site: Site) -> None:
    text = await searched(bench, domains=["https://huggingface.co/docs", "arxiv.org"])
    assert site.requests[0].query["q"] == "trl sft (site:huggingface.co OR site:arxiv.org)"
    assert "https://huggingface.co/docs/trl" in text
    assert "blog.example.org" not in text
    assert "nothuggingface" not in text
    below = await searched(bench, domains=["example.org"])
    assert site.requests[-1].query["q"] == "trl sft site:example.org"
    assert "https://blog.example.org/x" in below
    odd = await bench.call("web", operation="search", query="x", domains=["a b"])
    assert odd.text == "'a b' is not a domain"


async def test_nothing_is_found(bench: Bench, site: Site) -> None:
    site.page("/search", {"results": []}, "application/json")
    assert "the web has nothing for: trl sft" in await searched(bench)
    none = await bench.call("web", operation="search")
    assert none.text == "search needs a query"


async def test_failures_of_the_search(bench: Bench, site: Site) -> None:
    site.misbehave(Answer("forbidden", 403), times=1)
    assert "need `json` among search.formats" in await told(bench)
    site.misbehave(Answer("", 500, {"Retry-After": "0"}), times=4)
    assert "(web_search_url) answered 500" in await told(bench)
    for odd in ("<html>", {"results": 3}, {"results": ["x"]}, []):
        site.misbehave(Answer(odd, 200, {"Content-Type": "application/json"}), times=1)
        said = await told(bench)
        assert "not JSON" in said or "does not answer as SearxNG does" in said
    dead = {"results": [], "unresponsive_engines": [["google", "CAPTCHA"], ["bing", "timeout"]]}
    site.page("/search", dead, "application/json")
    assert "no search engine answered" in await told(bench)
    assert "google, bing" in await told(bench)


async def test_a_search_that_is_not_there(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)
    bench.services.settings.web_search_url = f"http://127.0.0.1:{closed_port()}/search"
    assert "cannot be reached" in await told(bench)


# --- without a setting -----------------------------------------------------------------------

DUCK = """<html><body><div class="result__body links_main"><h2>Docs of TRL</h2>
<a href="https://huggingface.co/docs/trl">All about sft with trl.</a></div></body></html>"""


@pytest.fixture
def engine(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """ddgs itself, with one engine of its own, which asks the site here."""
    from ddgs import ddgs
    from ddgs.engines.duckduckgo import Duckduckgo

    here = type("Here", (Duckduckgo,), {"search_url": f"{site.url}/html/"})
    monkeypatch.setattr(ddgs, "ENGINES", {"text": {"duckduckgo": here}})
    bench.services.settings.web_search_url = ""


@pytest.mark.usefixtures("engine")
async def test_public_engines_need_no_key(bench: Bench, site: Site) -> None:
    site.page("/html/", DUCK)
    text = await searched(bench, domains=["huggingface.co"])
    assert "Docs of TRL\nhttps://huggingface.co/docs/trl\nAll about sft with trl." in text
    assert site.requests[0].form()["q"] == ["trl sft site:huggingface.co"]
    site.page("/html/", "<html><body><p>none</p></body></html>")
    assert "the web has nothing for" in await searched(bench)


@pytest.mark.usefixtures("engine")
async def test_public_engines_that_do_not_answer(
    bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DDGS_PROXY", f"http://127.0.0.1:{closed_port()}")
    said = await told(bench)
    assert "the public search engines do not answer" in said
    assert "set web_search_url to a SearxNG" in said
