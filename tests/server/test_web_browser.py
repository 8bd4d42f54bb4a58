"""`ml-agent web` as a process, a stand-in model, and a real Chromium: what a user does."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from server.markdown import blocks_of
from tests.cli.program import program
from tests.server.browser import chromium, needs_browser, tab
from tests.server.cut_stream import Cuts, sent
from tests.server.scenes import ANSWER
from tests.server.web_program import Web
from tests.stand_ins.cutting_proxy import CuttingProxy
from tests.stand_ins.model_script import Asked, Call, Reply

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [needs_browser, pytest.mark.xdist_group("web")]
#: Runs until `Web.let_go`, so that a test can look as long as it needs to.
LONG = "echo line 1; until rm go 2>/dev/null; do sleep 0.1; done; echo line 12"

LINES = "for n in $(seq 1 50); do echo line $n; sleep 0.02; done"


def choose(asked: Asked) -> Reply:
    """The answer by the first word of the newest message."""
    word = asked.user.split()[-1]
    first = asked.step == 0
    if word == "table":
        return Reply(ANSWER, pieces=60, chunk_delay=0.02)
    if word == "run" and first:
        return Reply("I run it.", calls=[Call("bash", {"command": LONG})])
    if word == "lines" and first:
        return Reply("Lines:", calls=[Call("bash", {"command": LINES})])
    if word == "lines":
        return Reply(ANSWER, pieces=100, chunk_delay=0.01)
    if word == "write" and first:
        return Reply(calls=[Call("write", {"path": "new.txt", "content": "x\n"})])
    return Reply(f"Done: {word}.")


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with program(tmp_path_factory.mktemp("web"), choose) as run:
        started = Web(run)
        yield started
        started.end()


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def cookies(browser: "Browser", web: Web) -> list[dict[str, str]]:
    """Those of a browser that opened the link."""
    with tab(browser, web.link) as page:
        page.locator(".example").first.wait_for()
        return [dict(cookie) for cookie in page.context.cookies()]  # type: ignore[arg-type]


@contextmanager
def signed_in(
    browser: "Browser", web: Web, cookies: list[dict[str, str]], path: str = "/", proxy: str = ""
) -> Iterator["Page"]:
    through = {"server": proxy, "bypass": "<-loopback>"} if proxy else None
    with tab(browser, "about:blank", proxy=through) as page:
        page.set_default_timeout(30_000)
        page.context.add_cookies(cookies)  # type: ignore[arg-type]
        page.goto(f"http://127.0.0.1:{web.port}{path}")
        yield page


@pytest.fixture
def page(browser: "Browser", web: Web, cookies: list[dict[str, str]]) -> Iterator["Page"]:
    with signed_in(browser, web, cookies) as opened:
        yield opened


def say(page: "Page", text: str) -> None:
    page.locator("#message").fill(text)
    page.keyboard.press("Enter")


def press(page: "Page", key: str) -> None:
    """Waits until the card takes keys."""
    page.locator(".request:focus").wait_for()
    page.wait_for_timeout(700)
    page.keyboard.press(key)


def path_of(page: "Page") -> str:
    page.wait_for_url("**/?thread=*")
    return "/?" + page.url.partition("?")[2]


def test_two_tabs_approve_steer_and_stop(
    browser: "Browser", web: Web, cookies: list[dict[str, str]], page: "Page"
) -> None:
    say(page, "please run")
    with signed_in(browser, web, cookies, path_of(page)) as other:
        other.locator(".request").wait_for()
        press(page, "y")
        for each in (page, other):
            each.locator(".call .live", has_text="line").wait_for()
        say(other, "withdraw me")
        page.locator("#queue", has_text="withdraw me").wait_for()
        page.get_by_role("button", name="Withdraw this message").click()
        other.locator("#queue").wait_for(state="hidden")
        say(page, "and this")
        other.locator("#queue", has_text="and this").wait_for()
        web.let_go()
        other.locator(".answer", has_text="Done: this.").wait_for()
        assert page.locator(".user").all_inner_texts() == ["please run", "and this"]
        say(page, "once more, run")
        press(page, "y")
        page.locator(".call .live", has_text="line").wait_for()
        page.locator("#message").focus()
        page.keyboard.press("Escape")
        for each in (page, other):
            each.locator(".ending", has_text="Stopped.").wait_for()


def test_undo_removes_the_file_and_redo_brings_it_back(web: Web, page: "Page") -> None:
    made = web.run.work / "new.txt"
    say(page, "please write")
    page.locator(".answer", has_text="Done: write.").wait_for()
    assert made.read_text() == "x\n"
    page.locator(".user").hover()
    page.get_by_role("button", name="Undo to here and edit").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("new.txt").wait_for()
    dialog.get_by_role("button", name="Undo").click()
    page.locator(".user").wait_for(state="detached")
    assert not made.exists()
    assert page.locator("#message").input_value() == "please write"
    page.get_by_role("button", name="Redo").click()
    page.locator(".answer", has_text="Done: write.").wait_for()
    assert made.exists()


def test_a_line_that_is_cut_loses_and_repeats_nothing(
    browser: "Browser", web: Web, cookies: list[dict[str, str]]
) -> None:
    with CuttingProxy() as proxy, signed_in(browser, web, cookies, proxy=proxy.url) as page:
        say(page, "the table")
        page.locator(".answer .actions").wait_for(state="attached")
        assert proxy.cuts > 1
        assert page.locator(".user").count() == 1
        blocks = [page.evaluate(AS_DOCUMENT, html) for html in blocks_of(ANSWER)]
        shown = page.locator(".answer .block")
        assert [block.inner_html() for block in shown.all()] == blocks


def test_a_tab_that_is_cut_at_random_bytes_gets_each_event_once(
    web: Web, cookies: list[dict[str, str]]
) -> None:
    """benchmarks/stream_cuts.py does it 200 times."""
    address = f"127.0.0.1:{web.port}"
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in cookies)
    cuts = Cuts(address, cookie, sent(address, cookie, "the lines", mode="auto"), wanted=30)
    cuts.run()
    assert cuts.problems == []
    assert cuts.made >= 30
    assert cuts.resumed > 10


AS_DOCUMENT = "(html) => Object.assign(document.createElement('div'), {innerHTML: html}).innerHTML"


def test_the_page_comes_back_after_the_server_was_killed(web: Web, page: "Page") -> None:
    say(page, "please run")
    press(page, "y")
    page.locator(".call .live", has_text="line").wait_for()
    web.kill()
    page.locator("#banner.shown", has_text="Connection lost").wait_for()
    web.let_go()
    web.start()
    page.locator(".ending", has_text="cut off").wait_for()
    page.locator("#banner.shown").wait_for(state="detached")
    page.get_by_role("button", name="Continue").click()
    page.locator(".answer", has_text="Done: run.").wait_for()
    assert page.locator(".call").count() == 1
    page.locator(".call summary").click()
    page.locator(".call-body", has_text="line 12").wait_for()


def test_without_the_cookie_the_page_says_what_to_do(browser: "Browser", web: Web) -> None:
    with tab(browser, f"http://127.0.0.1:{web.port}/") as page:
        assert "Run ml-agent web" in page.inner_text("body")


def test_a_thread_that_is_not_there(browser: "Browser", web: Web, page: "Page") -> None:
    page.goto(f"http://127.0.0.1:{web.port}/?thread=nope")
    page.locator(".toast", has_text="nope").wait_for()
