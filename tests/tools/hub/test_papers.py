"""hf_papers against the stand-ins of the Hub, arXiv and Semantic Scholar."""

import pytest

from tests.stand_ins import hub_errors as errors
from tests.stand_ins.hub_pages import scholar
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.service import Answer
from tests.tools.bench import Bench

DPO = "2305.18290"
TEXT = f"""# Direct Preference Optimization

## Abstract

Your model is secretly a reward model.

## 1 Introduction

{"Words. " * 1000}

## 4 Method

The loss.

### 4.1 Deriving it

A proof.

## 5 Experiments

Some.
"""
HTML = """<html><body><nav>arXiv menu</nav><article class="ltx_document">
<h1 class="ltx_title ltx_title_document">On Agents</h1>
<div class="ltx_abstract"><h6 class="ltx_title ltx_title_abstract">Abstract</h6>
<p>They act.</p></div>
<section><h2 class="ltx_title"><span class="ltx_tag">1 </span>Loss</h2>
<p>We use <math alttext="\\mathcal{L}_{x}"><mi>L</mi></math> here.</p>
<table><tr><th>a</th></tr><tr><td>1</td></tr></table></section></article></body></html>"""


@pytest.fixture
def papers(hub: HubServer) -> HubServer:
    pages = hub.pages
    pages.paper(DPO, "Direct Preference Optimization", upvotes=64, ai_summary="No reward model.")
    pages.paper("2607.21557", "OpenForgeRL", githubRepo="https://github.com/x/y", githubStars=1234)
    pages.daily = {"": ["2607.21557", DPO], "2026-07-24": [DPO]}
    pages.texts[DPO] = TEXT
    for id, title, citations, date in (
        (DPO, "Direct Preference Optimization", 4100, "2023-05-29"),
        ("2402.01306", "KTO preference", 300, "2024-02-02"),
        ("2501.00001", "Newest preference paper", 2, "2025-01-01"),
    ):
        pages.scholar[id] = scholar(id, title, citations, date)
    pages.citing[DPO] = ["2501.00001", "2402.01306"]
    pages.cited["2402.01306"] = [DPO]
    return hub


async def test_trending(papers: HubServer, bench: Bench) -> None:
    found = await bench.call("hf_papers", operation="trending")
    assert found.text.splitlines() == [
        "2607.21557 | OpenForgeRL | 2026-07-23 | 5 upvotes | 1.2k stars on GitHub",
        f"{DPO} | Direct Preference Optimization | 2026-07-23 | 64 upvotes | No reward model.",
    ]
    assert papers.requests[-1].query == {"sort": "trending", "limit": "15"}
    day = await bench.call("hf_papers", operation="trending", date="2026-07-24")
    assert len(day.text.splitlines()) == 1
    none = await bench.call("hf_papers", operation="trending", date="2020-01-01")
    assert none.text == "no papers of 2020-01-01"


async def test_search_at_the_hub(papers: HubServer, bench: Bench) -> None:
    found = await bench.call("hf_papers", operation="search", query="preference optimization")
    assert found.text.startswith(f"{DPO} | Direct Preference Optimization")
    assert papers.requests[-1].path == "/api/papers/search"
    assert not (await bench.call("hf_papers", operation="search")).ok


async def test_search_by_date_and_citations(papers: HubServer, bench: Bench) -> None:
    found = await bench.call(
        "hf_papers",
        operation="search",
        query="preference",
        since="2024",
        until="2026-01-01",
        min_citations=1,
        sort="citations",
    )
    assert found.text.splitlines() == [
        "2402.01306 | KTO preference | 2024-02-02 | 300 citations | Ann Author",
        "2501.00001 | Newest preference paper | 2025-01-01 | 2 citations | Ann Author",
    ]
    query = papers.requests[-1].query
    assert query["publicationDateOrYear"] == "2024:2026-01-01"
    assert (query["minCitationCount"], query["sort"]) == ("1", "citationCount:desc")
    few = await bench.call(
        "hf_papers", operation="search", query="preference", sort="date", limit=1
    )
    assert few.text.endswith("[2 more; narrow it or raise limit]")


async def test_read_names_the_sections_first(papers: HubServer, bench: Bench) -> None:
    found = await bench.call("hf_papers", operation="read", id=f"https://arxiv.org/abs/{DPO}v3")
    head, rest = found.text.split("\n\n", 1)
    assert "  4 Method\n    4.1 Deriving it\n  5 Experiments" in head
    assert "secretly a reward model" in rest
    assert "Words." not in rest


@pytest.mark.parametrize("section", ["Method", "4", "4 Method", "method"])
async def test_read_a_section(papers: HubServer, bench: Bench, section: str) -> None:
    found = await bench.call("hf_papers", operation="read", id=DPO, section=section)
    assert found.text == "## 4 Method\n\nThe loss.\n\n### 4.1 Deriving it\n\nA proof."


async def test_a_section_that_is_not_there(papers: HubServer, bench: Bench) -> None:
    found = await bench.call("hf_papers", operation="read", id=DPO, section="Nothing")
    assert not found.ok
    assert "it has:\nDirect Preference Optimization\n  Abstract\n  1 Introduction" in found.text
    again = await bench.call("hf_papers", operation="read", id=DPO, section="4.1")
    assert again.text == "### 4.1 Deriving it\n\nA proof."
    assert len(papers.asked(f"/papers/{DPO}.md")) == 1


