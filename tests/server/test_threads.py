"""The routes of a thread: turns, approvals, going back, and what another process does."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from configs.settings import Settings
from core.errors import StoreError
from core.store import open_store
from graph.session import RunOptions, Session
from server.limits import Limits
from server.users import User, Users
from tests.server.site import served, until_there
from tests.stand_ins.model_script import Call, Reply

#: A command that runs until its folder has the file "go".
UNTIL_GO = "until test -e go; do sleep 0.05; done"


def bash(command: str) -> Call:
    return Call("bash", {"command": command})


def named(frames: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [frame["data"] for frame in frames if frame["event"] == name]


async def test_a_turn_is_told_as_frames(settings: Settings, workdir: Path) -> None:
    script = [Reply(text="I **look**.", calls=[bash("echo one")]), Reply(text="- a\n- b")]
    async with served(script, settings, workdir) as browser:
        thread = await browser.new("go", mode="auto")
        frames = await browser.frames(thread)
        assert frames[0]["event"] == "reset"
        names = {frame["event"] for frame in frames}
        assert {"processing", "tool_call", "tool_output", "md", "turn_complete"} <= names
        assert "assistant_chunk" not in names
        final = [data["blocks"] for data in named(frames, "md") if "blocks" in data]
        assert "<strong>look</strong>" in final[0][0]
        assert "<li>a</li>" in final[1][0]
        status = named(frames, "status")[-1]
        assert (status["running"], status["driver"], status["state"]) == (False, "", "done")
        assert status["context"]["total"] > 0
        # The same as a snapshot, once nothing is left of the room.
        await browser.site.users.get("").forget(thread)
        (reset,) = await browser.frames(thread)
        kinds = [item["kind"] for item in reset["data"]["items"]]
        assert kinds == ["user", "answer", "call", "answer", "total"]
        call = reset["data"]["items"][2]
        assert (call["state"], call["ok"], call["text"]) == ("done", True, "one\n[exit code 0]")


async def test_thoughts_totals_and_times_are_there_after_a_restart(
    settings: Settings, workdir: Path
) -> None:
    replies = iter(
        [
            Reply(text="I look.", thinking="Where is it?", calls=[bash("sleep 0.1; echo one")]),
            Reply(text="There."),
            Reply(text="Again."),
        ]
    )
    async with served(lambda asked: next(replies), settings, workdir) as browser:
        thread = await browser.new("go", mode="auto")
        await browser.post(f"/threads/{thread}/send", text="more")
        await browser.settled(thread)
        (told,) = named(await browser.frames(thread), "turn_complete")
        await browser.site.users.get("").forget(thread)
        (reset,) = await browser.frames(thread)
        items = reset["data"]["items"]
        kinds = [item["kind"] for item in items]
        first = ["user", "thinking", "answer", "call", "answer", "total"]
        assert kinds == [*first, "user", "answer", "total"]
        assert items[1]["text"] == "Where is it?"
        assert items[3]["seconds"] >= 0.1
        totals = [item for item in items if item["kind"] == "total"]
        assert [total["iterations"] for total in totals] == [2, 1]
        assert totals[1]["cost_micro_usd"] == told["cost_micro_usd"]
        assert totals[0]["seconds"] >= 0.1


async def test_a_long_thread_comes_newest_part_first(
    settings: Settings, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.snapshot.PART", 3)
    async with served(lambda asked: Reply(text="ok"), settings, workdir) as browser:
        thread = await browser.new("one")
        for text in ("two", "three"):
            await browser.post(f"/threads/{thread}/send", text=text)
            await browser.settled(thread)
        await browser.site.users.get("").forget(thread)
        part = (await browser.frames(thread))[0]["data"]
        assert part["turns"] == 3
        items = part["items"]
        while part["before"]:
            path = f"/threads/{thread}/items"
            answer = await browser.http.get(path, params={"before": part["before"]})
            part = answer.json()
            assert len(part["items"]) <= 3
            items = part["items"] + items
        assert [item["text"] for item in items if item["kind"] == "user"] == ["one", "two", "three"]
        assert [item["kind"] for item in items] == ["user", "answer", "total"] * 3
        for before in ("gone", "../x"):
            wrong = await browser.http.get(f"/threads/{thread}/items", params={"before": before})
            assert wrong.status_code == 404
            assert wrong.json()["error"]["hint"]


async def test_a_message_in_the_middle_is_queued_taken_or_withdrawn(
    settings: Settings, workdir: Path
) -> None:
    replies = iter([Reply(calls=[bash(f"touch begun; {UNTIL_GO}")]), Reply(text="ok")])
    async with served(lambda asked: next(replies), settings, workdir) as browser:
        thread = await browser.begin("go", mode="auto")
        await until_there(workdir / "begun")  # the first step may not take them
        one = (await browser.post(f"/threads/{thread}/send", text="and this")).json()
        two = (await browser.post(f"/threads/{thread}/send", text="not this")).json()
        assert (one, two) == ({"queued": 2}, {"queued": 3})
        answer = await browser.post(f"/threads/{thread}/withdraw", number=3)
        assert answer.json() == {"withdrawn": True}
        (workdir / "go").touch()
        await browser.settled(thread)
        frames = await browser.frames(thread)
        assert named(frames, "queued") == [
            {"number": 2, "text": "and this"},
            {"number": 3, "text": "not this"},
        ]
        assert named(frames, "taken") == [
            {"numbers": [3], "withdrawn": True},
            {"numbers": [2], "withdrawn": False},
        ]
        assert [data["text"] for data in named(frames, "processing")] == ["go", "and this"]


async def test_a_message_while_the_turn_is_ending_is_answered(
    settings: Settings, workdir: Path
) -> None:
    """It comes after the session's last look, while the room still counts as running."""
    replies = iter([Reply(calls=[bash(UNTIL_GO)]), Reply(text="one"), Reply(text="two")])
    async with served(lambda asked: next(replies), settings, workdir) as browser:
        thread = await browser.begin("go", mode="auto")
        session = browser.room(thread).session
        sent: list[Any] = []

        async def late(last: Any) -> bool:
            if not sent:
                sent.append(await browser.post(f"/threads/{thread}/send", text="late"))
            return False

        session._is_queued = late
        (workdir / "go").touch()
        await browser.settled(thread)
        assert sent[0].json() == {"queued": 2}
        assert named(await browser.frames(thread), "turn_complete")[-1]["text"] == "two"
        assert not await session.unfinished()


