"""Hooks in turns: scripts in Claude Code's format, run as real processes."""

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from configs.instructions import research_prompt
from configs.settings import Settings
from tests.cli.program_process import run
from tests.graph.driving import driven
from tests.stand_ins.model_script import Asked, Call, Reply
from tests.stand_ins.model_server import ModelServer

ROOT = Path(__file__).parents[2]

#: Keeps what it gets, one line per run.
LOG = "cat >> seen.jsonl; echo >> seen.jsonl"


def hooks(settings: Settings, **groups: Any) -> Settings:
    """`settings` with hooks by event: a command for all, or {matcher: command}."""
    made: dict[str, Any] = {}
    for event, given in groups.items():
        by_matcher = {"": given} if isinstance(given, str) else given
        made[event] = [
            {"matcher": matcher, "hooks": [{"type": "command", "command": command}]}
            for matcher, command in by_matcher.items()
        ]
    return Settings.model_validate({**settings.model_dump(), "hooks": made})


def seen(folder: Path) -> list[dict[str, Any]]:
    path = folder / "seen.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line]


def bash(command: str) -> Reply:
    return Reply(calls=[Call("bash", {"command": command})])


def says(**output: Any) -> str:
    return f"echo '{json.dumps(output)}'"


def pre(decision: str, **more: Any) -> str:
    inner = {"hookEventName": "PreToolUse", "permissionDecision": decision, **more}
    return says(hookSpecificOutput=inner)


def in_turn(*replies: Reply) -> Any:
    """One reply after another, whatever was said in between."""

    def choose(asked: Asked) -> Reply:
        return replies[sum(turn.role == "assistant" for turn in asked.turns)]

    return choose


async def test_every_event_is_told_as_scripts_expect(settings: Settings, workdir: Path) -> None:
    events = ("UserPromptSubmit", "SessionStart", "PreToolUse", "PostToolUse", "Stop", "SessionEnd")
    hooked = hooks(settings, **dict.fromkeys(events, LOG))
    async with driven([bash("echo hi"), Reply("done")], hooked, workdir, mode="auto") as driver:
        await driver.send("say hi")
    told = {one["hook_event_name"]: one for one in seen(workdir)}
    assert [one["hook_event_name"] for one in seen(workdir)] == [
        "UserPromptSubmit", "SessionStart", "PreToolUse", "PostToolUse", "Stop", "SessionEnd",
    ]  # fmt: skip
    assert {one["session_id"] for one in told.values()} == {driver.session.thread.id}
    assert {one["cwd"] for one in told.values()} == {str(workdir)}
    assert told["UserPromptSubmit"]["prompt"] == "say hi"
    assert told["SessionStart"]["source"] == "startup"
    call = told["PreToolUse"]
    assert (call["tool_name"], call["tool_input"]["command"]) == ("Bash", "echo hi")
    assert call["permission_mode"] == "auto"
    result = told["PostToolUse"]
    assert result["tool_use_id"] == call["tool_use_id"]
    assert "hi" in result["tool_response"]["stdout"]
    assert told["Stop"]["stop_hook_active"] is False
    assert told["Stop"]["last_assistant_message"] == "done"
    assert told["SessionEnd"]["reason"] == "other"
    lines = Path(told["Stop"]["transcript_path"]).read_text().splitlines()
    written = [json.loads(line) for line in lines]
    assert [line["type"] for line in written] == ["user", "assistant", "user", "assistant"]
    assert written[1]["message"]["content"][0]["name"] == "bash"


async def test_exit_code_2_blocks_and_its_words_reach_the_model(
    settings: Settings, workdir: Path
) -> None:
    hooked = hooks(settings, PreToolUse={"Bash": "echo 'no shell here' >&2; exit 2"})
    async with driven([bash("touch made"), Reply("ok")], hooked, workdir, mode="yolo") as driver:
        await driver.send("make it")
        assert "no shell here" in driver.outputs()[0]
        assert not (workdir / "made").exists()


