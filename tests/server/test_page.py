"""The page in a real Chromium, frame by frame, under its strict policy."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from server.markdown import BlockStream
from tests.server import scenes
from tests.server.browser import chromium, needs_browser, tab
from tests.stand_ins.page_server import PageServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [needs_browser, pytest.mark.xdist_group("page")]
RUNNING = {"running": True, "driver": "here", "state": "running"}


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def running() -> Iterator[PageServer]:
    with PageServer() as started:
        yield started


@pytest.fixture
def server(running: PageServer) -> PageServer:
    running.threads.clear()
    running.frames.clear()
    running.posts.clear()
    running.answers.clear()
    running.is_cut = False
    return running


@pytest.fixture
def page(browser: "Browser", server: PageServer) -> Iterator["Page"]:
    """The thread `one`, which exists already."""
    server.thread("one")
    server.reset("one")
    with tab(browser, f"{server.url}/?thread=one") as opened:
        opened.locator("#title", has_text="One").wait_for()
        yield opened


def until(condition: Any, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def armed(page: "Page") -> None:
    """The card has the focus for long enough that keys count."""
    page.locator(".request:focus").first.wait_for()
    page.wait_for_timeout(650)


# Approvals.


def test_an_approval_by_keyboard(server: PageServer, page: "Page") -> None:
    server.push("one", "approval_required", {"requests": [scenes.REQUEST]})
    card = page.locator(".request")
    assert "$2.00 of $7.58 left" in card.inner_text()
    assert card.inner_text().count("run on a10g-small") == 1
    armed(page)
    page.keyboard.press("?")
    page.locator(".request.whole").wait_for()
    page.keyboard.press("y")
    until(lambda: server.posted("decide"))
    assert server.posted("decide") == [{"decisions": [{"id": "job1", "type": "approve"}]}]
    page.locator(".request.decided", has_text="approved").wait_for()


def test_typed_text_approves_nothing(server: PageServer, page: "Page") -> None:
    """A card that comes while the user types takes neither the focus nor the keys."""
    page.locator("#message").press_sequentially("ye")
    server.push("one", "approval_required", {"requests": [scenes.COMMAND]})
    page.locator(".request").wait_for()
    page.keyboard.type("y yes any", delay=20)
    assert page.locator("#message").input_value() == "yey yes any"
    assert server.posted("decide") == []
    page.locator("#doing button").click()
    page.keyboard.press("y")
    page.wait_for_timeout(50)
    assert server.posted("decide") == []
    armed(page)
    page.keyboard.press("y")
    until(lambda: server.posted("decide"))


def test_a_reset_leaves_the_card_that_is_being_answered(server: PageServer, page: "Page") -> None:
    server.push("one", "approval_required", {"requests": [scenes.COMMAND]})
    armed(page)
    page.keyboard.press("n")
    page.keyboard.type("use uv")
    server.reset("one", [scenes.user("go", 1)], requests=[scenes.COMMAND])
    page.locator(".user").wait_for()
    page.keyboard.type(", please")
    page.keyboard.press("Enter")
    until(lambda: server.posted("decide"))
    assert server.posted("decide")[0]["decisions"][0]["message"] == "use uv, please"


def test_a_message_on_its_way_does_not_hold_up_a_card(server: PageServer, page: "Page") -> None:
    held: list[Any] = []
    page.route("**/send", lambda route: held.append(route))
    page.locator("#message").fill("go")
    page.keyboard.press("Enter")
    server.push("one", "approval_required", {"requests": [scenes.COMMAND]})
    page.locator(".request:focus").wait_for()
    held[0].continue_()
    until(lambda: server.posted("send"))
    assert page.locator("#message").input_value() == ""


def test_edit_asks_for_each_argument(server: PageServer, page: "Page") -> None:
    server.push("one", "approval_required", {"requests": [scenes.REQUEST]})
    armed(page)
    page.keyboard.press("e")
    page.get_by_label("timeout").fill("1h")
    page.get_by_label("secrets").fill("[not json")
    page.get_by_role("button", name="Approve with changes").click()
    page.locator(".wrong", has_text="secrets is not valid JSON").wait_for()
    page.get_by_label("secrets").fill("[]")
    page.get_by_role("button", name="Approve with changes").click()
    until(lambda: server.posted("decide"))
    (decision,) = server.posted("decide")[0]["decisions"]
    assert decision["type"] == "edit"
    assert decision["arguments"] == {**scenes.REQUEST["arguments"], "timeout": "1h", "secrets": []}


def test_reject_with_words_and_always_with_its_rule(server: PageServer, page: "Page") -> None:
    second = {**scenes.COMMAND, "id": "cmd2"}
    server.push("one", "approval_required", {"requests": [scenes.COMMAND, second]})
    armed(page)
    page.keyboard.press("n")
    page.keyboard.type("use uv, yes")
    page.keyboard.press("Enter")
    until(lambda: len(server.posted("decide")) == 1)
    armed(page)
    page.keyboard.press("a")
    assert page.locator(".rule").inner_text() == "bash(uv run *)"
    assert len(server.posted("decide")) == 1
    page.get_by_role("button", name="Approve and always allow").click()
    until(lambda: len(server.posted("decide")) == 2)
    assert [body["decisions"] for body in server.posted("decide")] == [
        [{"id": "cmd1", "type": "reject", "message": "use uv, yes"}],
        [{"id": "cmd2", "type": "approve", "always": True}],
    ]


def test_a_question_is_answered_by_number_or_words(server: PageServer, page: "Page") -> None:
    server.push("one", "approval_required", {"requests": [scenes.QUESTION]})
    armed(page)
    page.keyboard.press("2")
    until(lambda: server.posted("decide"))
    server.push("one", "processing", {"text": "", "resumes": "answer", "turn": 1})
    page.locator(".request").wait_for(state="detached")
    server.push("one", "approval_required", {"requests": [{**scenes.QUESTION, "id": "ask2"}]})
    page.get_by_label("Your answer").fill("bsd")
    page.keyboard.press("Enter")
    until(lambda: len(server.posted("decide")) == 2)
    answers = [body["decisions"][0]["message"] for body in server.posted("decide")]
    assert answers == ["mit", "bsd"]


# Turns.


def stream_answer(server: PageServer, number: int, text: str, size: int = 4) -> None:
    blocks = BlockStream()
    changed = [blocks.feed(text[at : at + size]) for at in range(0, len(text), size)]
    for block in [block for each in [*changed, blocks.close()] for block in each]:
        data = {
            "answer": number,
            "block": block.number,
            "html": block.html,
            "final": block.is_final,
        }
        server.push("one", "md", data)


def test_a_turn_from_its_message_to_its_end(server: PageServer, page: "Page") -> None:
    server.status("one", **RUNNING)
    server.push("one", "processing", {"text": "count it", "resumes": "", "turn": 1})
    stream_answer(server, 0, "withdrawn text")
    server.push("one", "assistant_stream_end", {"finish_reason": "cut", "withdrawn": True})
    stream_answer(server, 0, scenes.ANSWER)
    server.push("one", "assistant_message", {"text": scenes.ANSWER})
    call = {"id": "c1", "tool": "bash", "arguments": {"command": "wc -l x"}, "effect": "execute"}
    server.push("one", "tool_call", call)
    server.push("one", "tool_call", call)
    server.push("one", "tool_state_change", {"id": "c1", "tool": "bash", "state": "running"})
    server.push("one", "tool_log", {"id": "c1", "tool": "bash", "text": "line one"})
    page.locator(".call .live", has_text="line one").wait_for()
    page.locator("#working", has_text="Running bash").wait_for()
    output = {"id": "c1", "tool": "bash", "ok": False, "text": "wc: x: No such file\n[exit code 1]",
              "truncated": True, "seconds": 0.4}  # fmt: skip
    server.push("one", "tool_output", output)
    page.locator(".call .why", has_text="No such file").wait_for()
    assert page.locator(".call").count() == 1
    server.results["c1"] = "all of it"
    page.locator(".call summary").click()
    page.get_by_role("button", name="Show all of it").click()
    page.locator(".call-body pre", has_text="all of it").wait_for()
    end = {"status": "done", "text": "", "iterations": 2, "usage": {}, "cost_micro_usd": 1200,
           "seconds": 3.0, "reason": "", "since": 0}  # fmt: skip
    server.push("one", "turn_complete", end)
    page.locator(".line", has_text="2 steps · $0.0012 · 3.0 s").wait_for()
    assert "withdrawn" not in page.locator("#log").inner_text()
    streamed = page.locator(".prose").inner_html()
    server.reset("one", [scenes.user("count it", 1), scenes.answer(scenes.ANSWER)])
    page.locator(".line").wait_for(state="detached")
    assert page.locator(".prose").inner_html() == streamed


def test_steering_queues_and_can_be_withdrawn(server: PageServer, page: "Page") -> None:
    server.status("one", **RUNNING)
    page.locator("#stop").wait_for()
    page.locator("#message").fill("three seeds")
    page.keyboard.press("Enter")
    until(lambda: server.posted("send"))
    assert server.posted("send")[0]["text"] == "three seeds"
    assert server.posted("send")[0]["key"]
    server.push("one", "queued", {"number": 7, "text": "three seeds"})
    page.get_by_role("button", name="Withdraw this message").click()
    until(lambda: server.posted("withdraw") == [{"number": 7}])
    server.push("one", "taken", {"numbers": [7], "withdrawn": True})
    page.locator("#queue").wait_for(state="hidden")
    assert page.locator("#message").input_value() == "three seeds"
    page.keyboard.press("Escape")
    until(lambda: server.posted("stop"))
    page.locator("#working", has_text="Stopping").wait_for()


def test_undo_says_what_changes_and_brings_the_text_back(server: PageServer, page: "Page") -> None:
    server.reset("one", [scenes.user("first", 1), scenes.answer("a"), scenes.user("second", 2)])
    moved = {"turn": 1, "moved": [1, 2], "restored": ["train.py"], "removed": [], "left": {},
             "beyond": ["job 12 keeps running"], "files_off": ""}  # fmt: skip
    server.answers["undo"] = (200, {"moved": moved})
    page.get_by_role("button", name="Undo to here and edit").first.click()
    dialog = page.get_by_role("dialog")
    assert "Undo 2 turns?" in dialog.inner_text()
    assert "job 12 keeps running" in dialog.inner_text()
    dialog.get_by_role("button", name="Undo").click()
    until(lambda: server.posted("undo") == [{"turns": 2, "dry_run": True}, {"turns": 2}])
    page.locator(".toast", has_text="Undid 2 turns and 1 file").wait_for()
    assert page.locator("#message").input_value() == "first"
    page.get_by_role("button", name="Redo").click()
    until(lambda: server.posted("redo"))


def test_a_call_tells_its_title_a_trainings_progress_and_what_came_of_it(
    server: PageServer, page: "Page"
) -> None:
    begun = {"id": "c1", "tool": "bash", "arguments": {}, "effect": "execute", "title": "train.py"}
    server.push("one", "tool_call", begun)
    server.push("one", "tool_state_change", {"id": "c1", "tool": "bash", "state": "running"})
    told = page.locator(".call .told")
    assert page.locator(".call .word").inner_text() == "train.py"
    assert not told.is_visible()
    line = {"id": "c1", "tool": "bash", "text": "{'loss': 0.3}"}
    progress = "loss 0.69 ▇▅▃▂ 0.30 · step 120/1200 · 4 min left · $0.12"
    server.push("one", "tool_log", {**line, "progress": progress})
    told.wait_for()
    assert told.inner_text().split() == progress.replace(" ▇▅▃▂", "").split()
    bar = page.locator(".told progress")
    assert (bar.get_attribute("value"), bar.get_attribute("max")) == ("120", "1200")
    points = (page.locator(".spark polyline").get_attribute("points") or "").split()
    heights = [float(point.partition(",")[2]) for point in points]
    assert len(heights) == 4
    assert heights == sorted(heights), "the loss falls"
    # A line without figures leaves the last state.
    server.push("one", "tool_log", {**line, "text": "saved", "progress": ""})
    page.locator(".live", has_text="saved").wait_for()
    assert bar.is_visible()
    output = {"id": "c1", "tool": "bash", "ok": True, "text": "all", "seconds": 3.0}
    summary = "loss 0.69 ▇▅▃▁ 0.28 · step 1200/1200"
    server.push("one", "tool_output", {**output, "summary": summary})
    page.locator(".told", has_text="0.28 · step 1200/1200").wait_for()
    assert not bar.is_visible()


def test_an_approval_names_what_is_dangerous(server: PageServer, page: "Page") -> None:
    marked = {**scenes.COMMAND, "marks": ["removes", "leaves the folder"]}
    server.push("one", "approval_required", {"requests": [marked, scenes.REQUEST]})
    cards = page.locator(".request")
    assert cards.nth(0).locator(".dangers").inner_text().split("\n") == marked["marks"]
    # "costs money" is its reason already, and the price is next to it.
    assert cards.nth(1).locator(".dangers").count() == 0


def test_a_wait_says_what_for_and_since_when(server: PageServer, page: "Page") -> None:
    wait: dict[str, Any] = {
        "call": "c1", "reasons": ["the end of job 12"], "since": time.time() - 7400, "until": None,
        "note": "look at https://huggingface.co/ann",
    }  # fmt: skip
    server.status("one", state="waiting", waiting=wait)
    card = page.locator("#wait")
    card.wait_for()
    assert "Waits for the end of job 12\n" in card.inner_text()
    assert "2 h 3 min ago" in card.inner_text()
    assert card.locator("a").get_attribute("href") == "https://huggingface.co/ann"
    assert "until" not in card.inner_text()
    more = [*wait["reasons"], "2026-12-01 09:00:00"]
    server.status("one", state="waiting", waiting={**wait, "reasons": more, "until": time.time()})
    page.locator("#wait", has_text="At most until").wait_for()
    assert card.locator("li").all_inner_texts() == more
    server.push("one", "processing", {"text": "", "resumes": "wait", "turn": 1})
    server.status("one", **RUNNING)
    card.wait_for(state="hidden")


def test_the_cost_says_what_the_caps_leave(server: PageServer, page: "Page") -> None:
    cost = {"turn": 1, "thread": 862_000, "day": 2}
    server.status("one", cost=cost, cap=10_000_000, left=9_138_000)
    page.locator("#cost", has_text="$0.86 · $9.14 left").wait_for()
    assert "cap of this session $10.00" in (page.locator("#cost").get_attribute("title") or "")
    server.status("one", cost=cost)
    until(lambda: page.locator("#cost").inner_text() == "$0.86")
    end = {"status": "done", "iterations": 2, "cost_micro_usd": 20_000, "seconds": 3.0}
    server.push("one", "turn_complete", {**end, "left_micro_usd": 9_000_000})
    page.locator(".line", has_text="2 steps · $0.0200 · $9.00 left · 3.0 s").wait_for()


def test_an_error_has_its_next_step(server: PageServer, page: "Page") -> None:
    error = {"kind": "model_error", "message": "Cannot ask x: 402.", "hint": "See https://a.b/c."}
    server.push("one", "error", error)
    assert page.locator(".ending a").get_attribute("href") == "https://a.b/c"
    page.get_by_role("button", name="Try again").click()
    until(lambda: server.posted("resume"))
    server.push("one", "processing", {"text": "", "resumes": "error", "turn": 1})
    page.locator(".ending").wait_for(state="detached")


def test_a_sign_in_that_is_over_has_its_link_in_a_space_only(
    server: PageServer, page: "Page"
) -> None:
    error = {"kind": "not_authenticated", "message": "You are signed out.", "hint": "Sign in."}
    server.push("one", "error", error)
    link = page.locator(".ending a")
    link.wait_for(state="attached")
    assert not link.is_visible()
    server.me = {**server.me, "kind": "space", "user": {"name": "ada"}}
    try:
        page.reload()
        link.wait_for()
        assert link.get_attribute("href") == "/signin?thread=one"
    finally:
        server.me = {**server.me, "kind": "local", "user": None}


def test_a_refusal_of_the_server_is_shown_and_the_text_stays(
    server: PageServer, page: "Page"
) -> None:
    error = {"kind": "too_many", "message": "Cannot start: 4 turns run.", "hint": "Wait."}
    server.answers["send"] = (429, {"error": error})
    page.locator("#message").fill("hello")
    page.keyboard.press("Enter")
    page.locator(".toast", has_text="4 turns run").wait_for()
    assert page.locator("#message").input_value() == "hello"


def test_text_of_others_is_never_html(server: PageServer, page: "Page") -> None:
    """Messages, names, arguments, results, titles, notices: only answers are HTML, and ours."""
    bad = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    call = scenes.call(1, bad, {"path": bad, bad: bad}, bad, ok=False, state="failed")
    items = [scenes.user(bad, 1), call, {"kind": "note", "text": bad}, scenes.answer(bad),
             {"kind": "end", "status": "error", "message": bad, "hint": bad}]  # fmt: skip
    request = {**scenes.COMMAND, "tool": bad, "reason": bad, "preview": bad, "rule": bad}
    question = {**scenes.QUESTION, "arguments": {"question": bad, "options": [bad]}}
    server.thread("bad", title=bad)
    server.reset(
        "one",
        items,
        requests=[request, question],
        title=bad,
        model=bad,
        mode=bad,
        plan=[{"text": bad, "status": bad}],
        queue=[{"number": 1, "text": bad}],
    )
    server.push("one", "notice", {"level": "error", "text": bad, "hint": bad})
    page.locator(".request").nth(1).wait_for()
    page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")
    page.locator(".call-body dd").first.wait_for()
    assert page.locator("body img:not([src$='/icon.svg']), body script").count() == 0
    assert page.locator("#title").inner_text() == bad


# The stream, and several sessions.


def test_a_cut_stream_comes_back_without_loss(server: PageServer, page: "Page") -> None:
    server.push("one", "processing", {"text": "go", "resumes": "", "turn": 1})
    page.locator(".user").wait_for()
    server.is_cut = True
    page.locator("#banner.shown", has_text="Connection lost").wait_for()
    for number in range(3):
        call = {"id": f"c{number}", "tool": "read", "arguments": {"path": "x"}, "effect": "read"}
        server.push("one", "tool_call", call)
    server.is_cut = False
    page.locator(".call").nth(2).wait_for()
    page.locator("#banner.shown").wait_for(state="detached")
    assert page.locator(".call").count() == 3
    assert page.locator(".user").count() == 1


def test_the_list_of_sessions(server: PageServer, page: "Page") -> None:
    scenes.sessions(server)
    page.reload()
    page.locator("#threads h2", has_text="Yesterday").wait_for()
    page.locator("#search").fill("imdb")
    page.locator("#threads li", has_text="imdb").wait_for()
    until(lambda: page.locator("#threads li").count() == 1)
    page.locator("#threads li").hover()
    page.get_by_role("button", name="Menu of Clean stanfordnlp/imdb").click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_label("Title").fill("Clean it")
    page.keyboard.press("Enter")
    until(lambda: server.posted("rename") == [{"title": "Clean it"}])
    page.locator("#search").fill("")
    page.locator("#threads li", has_text="Sweep").click()
    assert page.url.endswith("?thread=steps")
    page.go_back()
    page.locator("#title", has_text="One").wait_for()


def test_a_new_session_begins_with_an_example(server: PageServer, page: "Page") -> None:
    page.locator("#new").click()
    page.locator(".example").nth(1).click()
    page.locator("#mode").click()
    page.get_by_role("menuitemradio", name="Auto").click()
    page.locator("#model").click()
    page.get_by_label("Find or type a model").fill("hf/my/own")
    page.keyboard.press("Enter")
    page.locator("#message").press("Enter")
    page.wait_for_url("**thread=new-*")
    (made,) = server.posted("threads")
    assert made["text"].startswith("Inspect the dataset")
    assert (made["model"], made["mode"]) == ("hf/my/own", "auto")
    page.locator("#new").click()
    page.locator(".example").nth(1).wait_for()
    assert page.locator("#message").input_value() == ""


# How it looks, and how fast it is.


def test_it_never_scrolls_away_from_what_is_read(server: PageServer, page: "Page") -> None:
    server.reset("one", scenes.long_session())
    page.locator(".user").nth(1).wait_for()
    at = "document.all.scroll.scrollTop"
    until(lambda: page.evaluate(at) > 300)
    page.locator("#scroll").hover()
    page.mouse.wheel(0, -400)
    page.locator("#newest").wait_for()
    before = page.evaluate(at)
    stream_answer(server, 0, scenes.ANSWER, 40)
    page.locator(".answer").last.locator("table").wait_for(state="attached")
    assert page.evaluate(at) == before
    page.locator("#newest").click()
    page.locator("#newest").wait_for(state="hidden")
    stream_answer(server, 1, scenes.ANSWER, 40)
    left = "((area) => area.scrollHeight - area.clientHeight - area.scrollTop)(document.all.scroll)"
    until(lambda: page.evaluate(left) < 3)


def test_what_the_user_holds_stays_while_a_turn_runs(server: PageServer, page: "Page") -> None:
    plan = [{"text": f"Step {n}", "status": "pending"} for n in range(60)]
    server.status("one", **RUNNING, plan=plan)
    page.locator("#plan summary").click()
    steps, cost = page.locator("#plan ol"), page.locator("#cost")
    steps.evaluate("(list) => { list.scrollTop = 300; }")
    page.locator("#mode").hover()
    page.mouse.down()
    plan[0]["status"] = "completed"
    server.status("one", **RUNNING, plan=plan, cost={"turn": 1, "thread": 70_000_000, "day": 1})
    cost.get_by_text("$70").wait_for()
    page.locator("#plan .count", has_text="1 of 60").wait_for()
    assert steps.evaluate("(list) => list.scrollTop") == 300
    page.mouse.up()
    page.get_by_role("menuitemradio", name="Auto").wait_for()
    page.keyboard.press("Escape")
    page.locator("#plan summary").focus()
    plan[1]["status"] = "completed"
    server.status("one", **RUNNING, plan=plan)
    page.locator("#plan .count", has_text="2 of 60").wait_for()
    assert page.locator("#plan summary:focus").count() == 1


def test_a_call_that_is_longer_than_the_window_is_read_to_its_end(
    browser: "Browser", server: PageServer
) -> None:
    server.reset("one", requests=[scenes.REQUEST, {**scenes.REQUEST, "id": "call2"}])
    size = {"width": 1000, "height": 420}
    with tab(browser, f"{server.url}/?thread=one", viewport=size) as page:

        def shown(part: Any) -> bool:
            """In view, once the page has answered to what was done last."""
            page.evaluate("new Promise((done) => setTimeout(() => requestAnimationFrame(done)))")
            box, area = part.bounding_box(), page.locator("#scroll").bounding_box()
            return area["y"] <= box["y"] and box["y"] + box["height"] <= area["y"] + area["height"]

        cards = page.locator(".request")
        cards.first.locator("h2").wait_for()
        assert shown(cards.first.locator("h2"))
        cards.nth(1).get_by_role("button", name="Edit").click()
        assert shown(cards.nth(1).locator("textarea").first)
        page.mouse.move(500, 200)
        for _ in range(20):
            page.mouse.wheel(0, 100)
            page.wait_for_timeout(30)
        approve = cards.nth(1).get_by_role("button", name="Approve with changes")
        assert shown(approve)
        cards.first.locator("button.fill").dispatch_event("click")
        page.locator(".request.decided").wait_for()
        assert shown(cards.nth(1).locator("h2")), "the next call is read from its beginning"
        approve.click()
        until(lambda: len(server.posted("decide")) == 2)


@pytest.mark.parametrize("width", [375, 768, 1920])
def test_nothing_is_wider_than_the_window(
    browser: "Browser", server: PageServer, width: int
) -> None:
    scenes.sessions(server)
    requests = [scenes.REQUEST, scenes.COMMAND, scenes.QUESTION]
    queue = [{"number": 1, "text": "a long message " * 20}]
    server.reset("long", scenes.long_session(), requests=requests, plan=scenes.PLAN, queue=queue)
    size = {"width": width, "height": 800}
    with tab(browser, f"{server.url}/?thread=long", viewport=size) as page:
        page.locator(".request").nth(2).wait_for()
        head, top = page.locator(".request h2").first.bounding_box(), page.locator("#top")
        assert head
        assert head["y"] >= (top.bounding_box() or head)["height"], "the first is seen first"
        page.evaluate(
            "document.querySelectorAll('#log details').forEach((each) => each.open = true)"
        )
        page.locator(".diff").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator(".calls").nth(1).evaluate("(each) => each.scrollIntoView()")
        assert page.evaluate("[scrollY, document.body.scrollTop]") == [0, 0]
        column = page.locator("#log").bounding_box()
        assert column
        for part in page.locator(".item, .request, #composer, #plan, #queue").all():
            box = part.bounding_box()
            assert box is None or box["x"] + box["width"] <= column["x"] + column["width"]
        if width == 375:
            assert not page.locator("#threads").is_visible()
            page.locator("#side-open").click()
            page.locator("#threads li").first.click()
            page.locator("#threads").wait_for(state="hidden")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(browser: "Browser", server: PageServer, scheme: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe

    scenes.sessions(server)
    server.me["warnings"] = ["No key for the small model: summaries use the session's model."]
    requests = [scenes.REQUEST, scenes.COMMAND, scenes.QUESTION]
    ending = {"kind": "end", "status": "error", "message": "Cannot ask.", "hint": "Again."}
    server.reset("long", [*scenes.long_session(), ending], requests=requests, plan=scenes.PLAN)
    server.reset("live", scenes.long_session(), queue=[{"number": 1, "text": "a"}], **RUNNING)
    begun = {"id": "t1", "tool": "bash", "arguments": {}, "effect": "execute", "title": "train.py"}
    server.push("live", "tool_call", begun)
    server.push("live", "tool_state_change", {"id": "t1", "tool": "bash", "state": "running"})
    progress = "loss 0.69 ▇▅▃▂ 0.30 · step 120/1200"
    log = {"id": "t1", "tool": "bash", "text": "line", "progress": progress}
    server.push("live", "tool_log", log)
    wait = {"reasons": ["a", "b"], "since": time.time(), "until": time.time(), "note": "go"}
    server.reset("wait", scenes.long_session(), state="waiting", waiting=wait)
    with tab(browser, server.url, color_scheme=scheme, reduced_motion="reduce") as page:
        for thread in ("", "?thread=long", "?thread=live", "?thread=wait"):
            page.goto(f"{server.url}/{thread}")
            page.locator(".example" if not thread else ".user").first.wait_for(state="attached")
            page.evaluate(
                "document.querySelectorAll('details').forEach((each) => each.open = true)"
            )
            if thread == "?thread=live":
                page.locator("#model").click()
            page.wait_for_timeout(300)
            found = Axe().run(page).response["violations"]
            assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []


def test_300_steps_open_at_once(browser: "Browser", server: PageServer) -> None:
    """Measured in the page: from its address to everything in the document. The bound is wide."""
    items = [scenes.user("go", 1)]
    for number in range(300):
        items.append(scenes.answer(f"Step {number}: `x` and **y**.\n\n- one\n- two"))
        items.append(scenes.call(number, "bash", {"command": f"step {number}"}, "x\n" * 200))
    server.reset("steps", items)
    with tab(browser, f"{server.url}/?thread=steps") as page:
        page.locator(".call").nth(299).wait_for(state="attached")
        page.locator(".answer").last.wait_for()
        assert page.locator("#log.long").count() == 1
