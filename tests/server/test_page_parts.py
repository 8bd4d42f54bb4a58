"""A long session in the page: the newest part at once, the older ones behind it, nothing lost."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.server import scenes
from tests.server.browser import chromium, needs_browser, tab
from tests.stand_ins.page_server import PageServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [needs_browser, pytest.mark.xdist_group("page")]
#: The numbers of all calls on the page, in their order.
CALLS = "[...document.querySelectorAll('.call .word')].map((each) => each.textContent)"
SIZE = 30


def session(steps: int) -> list[dict[str, Any]]:
    items = [scenes.user("one", 1), scenes.answer("Yes."), scenes.user("two", 2)]
    for number in range(steps):
        if number % 5 == 0:
            items.append(scenes.answer(f"Step {number}: `x` and **y**.\n\n- one\n- two"))
        items.append(scenes.call(number, "bash", {"command": f"step {number}"}, "x\n" * 50))
    return [{"key": f"k{number}", **item} for number, item in enumerate(items)]


def show(server: PageServer, items: list[dict[str, Any]], **fields: Any) -> None:
    """A reset with the newest part; the others are there to be asked for."""
    at = len(items)
    while at > 0:
        end, at = at, max(0, at - SIZE)
        turn = max((item.get("turn", 0) for item in items[:at]), default=0)
        part = {"items": items[at:end], "before": f"k{at}" if at else "", "turn": turn}
        if end == len(items):
            newest = part
        else:
            server.parts[f"k{end}"] = part
    server.reset("one", newest["items"], before=newest["before"], turn=newest["turn"], **fields)


def settled(page: "Page") -> float:
    """Where the conversation is scrolled to, once nothing moves: a wheel moves it for a while."""
    was, now = -1.0, 0.0
    while was != now:
        page.wait_for_timeout(300)
        was, now = now, page.evaluate("document.all.scroll.scrollTop")
    return now


@pytest.fixture
def page() -> Iterator["Page"]:
    with PageServer() as server, chromium() as browser:
        server.thread("one")
        server.held = True
        with tab(browser, f"{server.url}/?thread=one") as opened:
            opened.server = server  # type: ignore[attr-defined]
            yield opened


def test_older_parts_follow_and_nothing_moves(page: "Page") -> None:
    server: PageServer = page.server  # type: ignore[attr-defined]
    show(server, session(200))
    page.locator(".call", has_text="step 199").wait_for()
    page.locator("#earlier").wait_for()
    assert page.locator(".call").count() <= SIZE
    assert page.locator(".user").count() == 0
    # What the user reads stays where it is while the older parts come.
    page.locator("#scroll").hover()
    page.mouse.wheel(0, -200)
    page.locator("#newest").wait_for()
    settled(page)
    seen = page.get_by_text("step 190", exact=True)
    before = seen.bounding_box() or {}
    server.held = False
    page.locator("#earlier").wait_for(state="hidden")
    assert (seen.bounding_box() or {})["y"] == pytest.approx(before["y"], abs=1)
    assert page.evaluate(CALLS) == [f"step {number}" for number in range(200)]
    assert page.locator(".user .bubble").all_text_contents() == ["one", "two"]
    # Calls in a row are one box, also where two parts meet.
    assert page.locator(".calls + .calls").count() == 0
    assert page.locator("[data-act=undo]").count() == 2


def test_scrolling_up_asks_at_once_and_undo_knows_its_turn(page: "Page") -> None:
    server: PageServer = page.server  # type: ignore[attr-defined]
    page.evaluate("window.requestIdleCallback = () => 0")
    show(server, session(60))
    server.held = False
    page.locator("#scroll").hover()
    while page.locator("#earlier").is_visible():
        page.mouse.wheel(0, -2000)
        page.wait_for_timeout(20)
    page.locator(".user").first.hover()
    page.get_by_role("button", name="Undo to here and edit").first.click()
    page.locator(".toast", has_text="Undid").wait_for()
    assert server.posted("undo")[0] == {"turns": 2, "dry_run": True}


def test_a_reset_leaves_what_stands_before_it(page: "Page") -> None:
    """Another process drives the thread: a reset comes each second, and the user reads above."""
    server: PageServer = page.server  # type: ignore[attr-defined]
    server.held = False
    show(server, session(100))
    page.locator("#earlier").wait_for(state="hidden")
    page.locator(".call").first.evaluate("(each) => (each.dataset.old = 'yes')")
    page.locator("#scroll").hover()
    page.mouse.wheel(0, -1500)
    page.locator("#newest").wait_for()
    top = settled(page)
    show(server, session(103))
    page.locator(".call", has_text="step 102").wait_for(state="attached")
    assert page.evaluate(CALLS) == [f"step {number}" for number in range(103)]
    assert page.locator(".call[data-old]").count() == 1
    assert settled(page) == pytest.approx(top, abs=1)
    # An undo of both turns leaves nothing of them.
    server.reset("one", session(0)[:2])
    page.locator(".call").first.wait_for(state="detached")
    assert page.locator("#log > *").count() == 2
    # Another thread's part with the same keys is its own.
    server.parts.clear()
    show(server, session(4))
    page.locator(".call").nth(3).wait_for()
    assert page.locator(".user").count() == 2
