"""Undo, redo and fork: the conversation and the files, exactly."""

import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from configs.settings import Settings
from core.errors import ThreadBusy, UsageError
from core.store import open_store
from graph.undo import TimeLine
from nodes.services import build_services
from tests.core.store.test_file_snapshots import tree_of
from tests.graph.driving import Driver, driven
from tests.stand_ins.model_script import Asked, Call, Reply, in_order
from tests.tools.bench import sleeper

#: What each message of the user has the model do.
COMMANDS = {
    "first": "echo 1 > a; echo 1 > b",
    "second": "echo 2 > a; rm b; echo 2 > c",
    "third": "mv a d; mkdir -p e/f; echo 3 > e/f/g",
    "slow": "echo half > a; echo now; sleep 60",
    "thousand": "for n in $(seq 1000); do echo $n > t$n; done; rm -f a",
}


def choose(asked: Asked) -> Reply:
    if not asked.tools:
        return Reply("SUMMARY")
    for name, command in COMMANDS.items():
        if asked.user.endswith(name):
            if asked.step == 0:
                return Reply(calls=[Call("bash", {"command": command})])
            return Reply(f"{name} done")
    return Reply("said")


@asynccontextmanager
async def line_of(driver: Driver, settings: Settings) -> AsyncIterator[TimeLine]:
    async with await open_store(settings) as store:
        row = await store.threads.resolve(driver.session.thread.id)
        yield TimeLine(store, build_services(settings, store), row)


async def said(driver: Driver) -> list[tuple[str, str]]:
    state = await driver.session._stored.state()
    return [(m.type, str(m.content)) for m in state.values.get("messages", [])]


async def test_one_turn_and_three_then_redo_then_forks(settings: Settings, workdir: Path) -> None:
    async with driven(choose, settings, workdir) as driver:
        trees, talks = [tree_of(workdir)], [await said(driver)]
        for text in ("first", "second", "third"):
            await driver.send(text)
            trees.append(tree_of(workdir))
            talks.append(await said(driver))
        async with line_of(driver, settings) as line:
            assert [(t.number, t.text) for t in await line.turns()] == [
                (3, "third"), (2, "second"), (1, "first"),
            ]  # fmt: skip
            seen = await line.undo(dry_run=True)
            assert (seen.moved, seen.restored) == ([3], ["a", "d", "e", "e/f", "e/f/g"])
            assert (seen.removed, seen.left) == (["d", "e", "e/f", "e/f/g"], {})
            assert tree_of(workdir) == trees[3]

            moved = await line.undo()
            assert (moved.turn, moved.restored) == (2, seen.restored)
            assert (tree_of(workdir), await said(driver)) == (trees[2], talks[2])
            assert not (workdir / "e").exists()

            assert (await line.undo(2)).moved == [2, 1]
            assert (tree_of(workdir), await said(driver)) == (trees[0], talks[0])
            with pytest.raises(UsageError, match="nothing to undo"):
                await line.undo()
            for n in (1, 2, 3):
                assert (await line.redo()).turn == n
                assert (tree_of(workdir), await said(driver)) == (trees[n], talks[n])
            with pytest.raises(UsageError, match="nothing to redo"):
                await line.redo()

            # Undone messages are not taken as new ones, and a new turn forgets what was undone.
            await line.undo(2)
            await driver.send("third")
            assert [text for kind, text in await said(driver) if kind == "human"][1:] == ["third"]
            with pytest.raises(UsageError, match="nothing to redo"):
                await line.redo()

            fork = await line.fork()
            early = await line.fork(at=1)
        for row, count in ((fork, 8), (early, 4)):
            async with driven(choose, settings, workdir, thread=row.id) as other:
                assert len(await said(other)) == count
                await other.send("hello")
                assert (await said(other))[-1] == ("ai", "said")
                async with line_of(other, settings) as line:
                    await line.undo()
                    with pytest.raises(UsageError, match="nothing to undo"):
                        await line.undo()
                assert len(await said(other)) == count
        await driver.send("hello")
        assert (await said(driver))[-1] == ("ai", "said")
        assert len(await said(driver)) == 10


async def test_across_a_compaction(settings: Settings, workdir: Path) -> None:
    small = settings.model_copy(update={"compact_at": 9_000})
    async with driven(choose, small, workdir) as driver:
        await driver.send("first")
        before, tree = await said(driver), tree_of(workdir)
        await driver.send("word " * 4500 + "second")
        await driver.collect(driver.session.compact())
        assert "SUMMARY" in str(await said(driver))
        after = await said(driver)
        await driver.send("third")
        async with line_of(driver, settings) as line:
            await line.undo()
            assert await said(driver) == after
            await line.undo()
            assert (await said(driver), tree_of(workdir)) == (before, tree)
            await line.redo()
            assert await said(driver) == after


async def test_an_interrupted_turn(settings: Settings, workdir: Path) -> None:
    async with driven(choose, settings, workdir) as driver:
        await driver.send("first")
        tree, talk = tree_of(workdir), await said(driver)
        async for event in driver.session.send("slow"):
            if event.name == "tool_log":
                driver.session.interrupt()
        async with line_of(driver, settings) as line:
            assert (await line.undo()).restored == ["a"]
            assert (tree_of(workdir), await said(driver)) == (tree, talk)
            await line.redo()
            assert (workdir / "a").read_text() == "half\n"
        await driver.send("hello")
        assert (await said(driver))[-1] == ("ai", "said")


