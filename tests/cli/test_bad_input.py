"""What cannot work is said in one line with the next step, and the right exit code."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.cli.program import ROOT, complaints, program
from tests.stand_ins.model_script import Reply
from tests.stand_ins.model_server import closed_port


def test_help_imports_click_and_the_standard_library_only() -> None:
    # None keeps a module out (cli/lean_imports.py). configs.collection imports gc alone.
    code = (
        "import sys; before = set(sys.modules); sys.argv = ['ml-agent', '--help']\n"
        "import cli.main\n"
        "try: cli.main.main()\n"
        "except SystemExit as end: assert not end.code\n"
        "new = {n for n in set(sys.modules) - before if sys.modules[n] is not None}\n"
        "new -= {'configs', 'configs.collection'}\n"
        "new = {name.split('.')[0] for name in new}\n"
        "print(sorted(new - set(sys.stdlib_module_names) - {'click', 'cli'}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "chat" in done.stdout
    assert done.stderr.strip() == "[]"


def test_usage(tmp_path: Path) -> None:
    with program(tmp_path, [Reply("ok")]) as run:
        for arguments, words in [
            (["--nonsense"], "No such option"),
            (["--max-time", "soon", "go"], "not a duration"),
            (["--mode", "wild", "go"], "'wild' is not one of"),
            (["-C", "absent", "go"], "no such folder: absent"),
            ([" "], "the task is empty"),
            (["go", "on"], "quotes"),
            (["sesions"], "did you mean the command 'sessions'"),
            (["resume"], "did you mean the command 'sessions resume'"),
            (["--max-cost", "five", "go"], "expected a number, e.g. --max-cost 2.50, not 'five'"),
            (["--max-cost", "-1", "go"], "expected a number, e.g. --max-cost 2.50"),
            (["--max-iterations", "0", "go"], "expected a number from 1 on"),
            (["session", "list"], "did you mean the command 'sessions list'"),
            (["help", "nonsense"], "no command 'nonsense'"),
            (["login"], "no terminal"),
            (["-p"], "the task is empty"),
            (["--deny", "bsh(rm *)", "go"], "no tool is named bsh"),
            (["--deny", "bsh(rm *)", "config", "explain", "bash(rm x)"], "did you mean bash"),
            (["--output-schema", "absent.json", "go"], "No such file"),
            (["--image", "absent.png", "go"], "No such file"),
            (["--output-format", "yaml", "go"], "'yaml' is not one of"),
            (["--yolo", "--mode", "ask", "go"], "contradict"),
            ([], "no terminal"),
            (["-r", "absent", "go"], "no session matches 'absent'"),
            (["-c", "go"], "no sessions in"),
            (["-m", "nonsense", "go"], "unknown model 'nonsense'"),
            (["-m", "local/x", "go"], "local_base_url"),
        ]:
            done = run(*arguments)
            assert (done.returncode, done.stdout) == (2, ""), arguments
            (line,) = complaints(done)
            assert words in line
        done = run("--output", "json", "--nonsense")
        assert (done.returncode, json.loads(done.stdout)["status"]) == (2, "error")
        assert not run.server.requests


def test_settings(tmp_path: Path) -> None:
    with program(tmp_path, [Reply("ok")]) as run:
        file = tmp_path / "config.json"
        for text, words in [
            ('{"budget": {"turn": "lots"}}', 'budget.turn: expected number, got "lots"'),
            ('{"max_iteration": 3}', "unknown key; did you mean max_iterations?"),
            ('{"mode": ', "line 1, column"),
            ("[]", "expected an object, got a list"),
            ('{"model_name": "${ABSENT}"}', "${ABSENT} is not set"),
        ]:
            file.write_text(text)
            done = run("--config", str(file), "config", "show")
            assert done.returncode == 2, text
            (line,) = complaints(done)
            assert words in line
            assert str(file) in line
        wrong = {"ML_AGENT_MAX_ITERATIONS": "many", "ML_AGENT_MODEL": "x"}
        done = run("config", "show", env=wrong)
        assert "ML_AGENT_MAX_ITERATIONS: max_iterations" in "".join(complaints(done))
        # What is right is shown all the same, and a variable that is no setting stops nothing.
        assert "max_iterations" in done.stdout
        doctor = run("doctor", "--json", env=wrong)
        found = json.loads(doctor.stdout)["checks"]
        assert [c["result"] for c in found if "ignored: ML_AGENT_MAX" in c["what"]] == ["fail"]
        done = run.task("go", env={"ML_AGENT_MODEL": "x"})
        assert done.returncode == 0
        unknown = "ignored: ML_AGENT_MODEL: unknown setting; did you mean model_name?"
        assert complaints(done) == [f"ml-agent: {unknown}"]
        project = run.work / ".ml-agent" / "config.json"
        project.parent.mkdir()
        project.write_text('{"database_url": "sqlite:///elsewhere.db"}')
        assert "a project's file cannot set it" in complaints(run("config", "show"))[0]
        project.write_text('{"max_iterations": 7}')
        rows = json.loads(run("config", "show", "--output", "json").stdout)["settings"]
        (row,) = [r for r in rows if r["key"] == "max_iterations"]
        assert (row["value"], row["from"]) == (7, str(project))


def test_credentials_and_connections(tmp_path: Path) -> None:
    with program(tmp_path, [Reply("ok")]) as run:
        clean = {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": "", "HF_TOKEN": ""}
        for model, words in [
            ("anthropic/claude-sonnet-4-5-20250929", "ANTHROPIC_API_KEY"),
            ("hf/org/model", "HF_TOKEN"),
        ]:
            done = run("-m", model, "--output", "json", "go", env=clean)
            assert (done.returncode, json.loads(done.stdout)["error"]["kind"]) == (
                5, "not_authenticated",
            )  # fmt: skip
            assert words in complaints(done)[0]
        # A key that is in the folder's .env is used; an address that is there is not.
        (run.work / ".env").write_text("OPENAI_API_KEY=sk-secret\nOPENAI_BASE_URL=http://evil\n")
        assert run.task("go", env={"OPENAI_API_KEY": ""}).returncode == 0
        refused = {"OPENAI_BASE_URL": f"http://127.0.0.1:{closed_port()}/v1"}
        done = run.task("go", env=refused)
        assert (done.returncode, done.stdout) == (1, "")
        assert "refused" in complaints(done)[0]
        assert "start the server" in complaints(done)[0]


def test_the_store(tmp_path: Path) -> None:
    with program(tmp_path, [Reply("ok")]) as run:
        assert run.task("go").returncode == 0
        database = tmp_path / "state" / "ml-agent.db"
        with sqlite3.connect(database) as connection:
            connection.execute("UPDATE schema_version SET version = 999")
        done = run.task("go")
        assert (done.returncode, done.stdout) == (1, "")
        assert "version 999" in complaints(done)[0]
        assert "update ml-agent" in complaints(done)[0]

        done = run.task("go", env={"ML_AGENT_DATABASE_URL": "mysql://host/db"})
        assert "SQLite" in complaints(done)[0]
        nowhere = {"ML_AGENT_STATE_DIR": "/dev/null/state"}
        done = run.task("go", env=nowhere)
        assert (done.returncode, len(complaints(done))) == (1, 1)
        assert run("doctor", env=nowhere).returncode == 1
        small = "import resource as r, os, sys; r.setrlimit(r.RLIMIT_FSIZE, (60000, 60000)); " \
            "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); " \
            "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"  # fmt: skip
        full = {**run.environment, "ML_AGENT_STATE_DIR": str(tmp_path / "small")}
        done = subprocess.run(
            [sys.executable, "-c", small, *run.command("-m", "openai/stand-in", "go")[1:]],
            cwd=run.work,
            env={**full, "PYTHONDONTWRITEBYTECODE": "1", "ML_AGENT_NO_BYTECODE": "1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert "ml-agent: " in done.stderr
        assert os.path.exists(tmp_path / "small" / "ml-agent.db")