async def test_a_request_that_is_sent_twice_happens_once(settings: Settings, workdir: Path) -> None:
    async with served(lambda asked: Reply(text="ok"), settings, workdir) as browser:
        both = await asyncio.gather(
            *(browser.post("/threads", text="go", key="first") for _ in range(2))
        )
        ids = {answer.json()["thread"]["id"] for answer in both}
        assert len(ids) == 1
        thread = ids.pop()
        await browser.settled(thread)
        for _ in range(2):
            answer = await browser.post(f"/threads/{thread}/send", text="more", key="second")
            assert answer.json() == {"queued": None}
        await browser.settled(thread)
        reset = (await browser.frames(thread))[0]["data"]
        assert [i["text"] for i in reset["items"] if i["kind"] == "user"] == ["go"]


async def test_decisions_come_one_by_one_and_always_is_a_rule(
    settings: Settings, workdir: Path
) -> None:
    calls = [bash("touch a"), bash("touch b"), Call("ask_user", {"question": "which?"})]
    script = [Reply(calls=calls), Reply(calls=[bash("touch a")]), Reply(text="done")]
    async with served(script, settings, workdir) as browser:
        thread = await browser.new("go", mode="ask")
        (asked,) = named(await browser.frames(thread), "approval_required")
        first, second, question = asked["requests"]
        assert first["rule"].startswith("bash(")
        assert "approve" not in question["decisions"]
        path = f"/threads/{thread}/decide"
        wrong = await browser.post(path, decisions=[{"id": question["id"], "type": "approve"}])
        assert wrong.status_code == 400
        yes = {"id": first["id"], "type": "approve", "always": True}
        assert (await browser.post(path, decisions=[yes])).json() == {"left": 2}
        again = await browser.post(path, decisions=[{"id": first["id"], "type": "reject"}])
        assert "already decided" in again.json()["error"]["message"]
        rest = [
            {"id": second["id"], "type": "reject", "message": "not b"},
            {"id": question["id"], "type": "respond", "message": "the first"},
        ]
        assert (await browser.post(path, decisions=rest)).json() == {"left": 0}
        await browser.settled(thread)
        frames = await browser.frames(thread)
        # Its second `touch a` ran without a question: the rule holds.
        assert frames[-1]["event"] in ("turn_complete", "status")
        assert (workdir / "a").exists()
        assert not (workdir / "b").exists()
        texts = [data["text"] for data in named(frames, "tool_output")]
        assert any("not b" in text for text in texts)
        assert any("the first" in text for text in texts)