async def test_another_failure_is_a_warning(settings: Settings, workdir: Path) -> None:
    hooked = hooks(settings, PreToolUse={"Bash": "echo broken >&2; exit 1"})
    async with driven([bash("touch made"), Reply("ok")], hooked, workdir, mode="yolo") as driver:
        last = await driver.send("make it")
        assert (last.name, (workdir / "made").exists()) == ("turn_complete", True)
        warned = [e.text for e in driver.named("tool_log") if e.tool == "hook"]
        assert len(warned) == 1
        assert "failed with exit code 1: broken" in warned[0]


@pytest.mark.parametrize("matcher", ["Bash", "Edit|Bash", "bash", "Ba.*", "", "*", "Edit, Bash"])
async def test_matchers_that_fit(settings: Settings, workdir: Path, matcher: str) -> None:
    hooked = hooks(settings, PreToolUse={matcher: LOG})
    async with driven([bash("true"), Reply("ok")], hooked, workdir, mode="yolo") as driver:
        await driver.send("go")
    assert len(seen(workdir)) == 1


@pytest.mark.parametrize("matcher", ["Edit|Write", "Bas", "^bash.+", "(", "Read"])
async def test_matchers_that_do_not_fit(settings: Settings, workdir: Path, matcher: str) -> None:
    hooked = hooks(settings, PreToolUse={matcher: LOG})
    async with driven([bash("true"), Reply("ok")], hooked, workdir, mode="yolo") as driver:
        await driver.send("go")
    assert seen(workdir) == []


async def test_a_file_is_named_as_scripts_expect(settings: Settings, workdir: Path) -> None:
    hooked = hooks(settings, PostToolUse={"Edit|Write": LOG})
    write = Reply(calls=[Call("write", {"path": "a.py", "content": "x = 1\n"})])
    async with driven([write, Reply("ok")], hooked, workdir, mode="auto") as driver:
        await driver.send("go")
    told = seen(workdir)[0]
    assert told["tool_name"] == "Write"
    assert told["tool_input"]["file_path"] == str(workdir / "a.py")
    assert told["tool_response"]["filePath"] == str(workdir / "a.py")


async def test_allow_answers_the_mode_and_nothing_else(settings: Settings, workdir: Path) -> None:
    """What a rule, a secret file or the read-only mode says stays, whatever a hook allows."""
    hooked = hooks(settings, PreToolUse=pre("allow"))
    script = [bash("touch made"), Reply("ok")]
    async with driven(script, hooked, workdir, mode="ask", interactive=True) as driver:
        assert (await driver.send("make it")).name == "turn_complete"
        assert (workdir / "made").exists()
    async with driven([bash("touch b"), Reply("ok")], hooked, workdir, mode="read-only") as driver:
        await driver.send("make it")
        assert "read-only" in driver.outputs()[0]
    denied = {"mode": "auto", "deny": ["bash(touch *)"]}
    async with driven([bash("touch b"), Reply("ok")], hooked, workdir, **denied) as driver:
        await driver.send("make it")
    assert not (workdir / "b").exists()
    (workdir / ".env").write_text("A=1")
    read = Reply(calls=[Call("read", {"path": ".env"})])
    async with driven([read, Reply("ok")], hooked, workdir, mode="ask", interactive=True) as driver:
        assert (await driver.send("look")).name == "approval_required"


async def test_ask_asks_for_what_would_have_run(settings: Settings, workdir: Path) -> None:
    hooked = hooks(settings, PreToolUse=pre("ask", permissionDecisionReason="is it Friday?"))
    script = [bash("touch made"), Reply("ok")]
    async with driven(script, hooked, workdir, mode="auto", interactive=True) as driver:
        last = await driver.send("make it")
        assert last.name == "approval_required"
        assert last.requests[0]["reason"] == "is it Friday?"
        assert last.requests[0]["preview"] == "touch made"
        assert (await driver.resume([{"type": "approve"}])).name == "turn_complete"
        assert (workdir / "made").exists()


