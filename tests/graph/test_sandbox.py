"""A thread that works in a sandbox: asked about with its price, remembered, found again, ended."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from configs.settings import Settings
from core.model_errors import NotAuthenticated
from core.store import open_store
from tests.cli.program import ROOT
from tests.cli.program_process import start
from tests.graph.driving import driven
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.model_script import Asked, Call, Reply
from tests.stand_ins.model_server import ModelServer
from tests.stand_ins.sandbox_server import SandboxServer
from tests.tools.bench import until

HOUR = 167 * 60


@pytest.fixture
def boxes(hub: HubServer, tmp_path: Path) -> Iterator[SandboxServer]:
    with SandboxServer(tmp_path / "box") as server:
        server.serve(hub)
        yield server
    assert server.violations == []


@pytest.fixture
def given(settings: Settings, hub: HubServer, boxes: SandboxServer) -> Settings:
    sandbox = settings.sandbox.model_copy(update={"folder": str(boxes.folder / "work")})
    return settings.model_copy(update={"hub_url": hub.url, "sandbox": sandbox})


def work(asked: Asked) -> Reply:
    """Writes a file and looks where it is."""
    if asked.step == 0:
        return Reply(calls=[Call("write", {"path": "a.txt", "content": "hi\n"})])
    if asked.step == 1:
        return Reply(calls=[Call("bash", {"command": "pwd; cat a.txt"})])
    return Reply("done")


async def test_headless_it_works_there_and_gives_it_back(
    given: Settings, workdir: Path, hub: HubServer, boxes: SandboxServer
) -> None:
    told: list[str] = []
    options: dict[str, Any] = {"sandbox": "cpu-basic", "notice": told.append, "max_cost": 1.0}
    async with driven(work, given, workdir, **options) as driver:
        assert (await driver.send("go")).text == "done"
        assert f"{boxes.folder}/work\nhi\n[exit code 0]" in driver.outputs()[1]
        assert "commands and files: a Hugging Face sandbox" in str(driver.server.bodies[0])
        assert list(workdir.iterdir()) == []
        assert (await driver.session.cost())["invocation"].amount == HOUR
        (job,) = hub.jobs.jobs.values()
        assert job.stage == "RUNNING"
    assert job.stage == "CANCELED"
    assert told == [f"the sandbox {job.id} was ended; it came to $0.0017"]
    async with await open_store(given) as store:
        (row,) = await store.threads.list()
        assert row.sandbox == "cpu-basic"
        assert (await store.ledger.spent("thread", row.id)).amount == 1670


async def test_a_skill_is_read_there_with_its_files(
    given: Settings, workdir: Path, boxes: SandboxServer
) -> None:
    folder = Path.home() / ".agents" / "skills" / "plot"
    (folder / "scripts").mkdir(parents=True)
    (folder / "SKILL.md").write_text("---\nname: plot\ndescription: Plots.\n---\nRun draw.sh.")
    (folder / "scripts" / "draw.sh").write_text("echo drawn")
    (folder / ".env").write_text("KEY=1")
    (folder / "out").symlink_to("/etc/passwd")
    boxes.absent = str(Path.home() / ".agents")

    def choose(asked: Asked) -> Reply:
        if asked.step == 0:
            assert f"- plot: Plots. ({folder}/SKILL.md)" in str(asked.turns)
            return Reply(calls=[Call("read", {"path": f"{folder}/SKILL.md"})])
        if asked.step == 1:
            return Reply(calls=[Call("bash", {"command": f"sh {folder}/scripts/draw.sh"})])
        return Reply("done")

    async with driven(choose, given, workdir, sandbox="cpu-basic", max_cost=1.0) as driver:
        assert (await driver.send("go")).text == "done"
        assert "Run draw.sh." in driver.outputs()[0]
        assert "drawn" in driver.outputs()[1]
        there = boxes.folder / "absent" / "skills" / "plot"
        names = {str(path.relative_to(there)) for path in there.rglob("*") if path.is_file()}
        assert names == {"SKILL.md", "scripts/draw.sh"}


async def test_a_person_is_asked_once_with_the_price(
    given: Settings, workdir: Path, hub: HubServer
) -> None:
    options: dict[str, Any] = {"sandbox": "cpu-basic", "mode": "ask", "interactive": True}
    async with driven(work, given, workdir, max_cost=1.0, **options) as driver:
        asked = await driver.send("go")
        assert asked.name == "approval_required"
        (request,) = asked.requests
        # A write alone would not be asked about.
        assert (request["tool"], request["price_micro_usd"]) == ("write", HOUR)
        assert request["reason"].startswith("it needs a sandbox on cpu-basic")
        assert "$0.01 an hour" in request["preview"]
        assert hub.jobs.jobs == {}
        asked = await driver.resume([{"type": "approve"}])
        (request,) = asked.requests
        assert (request["tool"], request["price_micro_usd"]) == ("bash", None)
        assert (await driver.resume([{"type": "approve"}])).text == "done"
        thread = driver.session.thread.id
    (job,) = hub.jobs.jobs.values()
    assert job.stage == "RUNNING"  # the user may come back
    options = {"mode": "ask", "interactive": True, "allow": ["bash"]}
    async with driven(work, given, workdir, thread=thread, **options) as driver:
        assert driver.session.thread.sandbox == "cpu-basic"
    assert len(hub.jobs.jobs) == 1


async def test_a_rejected_one_is_not_made(given: Settings, workdir: Path, hub: HubServer) -> None:
    options: dict[str, Any] = {"sandbox": "cpu-basic", "mode": "ask", "interactive": True}
    both = [Call("read", {"path": "a"}), Call("read", {"path": "b"})]

    def choose(asked: Asked) -> Reply:
        return Reply(calls=both) if asked.step == 0 else Reply("ok")

    async with driven(choose, given, workdir, **options) as driver:
        asked = await driver.send("go")
        assert len(asked.requests) == 2
        await driver.resume([{"type": "reject"}, {"type": "reject"}])
    assert hub.jobs.jobs == {}
    async with driven(choose, given, workdir, deny=["sandbox"], **options) as driver:
        assert (await driver.send("go")).name == "turn_complete"
    assert hub.jobs.jobs == {}


async def test_headless_over_the_cap_or_without_a_price_it_is_refused(
    given: Settings, workdir: Path, hub: HubServer
) -> None:
    from tests.stand_ins import hub_errors as errors

    async with driven(work, given, workdir, sandbox="cpu-basic", max_cost=0.001) as driver:
        await driver.send("go")
        assert (
            "it needs a sandbox on cpu-basic: it costs $0.01, and $0.001 are left"
            in driver.outputs()[0]
        )
    async with driven(work, given, workdir, sandbox="cpu-basik") as driver:
        await driver.send("go")
        assert "there is no 'cpu-basik'; there are cpu-basic" in driver.outputs()[0]
    hub.misbehave(errors.BROKEN_NOW, path="/api/jobs/hardware")
    async with driven(work, given, workdir, sandbox="cpu-basic") as driver:
        await driver.send("go")
        assert "its price is not known" in driver.outputs()[0]
    assert hub.jobs.jobs == {}


async def test_without_a_token_nothing_is_begun(
    given: Settings, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(NotAuthenticated):
        async with driven(work, given, workdir, sandbox="cpu-basic"):
            pass


PROGRAM = """
import asyncio, json, sys
from configs.settings import Settings
from graph.session import RunOptions, Session

