"""The stream: cut after every frame and resumed, it tells what an uncut one tells."""

import asyncio
import json
import random
from pathlib import Path
from typing import Any

from configs.settings import Settings
from server.frames import FrameLog
from tests.server.site import served
from tests.stand_ins.model_script import Call, Reply


def parsed(text: str) -> tuple[str, str, Any] | None:
    """(id, event, data) of an encoded frame; None for a comment or the pause."""
    fields = dict(line.split(": ", 1) for line in text.strip().split("\n") if ": " in line)
    return (fields["id"], fields["event"], json.loads(fields["data"])) if "data" in fields else None


def shown(frames: list[Any]) -> list[Any]:
    """The page of these frames: the newest reset, and what came after it."""
    resets = [n for n, (_, name, _) in enumerate(frames) if name == "reset"]
    return frames[resets[-1] :] if resets else frames


async def test_a_real_turn_cut_after_every_frame(settings: Settings, workdir: Path) -> None:
    script = [
        Reply(text="First, *look*.\n\nThen:", calls=[Call("bash", {"command": "seq 1 5"})]),
        Reply(text="Done:\n\n```\nx\n```"),
    ]
    async with served(script, settings, workdir) as browser:
        thread = await browser.new("go", mode="auto")
        log = browser.room(thread).log
        first = log.after("")[0]
        whole = [(f.id, f.name, json.loads(f.data)) for f in [first, *log.after(first.id)]]
        assert len(whole) > 12
        for cut in range(len(whole)):
            rest = [(f.id, f.name, json.loads(f.data)) for f in log.after(whole[cut][0])]
            assert whole[: cut + 1] + rest == whole


async def test_200_random_cuts_while_it_runs_lose_and_repeat_nothing() -> None:
    log, chance = FrameLog(), random.Random(7)
    await log.reset({"n": 0})
    got: list[Any] = []

    async def listener() -> None:
        last, cuts = "", 0
        while cuts < 200:
            wanted = chance.randint(1, 4)
            async for text in log.follow(last):
                frame = parsed(text)
                if frame is None:
                    continue
                got.append(frame)
                last, wanted = frame[0], wanted - 1
                if frame[2].get("end"):
                    return
                if not wanted:
                    cuts += 1
                    break  # the line is cut

    async def teller() -> None:
        for n in range(1, 600):
            await log.add("tool_log", {"n": n})
            if n % 97 == 0:
                await log.rebase({"n": n})
            if chance.random() < 0.5:
                await asyncio.sleep(0)
        await log.add("tool_log", {"n": 600, "end": True})

    async with asyncio.timeout(60):
        await asyncio.gather(listener(), teller())
    numbers = [data["n"] for _, _, data in got]
    # A reset stands for everything up to its number; without one each frame follows the last.
    at = -1
    for (_, name, _), n in zip(got, numbers, strict=True):
        assert n >= at if name == "reset" else n == at + 1
        at = n


async def test_a_new_listener_gets_what_still_matters() -> None:
    log = FrameLog()
    await log.reset({})
    for number in range(3):
        await log.add("status", {"n": number})
        await log.add("assistant_chunk", {"kind": "thinking", "text": f"t{number} "})
    for text in ("a", "ab"):
        await log.add("md", {"answer": 0, "block": 0, "html": text, "final": False})
    await log.add("assistant_stream_end", {"finish_reason": "cut", "withdrawn": True})
    await log.add("md", {"answer": 0, "blocks": ["abc"], "final": True})
    await log.add("md", {"answer": 1, "block": 0, "html": "open", "final": False})
    for id in ("one", "two"):
        await log.add("tool_log", {"id": id, "text": "line"})
    await log.add("tool_output", {"id": "one", "text": "all"})
    await log.add("tool_log", {"id": "", "text": "waits"})
    frames = [(frame.name, json.loads(frame.data)) for frame in log.after("")]
    assert frames == [
        ("reset", {}),
        ("assistant_chunk", {"kind": "thinking", "text": "t0 t1 "}),
        ("status", {"n": 2}),
        ("assistant_chunk", {"kind": "thinking", "text": "t2 "}),
        ("assistant_stream_end", {"finish_reason": "cut", "withdrawn": True}),
        ("md", {"answer": 0, "blocks": ["abc"], "final": True}),
        ("md", {"answer": 1, "block": 0, "html": "open", "final": False}),
        ("tool_log", {"id": "two", "text": "line"}),
        ("tool_output", {"id": "one", "text": "all"}),
        ("tool_log", {"id": "", "text": "waits"}),
    ]
    assert log.after("")[-1].id == log.newest


async def test_an_unknown_or_foreign_place_gets_the_snapshot() -> None:
    log = FrameLog()
    await log.reset({"n": 0})
    await log.add("notice", {"n": 1})
    for last in ("", "x", "other.1", f"{log.newest}9", log.newest.replace(".1", ".-1"), ".", "é.1"):
        assert [frame.name for frame in log.after(last)] == ["reset", "notice"]
    old = log.newest
    await log.rebase({"n": 1})
    assert log.after(old) == []
    await log.add("notice", {"n": 2})
    assert [frame.name for frame in log.after(old)] == ["notice"]
    await log.reset({"n": 2})
    assert [frame.name for frame in log.after(old)] == ["reset"]


async def test_a_client_that_never_reads_costs_a_position() -> None:
    log = FrameLog()
    await log.reset({})
    stuck = log.follow("")
    await anext(stuck)
    for n in range(1000):
        await log.add("tool_log", {"n": n})
    await log.rebase({"n": 1000})
    assert parsed(await anext(stuck)) is not None  # a snapshot: nothing was kept for it
    await log.end()
    assert [text async for text in stuck] == []


async def test_data_cannot_begin_a_frame_of_its_own() -> None:
    log = FrameLog()
    await log.reset({"text": "a\n\nid: 1\nevent: reset\ndata: {}\r\r\u2028x"})
    stream = log.follow("")
    await anext(stream)
    encoded = await anext(stream)
    assert encoded.count("\n") == 4
    assert "\r" not in encoded