async def test_a_changed_input_is_not_run_in_place_of_what_was_judged(
    settings: Settings, workdir: Path
) -> None:
    changed = pre("allow", updatedInput={"command": "touch other"})
    hooked = hooks(settings, PreToolUse=changed)
    async with driven([bash("touch made"), Reply("ok")], hooked, workdir, mode="yolo") as driver:
        await driver.send("make it")
        assert "touch other" in driver.outputs()[0]
    assert not (workdir / "made").exists()
    assert not (workdir / "other").exists()


async def test_a_blocked_message_does_not_reach_the_model(
    settings: Settings, workdir: Path
) -> None:
    command = "grep -q password && { echo 'no passwords' >&2; exit 2; } || true"
    hooked = hooks(settings, UserPromptSubmit=command)
    async with driven([Reply("hello")], hooked, workdir) as driver:
        last = await driver.send("my password is x")
        assert (last.name, last.kind) == ("error", "hook_blocked")
        assert "no passwords" in last.message
        assert driver.server.bodies == []
        assert (await driver.send("hello there")).text == "hello"
        assert "my password" not in json.dumps(driver.messages)
        assert "<environment>" in driver.messages[1]["content"]


async def test_context_is_for_the_model(settings: Settings, workdir: Path) -> None:
    extra = says(hookSpecificOutput={"hookEventName": "PostToolUse", "additionalContext": "lint"})
    hooked = hooks(
        settings, UserPromptSubmit="echo it is Friday", SessionStart="echo branch x",
        PostToolUse=extra,
    )  # fmt: skip
    script = [bash("true"), Reply("ok"), Reply("again")]
    async with driven(script, hooked, workdir, mode="auto") as driver:
        await driver.send("go")
        told = json.dumps(driver.messages)
        assert "it is Friday" in told
        assert "A hook says: lint" in told
        await driver.send("once more")
        told = json.dumps(driver.messages)
        assert (told.count("branch x"), told.count("it is Friday")) == (1, 2)


async def test_stop_continues_until_its_hook_is_content(settings: Settings, workdir: Path) -> None:
    command = "[ -e tested ] || { echo 'run the tests' >&2; exit 2; }"
    hooked = hooks(settings, Stop=command)
    script = in_turn(Reply("done"), bash("touch tested"), Reply("really done"))
    async with driven(script, hooked, workdir, mode="auto") as driver:
        last = await driver.send("go")
        assert (last.text, last.iterations) == ("really done", 3)
        assert "run the tests" in json.dumps(driver.messages)


async def test_a_stop_hook_that_never_ends_does_not_hold_the_turn(
    settings: Settings, workdir: Path
) -> None:
    hooked = hooks(settings, Stop=says(decision="block", reason="more"))
    async with driven([Reply(f"{n}") for n in range(30)], hooked, workdir) as driver:
        last = await driver.send("go")
        assert (last.name, last.iterations) == ("turn_complete", 11)


async def test_continue_false_ends_the_turn(settings: Settings, workdir: Path) -> None:
    stop = {"continue": False, "stopReason": "enough for today"}
    hooked = hooks(settings, PreToolUse=says(**stop))
    async with driven([bash("touch made"), Reply("ok")], hooked, workdir, mode="yolo") as driver:
        last = await driver.send("go")
        assert (last.status, last.reason) == ("limit", "enough for today")
    assert not (workdir / "made").exists()


async def test_a_compaction_can_be_kept_off(settings: Settings, workdir: Path) -> None:
    hooked = hooks(settings, PreCompact={"manual": f"{LOG}; echo keep >&2; exit 2"})
    async with driven([Reply("one"), Reply("two")], hooked, workdir) as driver:
        await driver.send("go")
        await driver.collect(driver.session.compact())
        assert driver.named("compacted") == []
        assert seen(workdir)[0]["trigger"] == "manual"


async def test_a_notification_tells_that_approval_is_needed(
    settings: Settings, workdir: Path
) -> None:
    hooked = hooks(settings, Notification={"permission_prompt": LOG})
    script = [bash("touch made"), Reply("ok")]
    async with driven(script, hooked, workdir, mode="ask", interactive=True) as driver:
        await driver.send("go")
    assert seen(workdir)[0]["message"] == "ML Agent needs your permission to use Bash"


