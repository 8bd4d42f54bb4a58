"""The command sandbox through whole turns: what is denied, what the model is told, the approval
to leave it."""

from pathlib import Path
from typing import Any

import pytest

from configs.settings import Settings
from tests.graph.driving import driven
from tests.stand_ins.model_script import Asked, Call, Reply
from tools.workspace.command_sandbox import find


def calls(*made: Call) -> Any:
    def choose(asked: Asked) -> Reply:
        return Reply(calls=[made[asked.step]]) if asked.step < len(made) else Reply("done")

    return choose


def line(command: str, **more: Any) -> Call:
    return Call("bash", {"command": command, **more})


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """A file in the home that no command in a sandbox can change."""
    path = tmp_path / "home" / ".bashrc"
    path.write_text("# mine\n")
    return path


#: Whatever policy sees in it, it sees no shell profile.
WRITES = 'python3 -c \'import os; open(os.path.expanduser("~/.bash" + "rc"), "a").write("x")\''


async def test_auto_is_refused_told_and_asks_to_leave(
    settings: Settings, workdir: Path, profile: Path
) -> None:
    script = calls(line(WRITES), line(WRITES, outside_sandbox=True))
    async with driven(script, settings, workdir, mode="auto", interactive=False) as driver:
        last = await driver.send("go")
        assert last.name == "approval_required"
        if find().kind == "none":
            assert profile.read_text() == "# mine\nx"  # no sandbox here: said in the first line
            return
        assert "[The command sandbox refused writing" in driver.outputs()[0]
        assert "outside_sandbox=true" in driver.outputs()[0]
        assert profile.read_text() == "# mine\n"
        (request,) = last.requests
        assert request["reason"].startswith("Run outside the sandbox?")
        last = await driver.resume([{"type": "approve"}])
    assert last.name == "turn_complete"
    assert profile.read_text() == "# mine\nx"


async def test_an_approval_inside_is_none_for_outside(
    settings: Settings, workdir: Path, profile: Path
) -> None:
    """What was approved without it runs in the sandbox; an edit by the user may take it out."""
    script = calls(line(WRITES), line(WRITES))
    async with driven(script, settings, workdir, mode="ask", interactive=True) as driver:
        await driver.send("go")
        await driver.resume([{"type": "approve"}])
        inside = profile.read_text()
        edited = {"name": "bash", "args": {"command": WRITES, "outside_sandbox": True}}
        await driver.resume([{"type": "edit", "edited_action": edited}])
    assert inside == ("# mine\n" if find().kind != "none" else "# mine\nx")
    assert profile.read_text().endswith("x")


async def test_required_without_a_sandbox_runs_nothing(settings: Settings, workdir: Path) -> None:
    from core.store import open_store
    from nodes.services import build_services
    from tests.tools.bench import Bench
    from tools.workspace.command_sandbox import CommandSandbox
    from tools.workspace.this_machine import LocalBackend

    wanted = settings.model_copy(update={"sandbox_commands": "required"})
    async with await open_store(wanted) as store:
        services = build_services(wanted, store)
        services.backend = LocalBackend(wanted, CommandSandbox(wanted, "no such kind"))
        result = await Bench(services, workdir).call("bash", command="touch made")
    assert "sandbox_commands is required" in result.text
    assert (result.ok, result.outcome) == (False, "failed")
    assert not (workdir / "made").exists()
