"""Recordings: exported whole, replayed without effect, and the first difference is named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from configs.settings import Settings
from core.errors import UsageError
from core.store import open_store
from graph.replay import Replay
from graph.session import RunOptions
from graph.thread import Thread
from graph.transcript.format import Recording, read_recording
from graph.transcript.write import as_jsonl, as_markdown
from tests.graph.driving import Driver, driven
from tests.stand_ins.model_script import Asked, Call, Reply


def bash(command: str) -> Call:
    return Call("bash", {"command": command})


async def exported(driver: Driver, settings: Settings, path: Path) -> Path:
    async with await open_store(settings) as store:
        row = await store.threads.resolve(driver.session.thread.id)
        messages = await Thread(store, row.id).whole_history()
        path.write_text("".join(line + "\n" for line in as_jsonl(row, messages)))
    return path


async def replayed(path: Path, settings: Settings, **chosen: Any) -> tuple[str, str]:
    """(how the replay ended, what it said) of a recording, in its own store."""
    recording = read_recording(path)
    mode = recording.session["mode"]
    apart = settings.model_copy(update={"state_dir": f"{settings.state_dir}-replay"})
    chosen.setdefault("cwd", Path(recording.cwd))
    replay = Replay(recording, apart, options=RunOptions(mode=mode), **chosen)
    last: Any = None
    async for event in replay.events():
        last = event if event.name != "shutdown" else last
    said = last.message if last.name == "error" else last.name
    return getattr(last, "kind", last.name), said


#: What a session can look like: each is recorded, then replayed.
STORIES: dict[str, Callable[[Asked], Reply]] = {
    "one turn": lambda a: Reply(calls=[bash("echo x >> effects")] * (a.step == 0), text="ok"),
    "an answer alone": lambda a: Reply("hello"),
    "side by side": lambda a: (
        Reply("both", calls=[bash("echo a >> effects"), bash("echo b >> effects"), bash("false")])
        if a.step == 0
        else Reply("done", thinking="hm")
    ),
    "bad arguments": lambda a: (
        Reply(calls=[Call("bash", '{"command": '), Call("read", {"file": "x"}), Call("none", {})])
        if a.step == 0
        else Reply("mended")
    ),
    "defaults": lambda a: (
        Reply(calls=[Call("bash", {"command": "pwd", "timeout": "60"})])
        if a.step == 0
        else Reply("ok")
    ),
    "a loop": lambda a: Reply(calls=[bash("echo same")]) if a.step < 4 else Reply("I stop"),
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
async def test_nothing_differs_and_nothing_is_done(
    story: Callable[[Asked], Reply], settings: Settings, workdir: Path, tmp_path: Path
) -> None:
    async with driven(story, settings, workdir) as driver:
        await driver.send("go on, please")
        await driver.send("and again")
    path = await exported(driver, settings, tmp_path / "session.jsonl")
    before = sorted((p.name, p.read_text()) for p in workdir.iterdir())
    assert await replayed(path, settings) == ("turn_complete", "turn_complete")
    assert sorted((p.name, p.read_text()) for p in workdir.iterdir()) == before


async def test_decisions_questions_and_steering(
    settings: Settings, workdir: Path, tmp_path: Path
) -> None:
    def choose(asked: Asked) -> Reply:
        question = Call("ask_user", {"question": "which?"})
        if asked.step == 0 and "go" in asked.user:
            return Reply(calls=[bash("echo yes"), bash("echo no"), question])
        return Reply("fine")

    async with driven(choose, settings, workdir, mode="ask", interactive=True) as driver:
        await driver.send("go")
        await driver.session.enqueue("and quickly")
        no = {"type": "reject", "message": "not that"}
        await driver.resume([{"type": "approve"}, no, {"type": "respond", "message": "the first"}])
        assert driver.server.bodies[-1]["messages"][-1]["content"] == "and quickly"
    path = await exported(driver, settings, tmp_path / "session.jsonl")
    assert await replayed(path, settings) == ("turn_complete", "turn_complete")


async def test_a_turn_that_was_cut_off_is_replayed_to_there(
    settings: Settings, workdir: Path, tmp_path: Path
) -> None:
    def choose(asked: Asked) -> Reply:
        return Reply(calls=[bash("true")]) if asked.step == 0 else Reply(status=400)

    async with driven(choose, settings, workdir) as driver:
        assert (await driver.send("go")).name == "error"
    path = await exported(driver, settings, tmp_path / "session.jsonl")
    assert (await replayed(path, settings))[0] == "recording_ends"


async def test_compacted_parts_are_exported_whole(
    settings: Settings, workdir: Path, tmp_path: Path
) -> None:
    def choose(asked: Asked) -> Reply:
        if not asked.tools:
            return Reply("SUMMARY")
        long = bash(f"echo step {asked.index}; seq 1000 2600")
        return Reply(calls=[long]) if asked.index < 12 else Reply("done")

    small = settings.model_copy(update={"compact_at": 9_000})
    async with driven(choose, small, workdir) as driver:
        await driver.send("go")
        assert len(driver.named("compacted")) > 1
        told = driver.outputs()
    path = await exported(driver, settings, tmp_path / "session.jsonl")
    results = [m["content"] for m in read_recording(path).messages if m["role"] == "tool"]
    assert results == told
    assert "SUMMARY" not in path.read_text()
    assert await replayed(path, settings) == ("turn_complete", "turn_complete")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("echo once", "answer 1: the recording was changed"),
        ("exit code 0", "request 2, message 3 (the result of bash): the recording was changed"),
        ("all done", "answer 2: the recording was changed"),
    ],
)
async def test_a_recording_that_was_changed(
    change: str, said: str, settings: Settings, workdir: Path, tmp_path: Path
) -> None:
    script = [Reply(calls=[bash("echo once > x")]), Reply("all done")]
    async with driven(script, settings, workdir) as driver:
        await driver.send("go")
    path = await exported(driver, settings, tmp_path / "session.jsonl")
    path.write_text(path.read_text().replace(change, change + " not"))
    kind, message = await replayed(path, settings)
    assert kind == "replay_differs"
    assert said in message


async def test_real_tools_show_what_has_changed(
    settings: Settings, workdir: Path, tmp_path: Path
) -> None:
    (workdir / "data").write_text("1\n2\n3\n")
    script = [Reply(calls=[bash("cat data; pwd; date +%H:%M:%S")]), Reply("read")]
    async with driven(script, settings, workdir) as driver:
        await driver.send("go")
    path = await exported(driver, settings, tmp_path / "session.jsonl")
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    (fresh / "data").write_text("1\n2\n3\n")
    # Another folder and another time are not differences.
    assert (await replayed(path, settings, cwd=fresh, real_tools=True))[0] == "turn_complete"
    (fresh / "data").write_text("1\n2\n4\n")
    kind, said = await replayed(path, settings, cwd=fresh, real_tools=True)
    assert kind == "replay_differs"
    assert said == "request 2, message 3 (the result of bash): recorded '3', now '4'"


async def test_a_tool_that_is_gone_answers_from_the_recording(settings: Settings) -> None:
    call = {"id": "c", "function": {"name": "server__tool", "arguments": '{"any": [1]}'}}
    recording = Recording(
        {"mode": "auto", "cwd": "/nowhere"},
        [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": "", "toolCalls": [call]},
            {"role": "tool", "content": "its result", "toolCallId": "c"},
            {"role": "assistant", "content": "done"},
        ],
    )
    replay = Replay(recording, settings, cwd=Path("/nowhere"), options=RunOptions(mode="auto"))
    events = [event async for event in replay.events()]
    assert [e.text for e in events if e.name == "tool_output"] == ["its result"]  # type: ignore[attr-defined]
    assert events[-2].name == "turn_complete"


async def test_markdown_reads_as_a_conversation(
    settings: Settings, workdir: Path, tmp_path: Path
) -> None:
    script = [Reply("I look.", calls=[bash("printf '```\\nx\\n```'")]), Reply("All *done*.")]
    async with driven(script, settings, workdir) as driver:
        await driver.send("look, please")
    async with await open_store(settings) as store:
        row = await store.threads.resolve(driver.session.thread.id)
        text = "\n".join(as_markdown(row, await Thread(store, row.id).whole_history()))
    assert text.startswith("# look, please\n")
    assert "## Person\n\nlook, please\n" in text
    assert "<environment>" not in text
    assert "**bash**\n\n````\nprintf" in text  # a longer fence than what stands within
    assert "````text\n```\nx\n```\n[exit code 0]\n````" in text
    assert text.rstrip().endswith("All *done*.")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{nonsense", "line 1"),
        ('{"type": "message", "message": {"role": "user"}}', "line 1"),
        ('\n{"type": "message", "message": {"role": "x", "content": ""}}', "line 2"),
        ('{"type": "session"}', "holds no answer"),
    ],
)  # fmt: skip
def test_what_is_no_recording_is_named(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(content)
    with pytest.raises(UsageError, match=said):
        read_recording(path)


async def test_the_lines_are_the_hubs_format(
    settings: Settings, workdir: Path, tmp_path: Path
) -> None:
    script = [Reply(calls=[bash("echo x")]), Reply("ok", thinking="so")]
    async with driven(script, settings, workdir) as driver:
        await driver.send("go")
    path = await exported(driver, settings, tmp_path / "session.jsonl")
    first, *rest = [json.loads(line) for line in path.read_text().splitlines()]
    assert (first["type"], first["harness"], first["name"]) == ("session", "ml-agent", "go")
    assert first["id"] == driver.session.thread.id
    messages = [line["message"] for line in rest]
    assert {line["type"] for line in rest} == {"message"}
    assert [m["role"] for m in messages] == ["user", "assistant", "tool", "assistant"]
    (call,) = messages[1]["toolCalls"]
    assert call["function"] == {"name": "bash", "arguments": '{"command": "echo x"}'}
    assert messages[2]["toolCallId"] == call["id"]
    assert messages[3]["reasoningContent"] == "so"
    assert all(isinstance(m["timestamp"], int) for m in messages[1:])