async def test_a_hook_sees_no_credential(
    settings: Settings, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefghijklmnopqrstuvwxyz0123456789")
    hooked = hooks(settings, Stop="env > environment")
    async with driven([Reply("ok")], hooked, workdir) as driver:
        await driver.send("go")
    told = (workdir / "environment").read_text()
    assert f"CLAUDE_PROJECT_DIR={workdir}" in told
    assert "AI_AGENT=ml-agent" in told
    assert "hf_abc" not in told
    assert "OPENAI_API_KEY" not in told


async def test_a_sub_agent_is_under_the_same_hooks(settings: Settings, workdir: Path) -> None:
    (workdir / "a.txt").write_text("words")
    hooked = hooks(
        settings,
        PreToolUse={"Read": "echo no >&2; exit 2"},
        SubagentStop=LOG,
        Stop="cat > /dev/null",
    )

    def choose(asked: Asked) -> Reply:
        if asked.turns[0].text == research_prompt():
            look = Reply(calls=[Call("read", {"path": "a.txt"})])
            return look if asked.step == 0 else Reply("report")
        if asked.step == 0:
            return Reply(calls=[Call("research", {"task": "look at a.txt"})])
        return Reply("done")

    async with driven(choose, hooked, workdir, mode="auto") as driver:
        await driver.send("begin")
        lines = [e.text for e in driver.named("tool_log")]
        assert "read: Refused by policy (hook): no" in lines
    assert [one["hook_event_name"] for one in seen(workdir)] == ["SubagentStop"]


#: A program that drives one turn, and is killed in it.
PROGRAM = """
import asyncio, json, sys
from configs.settings import Settings
from graph.session import RunOptions, Session

async def main():
    options = RunOptions(mode="auto", interactive=False)
    async with Session.open(Settings(**json.loads(sys.argv[1])), options=options) as session:
        async for event in session.send("go"):
            print(session.thread.id, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("event", "delay"),
    [
        ("UserPromptSubmit", ""),
        ("PreToolUse", ""),
        ("PostToolUse", "0.05"),
        ("Stop", ""),
    ],
)
async def test_a_kill_makes_no_hook_run_twice(
    settings: Settings, workdir: Path, event: str, delay: str
) -> None:
    """The hook itself kills the program that waits for it, or a moment after it has answered."""
    kill = f"(sleep {delay}; kill -9 $PPID) &" if delay else "kill -9 $PPID;"
    command = f"{LOG}; [ -e died ] || {{ touch died; {kill} }}"
    every = ("UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop")
    hooked = hooks(settings, **{**dict.fromkeys(every, LOG), event: command})
    call = f"echo ran >> calls; sleep {delay or 0}"
    choose = in_turn(bash(call), Reply("done"), bash(call), Reply("done"))
    with ModelServer(choose) as server:
        keys = {"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": server.openai_base}
        done = run(
            [sys.executable, "-c", PROGRAM, json.dumps(hooked.model_dump())],
            cwd=workdir, env={**os.environ, **keys, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    thread = done.stdout.split()[-1]
    async with driven(choose, hooked, workdir, thread=thread, mode="auto") as driver:
        last = await driver.resume()
    told = seen(workdir)
    counts = Counter(
        (one["hook_event_name"], one.get("tool_use_id") or one.get("prompt") or "") for one in told
    )
    assert [key for key, count in counts.items() if count > 1] == []
    ran = (workdir / "calls").read_text().splitlines() if (workdir / "calls").exists() else []
    asked = {one["tool_use_id"] for one in told if one["hook_event_name"] == "PreToolUse"}
    assert len(ran) <= len(asked)
    if event == "UserPromptSubmit":
        # Whether it would have blocked is not known: the message is not sent on.
        assert (last.name, last.kind) == ("error", "hook_blocked")
    else:
        assert last.name == "turn_complete"
    if event == "PreToolUse" and not delay:
        # The call that was cut off is refused; the model asks for it again, under another name.
        assert "do not run again" in driver.outputs()[0]
