"""One hook as a process: what it says, and what it does that it should not."""

import os
from pathlib import Path
from typing import Any

import pytest

from configs.hooks import Hook
from core.hooks.names import input_of, names_of
from core.hooks.run import HookAnswer, run_hooks
from tests.tools.bench import alive, until


async def run(cwd: Path, *commands: str, event: str = "PreToolUse", **more: Any) -> HookAnswer:
    hooks = [Hook(command=command, **more) for command in commands]
    payload = {"hook_event_name": event, "cwd": str(cwd), "tool_input": {"command": "ls"}}
    return await run_hooks(hooks, payload, {"PATH": os.environ["PATH"]})


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ('{"decision": "block", "reason": "no"}', HookAnswer(blocked="no", decision="deny")),
        ('{"decision": "approve"}', HookAnswer(decision="allow")),
        ('{"permissionDecision": "ask"}', HookAnswer(decision="ask")),
        ('{"systemMessage": "look"}', HookAnswer(messages=["look"])),
        ('{"hookSpecificOutput": {"additionalContext": "c"}}', HookAnswer(context=["c"])),
        ('{"continue": false, "stopReason": "s"}', HookAnswer(stop="s")),
        ('{"continue": true, "suppressOutput": true}', HookAnswer()),
        ('{"hookSpecificOutput": {"updatedInput": {"command": "ls"}}}', HookAnswer()),
        ('{"hookSpecificOutput": ["x"], "reason": 3, "decision": {}}', HookAnswer()),
        ("just words", HookAnswer()),
    ],
)
async def test_json_on_stdout(workdir: Path, printed: str, expected: HookAnswer) -> None:
    assert await run(workdir, f"cat > /dev/null; echo '{printed}'") == expected


async def test_the_strictest_of_several_wins(workdir: Path) -> None:
    words = ("allow", "ask", "deny")
    commands = [f"""echo '{{"permissionDecision": "{word}"}}'""" for word in words]
    assert (await run(workdir, *commands[:2])).decision == "ask"
    assert (await run(workdir, *commands)).decision == "deny"


async def test_broken_json_is_a_warning(workdir: Path) -> None:
    answer = await run(workdir, "echo '{\"decision\": '")
    assert answer.blocked == ""
    assert "not JSON" in answer.messages[0]


async def test_one_that_takes_too_long_is_ended_with_its_children(workdir: Path) -> None:
    command = "(sleep 3; touch late) & echo $! > child; sleep 60"
    answer = await run(workdir, command, timeout=1.5)
    assert "was ended after 1.5 seconds" in answer.messages[0]
    assert answer.blocked == ""
    # It was killed with its children, but the kernel needs a moment for those.
    child = int((workdir / "child").read_text())
    until(lambda: not alive(child))
    assert not (workdir / "late").exists()


async def test_a_program_left_in_the_background_does_not_hold_the_call(workdir: Path) -> None:
    answer = await run(workdir, 'sleep 600 & echo $! > child; echo \'{"decision": "approve"}\'')
    assert answer.decision == "allow"
    os.kill(int((workdir / "child").read_text()), 9)


async def test_much_output_is_bounded(workdir: Path) -> None:
    answer = await run(workdir, "yes no | head -c 5000000 >&2; exit 2")
    assert len(answer.blocked) == 10_000


async def test_bytes_that_are_not_text(workdir: Path) -> None:
    answer = await run(workdir, r"printf '\377\376 no' >&2; exit 2")
    assert answer.blocked.endswith(" no")
    answer.blocked.encode()


async def test_input_that_is_not_read_is_no_error(workdir: Path) -> None:
    hooks, payload = [Hook(command="exit 0")], {"hook_event_name": "Stop", "cwd": str(workdir)}
    large = {**payload, "last_assistant_message": "x" * 5_000_000}
    assert await run_hooks(hooks, large, {"PATH": os.environ["PATH"]}) == HookAnswer()


async def test_a_folder_that_is_gone(workdir: Path) -> None:
    answer = await run(workdir / "gone", "true")
    assert "did not start" in answer.messages[0]


def test_names_and_fields_as_scripts_know_them() -> None:
    edit = {"path": "~/a.py", "old": "a", "new": "b"}
    given = input_of("edit", edit, "/project")
    assert given["file_path"] == os.path.expanduser("~/a.py")
    assert (given["old_string"], given["new_string"]) == ("a", "b")
    assert names_of("edit", edit) == ["Edit", "edit"]
    assert names_of("edit", {**edit, "cell": 3})[0] == "NotebookEdit"
    assert names_of("web", {"operation": "fetch"}) == ["WebFetch", "web"]
    assert names_of("git__log", {}) == ["mcp__git__log", "git__log"]
    assert names_of("hf_jobs", {}) == ["hf_jobs"]
    assert input_of("bash", {"command": "x", "timeout": 60}, "/")["timeout"] == 60_000
