"""plan: the checklist goes into the thread's state, and rules hold."""

from pathlib import Path
from typing import Any

import pytest

from configs.settings import Settings
from tests.graph.driving import driven
from tests.stand_ins.model_script import Asked, Call, Reply
from tests.tools.bench import Bench


def item(number: int, status: str) -> dict[str, Any]:
    return {"id": str(number), "text": f"step {number}", "status": status}


async def test_the_newest_plan_is_the_plan(settings: Settings, workdir: Path) -> None:
    first = [item(1, "in_progress"), item(2, "pending")]
    second = [item(1, "completed"), item(2, "in_progress")]
    script = [
        Reply(calls=[Call("plan", {"items": first}), Call("bash", {"command": "true"})]),
        # Two in one answer: the later one counts.
        Reply(calls=[Call("plan", {"items": first}), Call("plan", {"items": second})]),
        Reply("done"),
    ]
    async with driven(script, settings, workdir) as driver:
        await driver.send("go")
        assert await driver.session.plan() == second
        assert driver.outputs()[-1] == "1 of 2 steps completed."


async def test_one_step_at_a_time_and_no_id_twice(bench: Bench) -> None:
    two = await bench.call("plan", items=[item(1, "in_progress"), item(2, "in_progress")])
    assert two.text == "Not run: plan: items: at most one is in_progress, not 1, 2"
    same = await bench.call("plan", items=[item(1, "pending"), item(1, "pending")])
    assert same.text == "Not run: plan: items: two have the same id"
    assert same.plan is None


async def test_the_plan_survives_a_kill_between_journal_and_checkpoint(bench: Bench) -> None:
    made = await bench.call("plan", items=[item(1, "completed")])
    again = await bench.call("plan", call_id=bench.last_id, items=[item(1, "completed")])
    assert again == made
    assert again.plan == [item(1, "completed")]


@pytest.mark.parametrize("asks", ["read-only", "ask"])
async def test_no_mode_refuses_a_plan(asks: str, settings: Settings, workdir: Path) -> None:
    script = [Reply(calls=[Call("plan", {"items": [item(1, "pending")]})]), Reply("and now?")]
    async with driven(script, settings, workdir, mode=asks) as driver:
        assert (await driver.send("go")).status == "done"
        assert driver.outputs() == ["0 of 1 steps completed."]


async def test_a_compaction_keeps_the_plan(settings: Settings, workdir: Path) -> None:
    def choose(asked: Asked) -> Reply:
        if not asked.tools:
            return Reply("SUMMARY")
        if asked.index == 0:
            return Reply(calls=[Call("plan", {"items": [item(1, "in_progress")]})])
        long = Call("bash", {"command": f"echo {asked.index}; seq 1000 2600"})
        return Reply(calls=[long]) if asked.index < 6 else Reply("done")

    small = settings.model_copy(update={"compact_at": 9_000})
    async with driven(choose, small, workdir) as driver:
        assert (await driver.send("go")).status == "done"
        assert driver.named("compacted")
        assert "SUMMARY\\n\\nThe current plan:\\n[>] step 1" in str(driver.messages)
