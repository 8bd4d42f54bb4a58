"""ask_user: the user answers through approval; where no one is, the model decides."""

from pathlib import Path
from typing import Any

import pytest

from configs.settings import Settings
from tests.graph.driving import driven
from tests.stand_ins.model_script import Call, Reply
from tools.ask_user import NOBODY

QUESTION = Call("ask_user", {"question": "which seed?", "options": ["0", "1"]})
SCRIPT = [Reply(calls=[QUESTION]), Reply("thank you")]


@pytest.mark.parametrize("mode", ["ask", "auto", "read-only", "yolo"])
async def test_the_answer_is_the_result_in_every_mode(
    mode: Any, settings: Settings, workdir: Path
) -> None:
    async with driven(SCRIPT, settings, workdir, mode=mode, interactive=True) as driver:
        asked = await driver.send("go")
        (request,) = asked.requests
        assert request["arguments"]["question"] == "which seed?"
        assert request["decisions"] == ["respond", "reject"]
        done = await driver.resume([{"type": "respond", "message": "1"}])
        assert (done.status, done.text) == ("done", "thank you")
        (answered,) = driver.named("tool_output")
        assert (answered.text, answered.ok) == ("1", True)


async def test_nobody_is_there_headless(settings: Settings, workdir: Path) -> None:
    async with driven(SCRIPT, settings, workdir) as driver:
        assert (await driver.send("go")).status == "done"
        assert driver.outputs() == [NOBODY]


@pytest.mark.parametrize(
    ("decision", "told"),
    [
        ({"type": "reject", "message": "find out"}, "The user rejected this call: find out"),
        ({"type": "approve"}, NOBODY),
    ],
)
async def test_a_person_who_does_not_answer(
    decision: dict[str, Any], told: str, settings: Settings, workdir: Path
) -> None:
    async with driven(SCRIPT, settings, workdir, interactive=True) as driver:
        await driver.send("go")
        await driver.resume([decision])
        assert driver.outputs() == [told]


async def test_a_question_beside_a_command(settings: Settings, workdir: Path) -> None:
    both = [Reply(calls=[QUESTION, Call("bash", {"command": "echo ran"})]), Reply("done")]
    async with driven(both, settings, workdir, mode="ask", interactive=True) as driver:
        asked = await driver.send("go")
        assert [r["decisions"][0] for r in asked.requests] == ["respond", "approve"]
        await driver.resume([{"type": "respond", "message": "0"}, {"type": "approve"}])
        assert driver.outputs() == ["0", "ran\n[exit code 0]"]