async def main():
    settings = Settings.model_validate(json.loads(sys.argv[1]))
    options = RunOptions(interactive=False, sandbox="cpu-basic")
    async with Session.open(settings, cwd=sys.argv[2], options=options) as session:
        async for event in session.send("go"):
            print(event.name, flush=True)

asyncio.run(main())
"""


async def test_after_a_kill_the_same_sandbox_and_command_are_found_again(
    given: Settings, workdir: Path, hub: HubServer, boxes: SandboxServer
) -> None:
    gate = boxes.folder / "gate"
    line = f"echo began >>began; until [ -e {gate} ]; do sleep 0.02; done; cat began"

    def choose(asked: Asked) -> Reply:
        return Reply(calls=[Call("bash", {"command": line})]) if asked.step == 0 else Reply("ok")

    with ModelServer(choose) as server:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "OPENAI_API_KEY": "sk-stand-in",
            "OPENAI_BASE_URL": server.openai_base,
        }
        words = [json.dumps(given.model_dump(mode="json")), str(workdir)]
        process = start([sys.executable, "-c", PROGRAM, *words], env=environment)
        try:
            until(lambda: (boxes.folder / "work/began").exists(), 60)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    async with await open_store(given) as store:
        (row,) = await store.threads.list()
    gate.touch()
    async with driven(choose, given, workdir, thread=row.id) as driver:
        assert (await driver.resume()).text == "ok"
        assert driver.outputs() == ["began\n[exit code 0]"]
        (job,) = hub.jobs.jobs.values()
        assert (await driver.session.cost())["thread"].amount == HOUR
    assert job.stage == "CANCELED"


async def test_sandbox_none_goes_back_to_this_machine(
    given: Settings, workdir: Path, hub: HubServer
) -> None:
    wanted = given.sandbox.model_copy(update={"flavor": "cpu-basic"})
    there = given.model_copy(update={"sandbox": wanted})
    async with driven(work, there, workdir, sandbox="none") as driver:
        assert (await driver.send("go")).text == "done"
        assert (workdir / "a.txt").read_text() == "hi\n"
    assert hub.jobs.jobs == {}