async def test_a_turn_that_waits_for_approval_is_closed_first(
    settings: Settings, workdir: Path
) -> None:
    async with driven(choose, settings, workdir, mode="ask") as driver:
        await driver.send("hello")
        talk = await said(driver)
        assert (await driver.send("first")).name == "approval_required"
        async with line_of(driver, settings) as line:
            assert (await line.undo()).moved == [2]
            assert await said(driver) == talk
            await line.redo()
        assert "Not run" in str((await said(driver))[-1])
        await driver.send("hello")
        assert (await said(driver))[-1] == ("ai", "said")


async def test_a_thousand_files_and_a_change_of_the_persons(
    settings: Settings, workdir: Path
) -> None:
    async with driven(choose, settings, workdir) as driver:
        await driver.send("first")
        tree = tree_of(workdir)
        await driver.send("thousand")
        (workdir / "t7").write_text("the person's")
        async with line_of(driver, settings) as line:
            moved = await line.undo()
        assert (len(moved.restored), moved.left) == (1000, {"t7": "it was changed since"})
        assert (workdir / "t7").read_text() == "the person's"
        (workdir / "t7").unlink()
        assert tree_of(workdir) == tree


async def test_what_undo_does_not_reach(
    settings: Settings, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = f"sleep {sleeper()}"
    script = [
        Reply(calls=[Call("bash", {"command": command, "background": True})]),
        Reply("started"),
    ]
    async with driven(script, settings, workdir) as driver:
        await driver.send("go")
        async with line_of(driver, settings) as line:
            moved = await line.undo()
            (told,) = moved.beyond
            assert told.startswith("a command still runs: ")
    subprocess.run(["pkill", "-f", command], check=False)
    # Off in the home folder, and said so.
    monkeypatch.setenv("HOME", str(workdir))
    async with driven(choose, settings, workdir) as driver:
        await driver.send("first")
        async with line_of(driver, settings) as line:
            moved = await line.undo()
        assert "home folder" in moved.files_off
        assert (workdir / "a").exists()
        assert await said(driver) == []


async def test_a_driven_thread_is_left_alone(settings: Settings, workdir: Path) -> None:
    async with driven(choose, settings, workdir) as driver:
        await driver.send("hello")
        async with line_of(driver, settings) as line:
            async for event in driver.session.send("first"):
                if event.name == "tool_call":
                    with pytest.raises(ThreadBusy):
                        await line.undo()
            assert (await line.undo()).moved == [2]


async def test_the_files_of_a_killed_turn_come_back(settings: Settings, workdir: Path) -> None:
    """Its end was never kept: what it left counts as its own."""

    class Killed(BaseException):
        pass

    async with driven(choose, settings, workdir) as driver:
        await driver.send("first")
        tree = tree_of(workdir)

        async def killed(*args: Any) -> None:
            raise Killed

        driver.session._files._leave = killed  # type: ignore[method-assign]
        with pytest.raises(Killed):
            await driver.send("second")
        async with line_of(driver, settings) as line:
            assert (await line.undo()).left == {}
        assert tree_of(workdir) == tree


def test_what_moved_is_plain() -> None:
    from graph.undo import Moved

    moved = Moved(turn=1, moved=[2], restored=["a"], left={"b": "it was changed since"})
    assert json.loads(json.dumps(moved.to_dict()))["moved"] == [2]
    event = moved.event()
    assert (event.undone_turn, event.files_left) == (2, ["b: it was changed since"])


async def test_nothing_between_turns_is_undone(settings: Settings, workdir: Path) -> None:
    """Whatever runs between turns: a compaction, an export, another mode."""
    async with driven(choose, settings, workdir) as driver:
        (workdir / "old").write_text("old\n")
        await driver.send("hello")
        (workdir / "mine").write_text("made after the turn")
        (workdir / "old").write_text("changed after the turn")
        await driver.collect(driver.session.compact())
        (workdir / "export.md").write_text(str(await driver.session.export()))
        await driver.session.permit("auto")
        before = tree_of(workdir)
        async with line_of(driver, settings) as line:
            moved = await line.undo()
        assert (moved.restored, moved.left, tree_of(workdir)) == ([], {}, before)


async def test_what_changes_while_the_turn_waits_is_not_its_own(
    settings: Settings, workdir: Path
) -> None:
    async with driven(choose, settings, workdir, mode="ask", interactive=True) as driver:
        (workdir / "mine").write_text("1")
        assert (await driver.send("first")).name == "approval_required"
        (workdir / "mine").write_text("2, while the approval waited")
        (workdir / "new").write_text("n")
        await driver.resume([{"type": "approve"}])
        async with line_of(driver, settings) as line:
            moved = await line.undo()
        assert (moved.restored, moved.left) == (["a", "b"], {})
        assert {path.name for path in workdir.iterdir()} == {"mine", "new"}
        assert (workdir / "mine").read_text().startswith("2")


async def test_ignored_files_are_not_the_turns(settings: Settings, workdir: Path) -> None:
    """A turn that changes ignore rules made none of the files that come to light, nor removed
    those that go out of sight."""
    (workdir / ".gitignore").write_text("data/\n")
    (workdir / "data").mkdir()
    (workdir / "data" / "rows").write_text("precious")
    (workdir / "seen").write_text("seen")
    commands = {"shows": "rm .gitignore", "hides": "printf 'seen\\n' > .gitignore"}

    def answers(asked: Asked) -> Reply:
        (word,) = [word for word in commands if asked.user.endswith(word)]
        if asked.step:
            return Reply("done")
        return Reply(calls=[Call("bash", {"command": commands[word]})])

    async with driven(answers, settings, workdir) as driver:
        for word in commands:
            await driver.send(word)
        (workdir / "seen").write_text("changed while it was ignored")
        async with line_of(driver, settings) as line:
            await line.undo(2)
        assert (workdir / "data" / "rows").read_text() == "precious"
        assert (workdir / "seen").read_text() == "changed while it was ignored"
        assert (workdir / ".gitignore").read_text() == "data/\n"


async def test_what_was_not_kept_is_left_and_named(settings: Settings, workdir: Path) -> None:
    """A file that the turn made too large to keep cannot be given back by redo."""
    (workdir / "log").write_text("start\n")
    script = [Reply(calls=[Call("bash", {"command": "head -c 11000000 /dev/zero >> log"})])]
    async with driven([*script, Reply("done")], settings, workdir) as driver:
        await driver.send("go")
        async with line_of(driver, settings) as line:
            moved = await line.undo()
        assert (moved.restored, moved.left) == ([], {"log": "it has 11,000,006 bytes"})
        assert (workdir / "log").stat().st_size == 11_000_006


async def test_folders_come_and_go_with_their_modes(settings: Settings, workdir: Path) -> None:
    (workdir / "mine").mkdir()
    (workdir / "gone").mkdir(mode=0o750)
    command = "echo x > mine/x; mkdir -p made/empty; rmdir gone; chmod 700 mine"
    script = [Reply(calls=[Call("bash", {"command": command})]), Reply("done")]
    async with driven(script, settings, workdir) as driver:
        before = {p.name: p.stat().st_mode for p in workdir.iterdir()}
        await driver.send("go")
        async with line_of(driver, settings) as line:
            assert (await line.undo()).left == {}
            assert {p.name: p.stat().st_mode for p in workdir.iterdir()} == before
            await line.redo()
        assert (workdir / "made" / "empty").is_dir()
        assert not (workdir / "gone").exists()


async def test_two_sessions_in_one_folder(settings: Settings, workdir: Path) -> None:
    """What the other one writes meanwhile stays; whose change cannot be told is left and named."""

    def both(asked: Asked) -> Reply:
        if asked.step:
            return Reply("done")
        if asked.user.endswith("write"):
            return Reply(calls=[Call("write", {"path": "theirs", "content": "t"})])
        command = f"echo m > mine; echo now; until [ -e {gate} ]; do sleep 0.02; done"
        return Reply(calls=[Call("bash", {"command": command})])

    gate = workdir.parent / "gate"
    async with driven(both, settings, workdir) as driver, driven(both, settings, workdir) as beside:
        async for event in driver.session.send("run"):
            if event.name == "tool_log":
                await beside.send("write")
                gate.touch()
        async with line_of(driver, settings) as line:
            moved = await line.undo()
        assert (moved.restored, list(moved.left)) == (["mine"], ["theirs"])
        assert (workdir / "theirs").exists()
        async with line_of(beside, settings) as line:
            assert (await line.undo()).restored == ["theirs"]


@pytest.mark.parametrize("between", [[], ["echo y > y"], ["echo y > y", "true", "rm y"]])
async def test_redo_leaves_no_folder_that_was_gone(
    settings: Settings, workdir: Path, between: list[str]
) -> None:
    commands = ["mkdir -p f/g; echo x > f/g/x", *between, "rm f/g/x"]
    script = [
        reply
        for command in commands
        for reply in (Reply(calls=[Call("bash", {"command": command})]), Reply("done"))
    ]
    async with driven(in_order(script), settings, workdir) as driver:
        for number in range(len(commands)):
            await driver.send(str(number))
        shutil.rmtree(workdir / "f")  # by the user
        async with line_of(driver, settings) as line:
            await line.undo(len(commands))
            await line.redo()
            assert (workdir / "f" / "g" / "x").exists()
            for _ in commands[1:]:
                await line.redo()
        assert not (workdir / "f").exists()


async def test_redo_gives_back_what_stood_before_undo(settings: Settings, workdir: Path) -> None:
    async with driven(choose, settings, workdir) as driver:
        await driver.send("first")
        await driver.send("second")
        (workdir / "a").write_text("1\n")  # the user has taken this back already
        async with line_of(driver, settings) as line:
            before = tree_of(workdir)
            await line.undo()
            await line.redo()
        assert tree_of(workdir) == before
