"""Approvals: asked once, decided from another process, each kind of decision."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from configs.settings import Permissions, Settings
from core.errors import SettingsError
from graph.options import check_permissions, check_rules
from tests.graph.driving import driven
from tests.stand_ins.model_script import Asked, Call, Reply

OUTSIDE = "/etc/hostname"


@pytest.fixture
def settings(settings: Settings, database_url: str) -> Settings:
    """On SQLite and on Postgres."""
    settings.database_url = database_url
    return settings


def bash(command: str) -> Call:
    return Call("bash", {"command": command})


def choose(*calls: Call) -> Any:
    """The calls first; then, however the turn went on, an answer."""

    def reply(asked: Asked) -> Reply:
        return Reply(calls=calls) if asked.step == 0 and asked.user_messages == 1 else Reply("ok")

    return reply


async def test_ask_mode_asks_for_commands_only(settings: Settings, workdir: Path) -> None:
    calls = [bash("touch one"), Call("write", {"path": "two", "content": "2"}), bash("touch three")]
    async with driven(choose(*calls), settings, workdir, mode="ask") as driver:
        asked = await driver.send("go")
        assert asked.name == "approval_required"
        assert [r["arguments"] for r in asked.requests] == [calls[0].arguments, calls[2].arguments]
        assert asked.requests[0]["effect"] == "execute"
        assert asked.requests[0]["reason"]
        assert list(workdir.iterdir()) == []  # nothing of an answer runs before it is decided
        assert driver.session.thread.status == "approval"
        # Asking again changes nothing.
        assert (await driver.resume()).requests == asked.requests


@pytest.mark.parametrize(
    ("decision", "ran", "told"),
    [
        ({"type": "approve"}, ["asked"], "[exit code 0]"),
        ({"type": "reject", "message": "not today"}, [], "not today"),
        (
            {"type": "edit", "edited_action": {"name": "bash", "args": {"command": "touch other"}}},
            ["other"],
            "[exit code 0]",
        ),
        (
            {"type": "edit", "edited_action": {"name": "bash", "args": {"cmd": 1}}},
            [],
            "field required",
        ),
        ({"type": "respond", "message": "it is done"}, [], "it is done"),
        ({"type": "nonsense"}, [], "could not be read"),
    ],
)
async def test_a_decision_in_another_process(
    decision: dict[str, Any], ran: list[str], told: str, settings: Settings, workdir: Path
) -> None:
    async with driven(choose(bash("touch asked")), settings, workdir, mode="ask") as driver:
        await driver.send("go")
        thread = driver.session.thread.id
    # A new session on the same files is for a new process: nothing is shared in memory.
    async with driven(choose(), settings, workdir, thread=thread) as driver:
        assert len(await driver.session.pending()) == 1
        done = await driver.resume([decision])
        assert (done.name, done.text) == ("turn_complete", "ok")
        assert sorted(p.name for p in workdir.iterdir()) == ran
        assert told in driver.outputs()[0]


async def test_mixed_decisions_keep_the_order(settings: Settings, workdir: Path) -> None:
    calls = [bash(f"echo {i}") for i in range(5)]
    async with driven(choose(*calls), settings, workdir, mode="ask") as driver:
        await driver.send("go")
        no = {"type": "reject", "message": "no"}
        yes = {"type": "approve"}
        edit = {"type": "edit", "edited_action": {"name": "bash", "args": {"command": "echo new"}}}
        await driver.resume([yes, no, edit, no, yes])
        told = [m["content"].split("\n")[0] for m in driver.messages if m["role"] == "tool"]
        rejected = "The user rejected this call: no"
        assert told == ["0", rejected, "new", rejected, "4"]


async def test_decisions_must_be_as_many_as_requests(settings: Settings, workdir: Path) -> None:
    async with driven(choose(bash("touch asked")), settings, workdir, mode="ask") as driver:
        await driver.send("go")
        failed = await driver.resume([])
        assert (failed.kind, len(await driver.session.pending())) == ("usage_error", 1)
        assert (await driver.resume([{"type": "approve"}])).text == "ok"
        assert (await driver.resume([{"type": "approve"}])).kind == "usage_error"


async def test_a_message_while_approvals_wait_rejects_them(
    settings: Settings, workdir: Path
) -> None:
    async with driven(choose(bash("touch asked")), settings, workdir, mode="ask") as driver:
        await driver.send("go")
        assert (await driver.send("do not, use python")).text == "ok"
        assert list(workdir.iterdir()) == []
        assert [m["role"] for m in driver.messages][-2:] == ["tool", "user"]
        assert "use python" in driver.messages[-2]["content"]


async def test_read_only_refuses_with_the_reason(settings: Settings, workdir: Path) -> None:
    calls = [bash("touch one"), Call("write", {"path": "two", "content": ""})]
    async with driven(choose(*calls), settings, workdir, mode="read-only") as driver:
        assert (await driver.send("go")).status == "done"
        assert list(workdir.iterdir()) == []
        assert all("read-only" in text for text in driver.outputs())


async def test_long_results_are_saved_where_the_model_may_read(
    settings: Settings, workdir: Path
) -> None:
    """Here the test's own folder counts as temporary: what is asked about is elsewhere."""
    state = Path("/var") / f"ml-agent-test-{os.getpid()}"
    elsewhere = settings.model_copy(update={"state_dir": str(state)})
    calls = [Call("read", {"path": str(state / "threads" / "x" / "results" / "y.txt")})]
    try:
        async with driven(choose(*calls), elsewhere, workdir, mode="ask") as driver:
            assert (await driver.send("go")).name == "turn_complete"
            assert "there is no" in driver.outputs()[0]
    finally:
        shutil.rmtree(state, ignore_errors=True)


async def test_reading_outside_the_folder_asks(settings: Settings, workdir: Path) -> None:
    calls = [Call("read", {"path": OUTSIDE}), Call("read", {"path": "../../.env"})]
    async with driven(choose(*calls), settings, workdir, mode="ask") as driver:
        asked = await driver.send("go")
        assert [r["arguments"]["path"] for r in asked.requests] == [OUTSIDE, "../../.env"]


@pytest.mark.parametrize(
    ("rule", "said"), [("bsh(rm *)", "did you mean bash"), ("nothing_like_it", "ml-agent tools")]
)
def test_a_rule_that_names_no_tool_is_refused(rule: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check_rules([rule], "--deny")
    assert "no tool is named" in caught.value.message
    assert said in caught.value.hint
    with pytest.raises(SettingsError, match=r"permissions\.deny"):
        check_permissions(Permissions(deny=["bash(rm *)", rule]))


def test_rules_of_all_kinds_of_tools() -> None:
    check_rules(
        ["sandbox", "bash(rm *)", "outside_sandbox(make *)", "mcp_reads(box)", "box__echo"],
        "--deny",
    )