async def test_stop_then_resume(settings: Settings, workdir: Path) -> None:
    replies = iter([Reply(calls=[bash("sleep 30")]), Reply(text="later")])
    async with served(lambda asked: next(replies), settings, workdir) as browser:
        thread = await browser.begin("go", mode="auto")
        async with asyncio.timeout(20):
            while not named(await browser.frames(thread), "tool_call"):
                await asyncio.sleep(0.05)
        busy = await browser.post(f"/threads/{thread}/undo")
        assert busy.status_code == 400
        assert (await browser.post(f"/threads/{thread}/stop")).status_code == 202
        await browser.settled(thread)
        assert named(await browser.frames(thread), "interrupted")
        assert (await browser.post(f"/threads/{thread}/send", text="on")).json() == {"queued": None}
        await browser.settled(thread)
        assert named(await browser.frames(thread), "turn_complete")[-1]["text"] == "later"


async def test_undo_redo_fork_rename_delete(settings: Settings, workdir: Path) -> None:
    async with served(lambda asked: Reply(text="ok"), settings, workdir) as browser:
        thread = await browser.new("one")
        epoch = (await browser.frames(thread))[0]["id"].partition(".")[0]
        at = f"/threads/{thread}"
        dry = (await browser.post(f"{at}/undo", dry_run=True)).json()["moved"]
        assert dry["moved"] == [1]
        assert (await browser.post(f"{at}/undo")).json()["moved"]["turn"] == 0
        reset, undone = await browser.frames(thread)
        assert reset["id"].partition(".")[0] != epoch
        assert (reset["data"]["items"], undone["event"]) == ([], "undo_complete")
        assert (await browser.post(f"{at}/undo")).status_code == 400
        assert (await browser.post(f"{at}/redo")).json()["moved"]["turn"] == 1
        fork = (await browser.post(f"{at}/fork")).json()["thread"]
        assert fork["title"] == "fork of one"
        renamed = (await browser.post(f"{at}/rename", title="two words")).json()["thread"]
        assert renamed["title"] == "two words"
        found = (await browser.http.get("/threads?query=WORDS")).json()["threads"]
        assert [row["id"] for row in found] == [thread]
        assert (await browser.post(f"{at}/delete")).status_code == 200
        assert (await browser.http.get(f"{at}/events")).status_code == 404
        assert (await browser.post(f"/threads/{fork['id']}/send", text="more")).status_code == 202


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("send", {"text": "  "}),
        ("send", {"text": "x" * 2000}),
        ("send", {"words": "x"}),
        ("send", {"text": 5}),
        ("decide", {"decisions": [{"id": "x", "type": "maybe"}]}),
        ("decide", {"decisions": [{"id": "x", "type": "approve"}]}),
        ("undo", {"turns": 0}),
        ("mode", {"mode": "root"}),
        ("model", {"model": "no such model"}),
        ("fork", {"at": 99}),
        ("cap", {"dollars": -1}),
        ("cap", {"dollars": 1}),  # there is none
        ("redo", {}),
    ],
)
async def test_bad_input_is_answered(
    settings: Settings, workdir: Path, path: str, body: dict[str, Any]
) -> None:
    async with served([Reply(text="ok")], settings, workdir, Limits(message=1000)) as browser:
        thread = await browser.new("go")
        answer = await browser.post(f"/threads/{thread}/{path}", **body)
        assert 400 <= answer.status_code < 500, answer.text
        error = answer.json()["error"]
        assert error["message"]
        assert error["hint"]


async def test_too_many_turns_and_tabs_are_refused(settings: Settings, workdir: Path) -> None:
    limits = Limits(user_turns=1, user_streams=1)
    async with served(
        lambda asked: Reply(calls=[bash("sleep 20")]), settings, workdir, limits
    ) as browser:
        thread = await browser.begin("go", mode="auto")
        second = await browser.post("/threads", text="go", mode="auto")
        assert (second.status_code, second.headers["retry-after"]) == (429, "30")
        # A message to the turn that runs is none of its own.
        assert (await browser.post(f"/threads/{thread}/send", text="x")).status_code == 202
        browser.room(thread).listeners = 1
        assert (await browser.http.get(f"/threads/{thread}/events")).status_code == 429
        browser.room(thread).listeners = 0


