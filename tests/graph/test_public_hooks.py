"""Scripts and a settings file as people publish them for Claude Code, unchanged in a folder."""

import json
import shutil
from pathlib import Path

import pytest

from configs.layers import load
from configs.settings import Settings
from tests.configs.trusting import answer_all
from tests.graph.driving import driven
from tests.stand_ins.model_script import Asked, Call, Reply

SCRIPTS = Path(__file__).parents[1] / "stand_ins" / "hook_scripts"


def with_scripts(folder: Path, settings: Settings) -> Settings:
    """The scripts in `.claude/hooks` of a folder that is trusted."""
    shutil.copytree(SCRIPTS, folder / ".claude" / "hooks")
    (folder / ".claude/hooks/settings.json").rename(folder / ".claude/settings.json")
    answer_all(folder, trusted=True)
    hooks = load(cwd=folder, environ={}).settings.hooks
    return settings.model_copy(update={"hooks": hooks})


def choose(asked: Asked) -> Reply:
    calls = [
        Call("bash", {"command": "rm -rf data"}),
        Call("bash", {"command": "echo fine"}),
        Call("write", {"path": "data/raw.csv", "content": "1"}),
        Call("write", {"path": "notes.md", "content": "a\n"}),
        Call("write", {"path": "train.py", "content": "x = 1   \n"}),
    ]
    if "Run the tests" in json.dumps(asked.body):
        return Reply("tests ran")
    return Reply(calls=calls) if asked.step == 0 else Reply("done")


async def test_published_scripts_work_unchanged(settings: Settings, workdir: Path) -> None:
    async with driven(choose, with_scripts(workdir, settings), workdir, mode="auto") as driver:
        last = await driver.send("clean up")
        said = json.dumps(driver.messages)
    assert (last.name, last.text) == ("turn_complete", "tests ran")
    removed, fine, raw, notes, script = driver.outputs()
    assert "• rm -rf is not allowed" in removed
    assert "fine" in fine
    assert "data/raw.csv is raw data" in raw
    assert "Created" in notes
    assert "formatted with sed" in script
    assert not (workdir / "data").exists()
    assert (workdir / "train.py").read_text() == "x = 1\n"
    assert "The branch is frozen until Friday" in said
    assert "Today is release day" in said
    assert "hooks are on" in [event.text for event in driver.named("tool_log")]
    events = (workdir / "events.log").read_text().splitlines()
    assert sorted(events) == sorted(
        ["SessionStart  True", *["PreToolUse Bash True"] * 2, *["PreToolUse Write True"] * 3]
    )


async def test_a_prompt_that_a_script_blocks(settings: Settings, workdir: Path) -> None:
    async with driven([Reply("no")], with_scripts(workdir, settings), workdir) as driver:
        last = await driver.send("log in with password: hunter2")
        assert last.name == "error"
        assert "Remove the password from the prompt." in last.message
        assert driver.server.bodies == []


@pytest.mark.parametrize("event", ["PreToolUse", "SessionEnd"])
async def test_a_script_finds_the_transcript(settings: Settings, workdir: Path, event: str) -> None:
    read = "import json,sys; print(open(json.load(sys.stdin)['transcript_path']).read())"
    command = f'python3 -c "{read}" >> found.jsonl'
    group = {"matcher": "", "hooks": [{"type": "command", "command": command}]}
    hooked = Settings.model_validate({**settings.model_dump(), "hooks": {event: [group]}})
    replies = [Reply("I look.", calls=[Call("bash", {"command": "echo x"})]), Reply("done")]
    async with driven(replies, hooked, workdir, mode="auto") as driver:
        await driver.send("say hello")
    told = (workdir / "found.jsonl").read_text()
    assert "say hello" in told
    assert "I look." in told