@pytest.mark.parametrize("place", ["arxiv", "ar5iv"])
async def test_what_the_hub_has_not_is_read_as_html(
    papers: HubServer, bench: Bench, place: str
) -> None:
    papers.pages.html[f"/{place}/html/2607.00001"] = HTML
    papers.pages.html.setdefault("/arxiv/html/2607.00001", "<html>no paper</html>")
    found = await bench.call("hf_papers", operation="read", id="2607.00001")
    assert found.text.startswith("# On Agents\n\n## Abstract\n\nThey act.\n\n## 1 Loss\n")
    assert "We use $\\mathcal{L}_{x}$ here." in found.text
    assert "| a |" in found.text
    assert "menu" not in found.text


async def test_a_paper_that_nobody_has(papers: HubServer, bench: Bench) -> None:
    found = await bench.call("hf_papers", operation="read", id="2607.00002")
    assert not found.ok
    assert found.text.startswith("no text of 2607.00002 was found. the Hub: The Hub has nothing")
    assert found.text.count(": 404") == 2


async def test_details(papers: HubServer, bench: Bench) -> None:
    found = await bench.call("hf_papers", operation="details", id="2607.21557")
    assert found.text.splitlines() == [
        "2607.21557 | OpenForgeRL | 2026-07-23 | 5 upvotes",
        "authors: Ann Author, Bob Writer",
        "code: https://github.com/x/y | 1.2k stars",
        "0 models | 0 datasets",
        "abstract: What OpenForgeRL is about.",
    ]
    other = await bench.call("hf_papers", operation="details", id="2402.01306")
    assert other.text.startswith("2402.01306 | KTO preference | 2024-02-02 | 300 citations")
    nobody = await bench.call("hf_papers", operation="details", id="2607.00009")
    assert (nobody.ok, "Semantic Scholar" in nobody.text) == (False, True)


async def test_citations(papers: HubServer, bench: Bench) -> None:
    found = await bench.call("hf_papers", operation="citations", id=DPO)
    first, second = found.text.splitlines()
    assert first.startswith("2501.00001 |")
    assert first.endswith("| influential")
    assert second.startswith("2402.01306 |")
    back = await bench.call(
        "hf_papers", operation="citations", id="2402.01306", direction="references"
    )
    assert back.text.startswith(f"{DPO} | Direct Preference Optimization")
    none = await bench.call("hf_papers", operation="citations", id="2501.00001")
    assert none.text == "nothing cites 2501.00001, as far as is known"
    few = await bench.call("hf_papers", operation="citations", id=DPO, limit=1)
    assert few.text.endswith("[1 more; the influential and most cited come first]")


async def test_resources(papers: HubServer, bench: Bench) -> None:
    papers.add("ann/dpo-model", tags=[f"arxiv:{DPO}"], downloads=10)
    papers.add("ann/dpo-data", "dataset", tags=[f"arxiv:{DPO}"])
    papers.pages.collections[f"papers/{DPO}"] = ["Alignment"]
    found = await bench.call("hf_papers", operation="resources", id=DPO)
    assert found.text.splitlines()[0] == "models:"
    assert found.text.splitlines()[1].startswith("ann/dpo-model | 10 downloads")
    assert found.text.splitlines()[4].startswith("ann/dpo-data")
    assert found.text.splitlines()[-1].endswith("| Alignment | 3 upvotes")


@pytest.mark.parametrize("id", ["", "dpo", "https://arxiv.org/abs/", "12.3"])
async def test_what_is_no_id(papers: HubServer, bench: Bench, id: str) -> None:
    found = await bench.call("hf_papers", operation="read", id=id)
    assert (found.ok, "ids look like 2305.18290" in found.text) == (False, True)


async def test_the_key_of_semantic_scholar_goes_there_alone(
    papers: HubServer, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S2_API_KEY", "s2-key-of-ann")
    papers.pages.html["/arxiv/html/2607.00001"] = HTML
    await bench.call("hf_papers", operation="citations", id=DPO)
    await bench.call("hf_papers", operation="details", id=DPO)
    await bench.call("hf_papers", operation="read", id="2607.00001")
    for request in papers.requests:
        at_scholar = request.path.startswith("/s2/")
        elsewhere = at_scholar or request.path.startswith("/arxiv/")
        assert (request.headers.get("x-api-key") == "s2-key-of-ann") == at_scholar
        assert not (elsewhere and "authorization" in request.headers)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer({}, 429, {"Retry-After": "900"}), "SEMANTIC_SCHOLAR_API_KEY sets your own key"),
        (Answer({"message": "Forbidden"}, 403), "refuses the key"),
        (Answer("bad gateway", 502, {"Retry-After": "0"}), "fails (502): bad gateway"),
        (errors.NO_JSON, "not JSON"),
        (Answer([1]), "could not be understood"),
        (Answer({"data": None}), "could not be understood"),
    ],
)
async def test_failures_of_semantic_scholar(
    papers: HubServer, bench: Bench, answer: Answer, said: str
) -> None:
    papers.misbehave(answer, path="/s2/.*")
    for more in ({"operation": "search", "sort": "date"}, {"operation": "citations"}):
        found = await bench.call("hf_papers", query="x", id=DPO, **more)
        assert not found.ok
        assert said in found.text