async def test_what_no_one_uses_is_closed_and_opens_again(
    settings: Settings, workdir: Path
) -> None:
    limits = Limits(idle=0)
    async with served(lambda asked: Reply(text="ok"), settings, workdir, limits) as browser:
        thread = await browser.new("go")
        user = browser.site.users.get("")
        browser.room(thread).listeners = 1
        await browser.site.users.close_idle()
        assert thread in user.rooms  # a tab shows it
        browser.room(thread).listeners = 0
        await browser.site.users.close_idle()
        assert (user.rooms, user._store) == ({}, None)
        assert (await browser.post(f"/threads/{thread}/send", text="more")).status_code == 202
        await browser.settled(thread)
        (reset, *_) = await browser.frames(thread)
        assert [item["kind"] for item in reset["data"]["items"]] == ["user", "answer", "total"]


async def test_a_saved_result_is_read_whole_and_nothing_else(
    settings: Settings, workdir: Path
) -> None:
    script = [Reply(calls=[bash("seq 1 20000")]), Reply(text="ok")]
    async with served(script, settings, workdir) as browser:
        thread = await browser.new("go", mode="auto")
        (output,) = named(await browser.frames(thread), "tool_output")
        assert output["truncated"]
        answer = await browser.http.get(f"/threads/{thread}/results/{output['id']}")
        assert "\n19999\n20000" in answer.text
        assert answer.headers["content-type"].startswith("text/plain")
        for call in ("none", "..%2f..%2fweb-cookies", "%2e%2e", "a.txt"):
            answer = await browser.http.get(f"/threads/{thread}/results/{call}")
            assert answer.status_code == 404


async def test_of_a_result_larger_than_a_page_takes_head_and_tail_are_read(
    settings: Settings, workdir: Path
) -> None:
    script = [Reply(calls=[bash("echo first; yes | head -c 9000000; echo last")]), Reply(text="ok")]
    async with served(script, settings, workdir) as browser:
        thread = await browser.new("go", mode="auto")
        (output,) = named(await browser.frames(thread), "tool_output")
        answer = await browser.http.get(f"/threads/{thread}/results/{output['id']}")
        assert len(answer.text) < 6_000_000
        assert answer.text.startswith("first\ny\n")
        assert answer.text.endswith("y\nlast\n")
        assert "bytes left out" in answer.text


async def test_a_turn_of_another_process_is_seen_and_joined(
    settings: Settings, workdir: Path
) -> None:
    replies = iter([Reply(text="one"), Reply(calls=[bash(UNTIL_GO)]), Reply(text="two")])
    async with served(lambda asked: next(replies), settings, workdir) as browser:
        thread = await browser.new("go", mode="auto")
        room = browser.room(thread)
        listening = asyncio.create_task(_listened(room))
        options = RunOptions(interactive=False)
        async with Session.open(settings, thread=thread, options=options) as cli:
            async for event in cli.send("from the terminal"):
                if event.name == "tool_call":
                    async with asyncio.timeout(10):
                        while (await browser.frames(thread))[0]["data"]["status"]["driver"] == "":
                            await asyncio.sleep(0.05)
                    stopped = await browser.post(f"/threads/{thread}/stop")
                    assert stopped.status_code == 400
                    sent = await browser.post(f"/threads/{thread}/send", text="from the page")
                    assert sent.json()["queued"] == 3
                    (workdir / "go").touch()
        async with asyncio.timeout(10):
            while (await browser.frames(thread))[0]["data"]["status"]["running"]:
                await asyncio.sleep(0.05)
        items = (await browser.frames(thread))[0]["data"]["items"]
        said = [(item["text"], item["turn"]) for item in items if item["kind"] == "user"]
        assert said == [("go", 1), ("from the terminal", 2), ("from the page", 2)]
        listening.cancel()
    async with await open_store(settings) as store:
        assert (await store.threads.get(thread)) is not None


