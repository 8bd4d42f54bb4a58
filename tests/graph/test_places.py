"""A call acts where it was judged: a link that another call of the answer makes does not count."""

import os
from pathlib import Path
from typing import Any

import pytest

from configs.settings import Settings
from tests.graph.driving import Driver, driven
from tests.stand_ins.model_script import Asked, Call, Reply

SECRET = "the secret of the home folder"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "home"
    (place / ".ssh").mkdir()
    (place / ".ssh" / "id_rsa").write_text(SECRET)
    (place / ".bashrc").write_text("before")
    return place


def answer(*calls: Call) -> Any:
    """The calls in one answer; they come one after another, since a link stands first."""

    def choose(asked: Asked) -> Reply:
        return Reply(calls=list(calls)) if asked.step == 0 else Reply("done")

    return choose


async def approved(driver: Driver) -> None:
    """One turn; what is asked about is approved."""
    last = await driver.send("go")
    while last.name == "approval_required":
        last = await driver.resume([{"type": "approve"} for _ in last.requests])


def everything(home: Path) -> list[Path]:
    """What the home holds, without the caches that are made for commands."""
    found = sorted(p.relative_to(home) for p in home.rglob("*"))
    return [p for p in found if p.parts[0] not in (".cache", "hf")]


LINK = Call("bash", {"command": "rm -rf d && ln -s ~ d"})
CASES = [
    Call("write", {"path": "d/.bashrc", "content": "evil"}),
    Call("write", {"path": "d/.ssh/authorized_keys", "content": "evil"}),
    Call("write", {"path": "d/new/deep/file", "content": "evil"}),
    Call("write", {"path": "d", "content": "evil"}),
    Call("edit", {"path": "d/.bashrc", "old": "before", "new": "evil"}),
]


@pytest.mark.parametrize("mode", ["ask", "auto", "yolo"])
@pytest.mark.parametrize("call", CASES, ids=lambda call: call.arguments["path"])
async def test_a_write_through_a_new_link_does_not_run(
    settings: Settings, workdir: Path, home: Path, mode: str, call: Call
) -> None:
    before = everything(home)
    options = {"mode": mode, "interactive": mode == "ask"}
    async with driven(answer(LINK, call), settings, workdir, **options) as driver:
        await approved(driver)
    result = driver.outputs()[-1]
    assert "leads to" in result
    assert "Call again" in result
    assert (home / ".bashrc").read_text() == "before"
    assert everything(home) == before


async def test_the_next_call_is_judged_by_the_new_place(
    settings: Settings, workdir: Path, home: Path
) -> None:
    def choose(asked: Asked) -> Reply:
        call = Call("write", {"path": "d/.bashrc", "content": "evil"})
        return (Reply(calls=[LINK, call]), Reply(calls=[call]), Reply("done"))[asked.step]

    async with driven(choose, settings, workdir, mode="auto") as driver:
        await driver.send("go")
    assert "Refused by policy (protected-path)" in driver.outputs()[-1]
    assert (home / ".bashrc").read_text() == "before"


@pytest.mark.parametrize(
    "call",
    [
        Call("read", {"path": "d/.ssh/id_rsa"}),
        Call("read", {"path": "d"}),
        Call("grep", {"pattern": "secret", "path": "d/.ssh/id_rsa"}),
        Call("grep", {"pattern": "secret", "path": "d/.ssh"}),
        Call("glob", {"pattern": "*", "path": "d/.ssh"}),
        Call("bash", {"command": "cat id_rsa", "cwd": "d/.ssh"}),
    ],
    ids=lambda call: f"{call.name} {call.arguments.get('path', '')}",
)
async def test_a_read_through_a_new_link_does_not_run(
    settings: Settings, workdir: Path, home: Path, call: Call
) -> None:
    """The link is there before its target is judged only in the verdict's own moment: here it
    is swapped while the user is asked."""
    (workdir / "d" / ".ssh").mkdir(parents=True)
    (workdir / "d" / ".ssh" / "id_rsa").write_text("nothing")
    wait = Call("bash", {"command": "touch x"})
    options = {"mode": "ask", "interactive": True}
    async with driven(answer(wait, call), settings, workdir, **options) as driver:
        last = await driver.send("go")
        assert last.name == "approval_required"
        (workdir / "d").rename(workdir / "before")
        (workdir / "d").symlink_to(home)
        await driver.resume([{"type": "approve"} for _ in last.requests])
    # Both are of one wave: whichever ends first is told first.
    assert any("leads to" in output for output in driver.outputs())
    assert not any(SECRET in output for output in driver.outputs())


async def test_links_inside_the_folder_work_as_before(
    settings: Settings, workdir: Path, home: Path
) -> None:
    (workdir / "real").mkdir()
    (workdir / "real" / "file").write_text("before")
    (workdir / "link").symlink_to("real/file")
    (workdir / "folder").symlink_to("real")
    calls = [
        Call("read", {"path": "link"}),
        Call("edit", {"path": "link", "old": "before", "new": "after"}),
        Call("read", {"path": "folder/file"}),
        Call("write", {"path": "folder/file", "content": "last"}),
    ]
    async with driven(answer(*calls), settings, workdir, mode="ask") as driver:
        await driver.send("go")
    assert (workdir / "real" / "file").read_text() == "last"
    assert os.readlink(workdir / "link") == "real/file"
    assert os.readlink(workdir / "folder") == "real"
