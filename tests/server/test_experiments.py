"""The trials of an experiment on the page: a chart that follows them, in any session."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from configs.settings import Settings
from core.experiments.points import chart_of
from core.experiments.record import Experiment
from tests.cli.stored_experiment import JUDGE, THREAD, store_experiment
from tests.server import scenes
from tests.server.browser import chromium, needs_browser, tab
from tests.server.site import served
from tests.stand_ins.model_script import Call, Reply
from tests.stand_ins.page_server import PageServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PHONE, DESK = {"width": 390, "height": 800}, {"width": 1280, "height": 900}


def experiment(operation: str, **arguments: Any) -> Reply:
    return Reply(calls=[Call("experiment", {"operation": operation, **arguments})])


async def test_the_chart_follows_each_trial_and_is_there_later(
    settings: Settings, workdir: Path
) -> None:
    (workdir / "judge.sh").write_text("echo METRIC size=$(wc -c < train.txt)\n")
    (workdir / "train.txt").write_text("x" * 90)
    define = {"metric": "size", "command": "sh judge.sh", "frozen": ["judge.sh"], "repeats": 1}
    script = [
        experiment("define", **define),
        Reply(calls=[Call("bash", {"command": "head -c 50 train.txt > a; mv a train.txt"})]),
        experiment("run", hypothesis="less"),
        Reply("done"),
    ]
    async with served(script, settings, workdir) as browser:
        thread = await browser.new("make it small", mode="yolo")
        frames = await browser.frames(thread)
        assert frames[0]["data"]["experiment"] is None
        # A page that comes late needs the newest alone.
        (chart,) = [each["data"] for each in frames if each["event"] == "experiment"]
        assert [one["number"] for one in chart["points"]] == [0, 1]
        assert (chart["metric"], chart["best"]) == ("size", 1)
        assert chart["points"][1]["hypothesis"] == "less"
    async with served([], settings, workdir) as browser:
        (reset, *_) = await browser.frames(thread)
        assert reset["data"]["experiment"] == chart


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as started:
        yield started


@pytest.fixture
def server() -> Iterator[PageServer]:
    with PageServer() as started:
        started.thread("one")
        yield started


@pytest.fixture
def chart(settings: Settings, workdir: Path) -> dict[str, Any]:
    # Playwright runs a loop in this thread.
    with ThreadPoolExecutor(1) as other:
        trials = other.submit(asyncio.run, store_experiment(settings, workdir)).result()
    return chart_of(Experiment(THREAD, JUDGE, str(workdir), "d", 1.0), trials).to_dict()


def marks(page: "Page", kind: str) -> int:
    return page.locator(f".chart .point.{kind}").count()


@needs_browser
@pytest.mark.xdist_group("page")
def test_it_is_drawn_again_when_a_trial_ends(
    browser: "Browser", server: PageServer, chart: dict[str, Any]
) -> None:
    less = {**chart, "points": chart["points"][:3], "best": 2, "failed": []}
    server.reset("one", [scenes.user("go", 1)], experiment=less)
    with tab(browser, f"{server.url}/?thread=one", viewport=DESK) as page:
        card = page.locator("#experiment")
        card.locator(".chart").wait_for()
        assert "loss 0.8 at best, 3 trials" in card.inner_text()
        assert [marks(page, kind) for kind in ("best", "kept", "other", "failed")] == [1, 1, 1, 0]
        card.locator(".trials summary").click()
        table = card.locator(".table")
        table.evaluate("(each) => { each.style.maxHeight = '60px'; each.scrollTop = 30; }")
        server.push("one", "experiment", chart)
        card.get_by_text("8 trials").wait_for()
        assert card.locator(".trials summary:focus").count() == 1
        assert table.evaluate("(each) => each.scrollTop") == 30
        assert [marks(page, kind) for kind in ("best", "kept", "other", "failed")] == [1, 2, 3, 1]
        assert page.locator(".chart .spread").count() == 6
        assert "trial 5 (1e+12)" in card.inner_text()
        assert card.locator("tbody tr").count() == 8
        assert "mixed <precision> & more" in card.locator("tbody").inner_text()
        box = page.locator(".chart").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] - 20, box["y"] + 50)
        assert "Trial 7, discard: loss 0.66 (0.64 to 0.7)" in card.locator(".picked").inner_text()
        server.reset("one", [scenes.user("go", 1)], experiment=None)
        card.wait_for(state="hidden")


@needs_browser
@pytest.mark.xdist_group("page")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_it_fits_and_axe_finds_no_violation(
    browser: "Browser", server: PageServer, chart: dict[str, Any], scheme: Any, size: Any
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    server.reset("one", [scenes.user("go", 1), scenes.answer("done")], experiment=chart)
    with tab(
        browser, f"{server.url}/?thread=one", viewport=size, color_scheme=scheme, bypass_csp=True
    ) as page:
        page.locator(".chart").wait_for()
        page.locator("#experiment .trials summary").click()
        page.evaluate("document.querySelector('.chart').scrollIntoView()")
        wide = "document.querySelector('#scroll').scrollWidth"
        assert page.evaluate(wide) <= size["width"]
        found = Axe().run(page)
        assert found.response["violations"] == []