async def test_the_end_of_a_turn_of_ours_begins_no_epoch(
    settings: Settings, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reset would replace the approval card under the user's fingers."""
    monkeypatch.setattr("server.room.LOOK", 0.02)
    script = [Reply(calls=[bash(UNTIL_GO)]), Reply(text="ok")]
    async with served(script, settings, workdir) as browser:
        thread = await browser.begin("go", mode="auto")
        room = browser.room(thread)
        listening = asyncio.create_task(_listened(room))  # a tab that opens while the turn runs
        epoch = room.log.newest.partition(".")[0]
        (workdir / "go").touch()
        await browser.settled(thread)
        await asyncio.sleep(0.5)
        assert room.log.newest.partition(".")[0] == epoch
        listening.cancel()


async def _listened(room: Any) -> None:
    async for _ in room.listen(""):
        pass


async def test_the_end_of_the_server_leaves_valid_threads(
    settings: Settings, workdir: Path
) -> None:
    replies = iter([Reply(calls=[bash("sleep 30")]), Reply(text="later")])
    async with served(lambda asked: next(replies), settings, workdir) as browser:
        thread = await browser.begin("go", mode="auto")
        async with asyncio.timeout(20):
            while not named(await browser.frames(thread), "tool_call"):
                await asyncio.sleep(0.05)
        await browser.site.users.close()
        async with Session.open(settings, thread=thread) as session:
            assert session.thread.status == "interrupted"
            assert not await session.unfinished()


async def test_a_server_that_ends_twice_leaves_the_thread_valid(
    settings: Settings, workdir: Path
) -> None:
    """A signal ends it, and so does the end of the application, which does not wait for the
    first."""
    script = [Reply(calls=[bash("trap '' INT TERM; touch begun; sleep 60")])]
    async with served(script, settings, workdir) as browser:
        thread = await browser.begin("go", mode="auto")
        async with asyncio.timeout(60):
            while not (workdir / "begun").exists():
                await asyncio.sleep(0.02)
        await asyncio.gather(browser.site.users.close(), browser.site.users.close())
    async with await open_store(settings) as store:
        row = await store.threads.get(thread)
        assert row is not None
        assert store.standing(row) == "interrupted"


async def test_the_options_of_the_command_line_hold_in_every_session(
    settings: Settings, workdir: Path
) -> None:
    script = [Reply(calls=[bash("touch made")]), Reply(text="no")]
    options = RunOptions(deny=("bash(touch *)",), mode="read-only")
    async with served(script, settings, workdir, options=options) as browser:
        thread = await browser.new("go", mode="auto")
        (output,) = named(await browser.frames(thread), "tool_output")
        assert (output["ok"], "bash(touch *)" in output["text"]) == (False, True)
        # A stored thread keeps its own mode.
        await browser.site.users.get("").forget(thread)
        (reset,) = await browser.frames(thread)
        assert reset["data"]["status"]["mode"] == "auto"
    assert not (workdir / "made").exists()


async def test_a_mode_that_the_settings_forbid_is_refused_with_the_one_they_allow(
    settings: Settings, workdir: Path
) -> None:
    settings.keep_below(mode="ask", max_iterations=None)
    async with served([], settings, workdir) as browser:
        answer = await browser.post("/threads", text="go", mode="yolo")
        assert answer.status_code == 400
        assert answer.json()["error"]["message"] == "the settings allow nothing looser than ask"


@pytest.mark.parametrize("end", [Users.close_idle, Users.close])
async def test_a_user_whose_database_fails_does_not_keep_the_others_open(
    tmp_path: Path, end: Callable[[Users], Coroutine[Any, Any, None]]
) -> None:
    limits = Limits(idle=-1)
    users = Users(
        lambda key: User(Settings(state_dir=str(tmp_path / key)), limits, folder=tmp_path), limits
    )
    broken, other = await users.get("a").store(), await users.get("b").store()
    await broken.database.later([("INSERT INTO nowhere VALUES (1)", [])])
    await end(users)
    with pytest.raises(StoreError, match="closed"):
        await other.threads.list()


async def test_a_database_that_cannot_be_opened_is_named_and_nothing_is_lost(
    settings: Settings, workdir: Path
) -> None:
    async with served([Reply("ok")], settings, workdir) as browser:
        thread = await browser.new("go")
        user, state = browser.site.users.get(""), settings.state_path()
        await user.forget(thread)
        await user._close_store()
        kept = [path.rename(workdir / path.name) for path in state.glob("ml-agent.db*")]
        (state / "ml-agent.db").mkdir()
        at = f"/threads/{thread}"
        for answer in (
            await browser.http.get("/threads"),
            await browser.http.get(f"{at}/events"),
            await browser.post("/threads", text="x"),
            await browser.post(f"{at}/send", text="x"),
        ):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
            assert "cannot open the database" in answer.json()["error"]["message"]
            assert "writable" in answer.json()["error"]["hint"]
        (state / "ml-agent.db").rmdir()
        for path in kept:
            path.rename(state / path.name)
        (row,) = (await browser.http.get("/threads")).json()["threads"]
        assert row["id"] == thread


async def test_a_cap_is_raised(settings: Settings, workdir: Path) -> None:
    options = RunOptions(max_cost=1.5)
    async with served([Reply(text="ok")], settings, workdir, options=options) as browser:
        thread = await browser.new("go")
        assert (await browser.post(f"/threads/{thread}/cap", dollars=2)).status_code == 200
        assert browser.room(thread).session.cap() == 3_500_000
