"""What holds without any extension: no file names a module that is not there, and the command
line does a task. tests/test_removable.py runs it where an extension was removed."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from cli.command_group import COMMANDS
from cli.main import cli
from configs.mcp import McpServer
from configs.settings import Settings
from core.errors import SettingsError, UsageError
from nodes.services import in_sandbox
from tests.stand_ins.model_script import Call, Reply, by_step
from tests.stand_ins.model_server import ModelServer
from tests.structure import FLOORS, module_files
from tools import builtin_tools, thread_jobs, tool_servers

#: An import of ours, late and for types, too.
IMPORT = re.compile(rf"^ *(?:from|import) ((?:{'|'.join(FLOORS)})(?:\.\w+)*)", re.MULTILINE)


def test_no_file_names_a_module_that_is_not_there() -> None:
    files = module_files()
    for file in files.values():
        missing = set(IMPORT.findall(file.read_text(encoding="utf-8"))) - files.keys()
        assert not missing, f"{file} imports {missing}"


def test_every_command_and_tool_is_there() -> None:
    for place, _ in COMMANDS.values():
        module, _, name = place.partition(":")
        assert hasattr(importlib.import_module(module), name)
    assert {"bash", "edit", "plan", "read", "research", "write"} <= set(builtin_tools())


def test_what_is_not_installed_is_said(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools._extensions", lambda: ())
    assert thread_jobs() is None
    services: Any = None
    with pytest.raises(UsageError, match="this installation has no sandboxes"):
        in_sandbox(services, "t", "cpu-basic")
    settings.mcpServers = {"time": McpServer(command="uvx")}
    with pytest.raises(SettingsError, match="this installation has no MCP support"):
        tool_servers(settings)


def test_a_task_on_the_command_line(
    tmp_path: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    script = [
        Reply(calls=[Call("write", {"path": "a.txt", "content": "one\n"})]),
        Reply(calls=[Call("bash", {"command": "cat a.txt"})]),
        Reply("done"),
    ]
    with ModelServer(by_step(script)) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        monkeypatch.setenv("OPENAI_BASE_URL", server.openai_base)
        monkeypatch.setenv("ML_AGENT_STATE_DIR", str(tmp_path / "state"))
        arguments = ["-C", str(workdir), "-m", "openai/stand-in", "--output", "json", "work"]
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments, standalone_mode=False)
        result = json.loads(capsys.readouterr().out)
    assert (ended.value.code, result["status"], result["text"]) == (0, "done", "done")
    assert "one" in server.bodies[-1]["messages"][-1]["content"]
