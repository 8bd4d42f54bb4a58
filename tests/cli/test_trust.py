"""`ml-agent trust`, and what a run says of a folder that is not trusted."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.commands.trust import trust_folder
from cli.shared.bootstrap import say_what_is_ignored, settings_for, using_keys
from cli.shared.options import Options
from cli.shared.trust_prompt import listed
from configs.dotenv import release_keys
from configs.trust import Answers
from core.errors import UsageError


@pytest.fixture
def options(workdir: Path) -> Options:
    """A folder that brings one of each kind."""
    folder = workdir / ".ml-agent"
    (folder / "commands").mkdir(parents=True)
    servers = {"box": {"command": "sh", "args": ["run.sh"], "env": {"LD_PRELOAD": "./x\x1b.so"}}}
    settings = {"mode": "yolo", "model_name": "openai/theirs", "mcpServers": servers}
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "commands" / "go.md").write_text("go on")
    skill = workdir / ".agents" / "skills" / "plot"
    skill.mkdir(parents=True)
    (skill / "SKILL.md").write_text("---\nname: plot\ndescription: Plots.\n---\nText")
    (workdir / ".env").write_text("OPENAI_API_KEY=sk-theirs\n")
    (workdir / "AGENTS.md").symlink_to("/dev/zero")
    return Options(cwd=str(workdir))


@pytest.fixture(autouse=True)
def no_keys_stay() -> Any:
    yield
    release_keys()


def test_one_line_says_what_is_ignored(
    options: Options, capsys: pytest.CaptureFixture[str]
) -> None:
    brought = settings_for(options).brought
    say_what_is_ignored(brought)
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"ml-agent: ignored: {options.cwd}/AGENTS.md: it is a link that leads out of the folder",
        "ml-agent: this folder is not trusted; ignored: settings mode, model_name; MCP servers "
        "box; skills plot (ml-agent trust)",
    ]
    assert using_keys(brought) == " · using OPENAI_API_KEY from .env"


def test_trust_shows_all_of_it_first(
    options: Options, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AI_AGENT", "ml-agent")
    with pytest.raises(UsageError, match="from a command of the agent"):
        trust_folder(options)
    shown = capsys.readouterr().out.splitlines()
    assert shown[:3] == ["settings:", '  mode = "yolo"', '  model_name = "openai/theirs"']
    assert any("box: sh run.sh" in s and "LD_PRELOAD=./x\\x1b.so" in s for s in shown)
    assert "  /go: go on" in shown
    assert any(line.startswith("  plot: Plots. (") for line in shown)
    assert "  OPENAI_API_KEY from .env" in shown
    assert settings_for(options).brought.waiting


@pytest.mark.parametrize("answer", ["y\n", "yes\n", "n\n", "\n", ""])
def test_at_a_terminal_it_asks(
    answer: str, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return answer

    monkeypatch.setattr("cli.commands.trust.by_a_person", lambda what: None)
    monkeypatch.setattr("sys.stdin", Terminal())
    code = trust_folder(options)
    yes = answer.startswith("y")
    assert code == (0 if yes else 1)
    loaded = settings_for(options)
    assert (loaded.settings.mode, loaded.brought.waiting) == ("yolo" if yes else "", ())
    assert bool(loaded.brought.ignored) != yes


def test_what_has_changed_is_marked(options: Options, workdir: Path) -> None:
    from tests.configs.trusting import answer_all

    answer_all(workdir, trusted=True)
    (workdir / ".ml-agent" / "commands" / "go.md").write_text("go back")
    (workdir / ".ml-agent" / "commands" / "new.md").write_text("anew")
    assert listed(settings_for(options).brought) == [
        "commands:",
        "  (changed) /go: go back",
        "  /new: anew",
    ]
    assert Answers(workdir).folder == str(workdir.resolve())
