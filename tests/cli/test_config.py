"""`config explain`: one word, then the rule and the reason; nothing runs."""

import json
from pathlib import Path

import pytest

from tests.cli.program import complaints, program
from tests.stand_ins.model_script import Call, Reply


@pytest.mark.parametrize(
    ("arguments", "said", "rule"),
    [
        (["config", "explain", "bash(git status)"], "run", "rule bash(git status *), shipped"),
        (["config", "explain", "bash(git push)"], "ask", "no rule allows git"),
        (["config", "explain", "bash(touch x)", "--mode", "auto"], "run", "mode:auto"),
        (["--deny", "bash(rm *)", "config", "explain", "bash(sudo rm x)"], "deny", "--deny"),
        (["--allow", "bash(make *)", "config", "explain", "bash(make all)"], "run", "--allow"),
        (["config", "explain", "write(/etc/hosts)"], "ask", "outside the working directory"),
        (["config", "explain", "write(a.py)", "--mode", "read-only"], "deny", "read-only"),
        (["config", "explain", "plan"], "run", "only reads"),
    ],
)  # fmt: skip
def test_explain(arguments: list[str], said: str, rule: str, tmp_path: Path) -> None:
    with program(tmp_path, []) as run:
        if "plan" in arguments:
            arguments = ["--mode", "read-only", *arguments]
        done = run(*arguments)
        assert done.returncode == 0
        first, second = done.stdout.splitlines()
        assert first == said
        assert rule in second
        assert list(run.work.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:geheim@host/db",
        "postgresql://me:ge@geheim@host/db",
        "postgresql://me:ge/geheim@host/db",
        "postgresql://me@host/db?password=geheim&sslmode=require",
    ],
)
def test_show_hides_the_password_of_a_database(url: str, tmp_path: Path) -> None:
    with program(tmp_path, []) as run:
        run.extra["ML_AGENT_DATABASE_URL"] = url
        done = run("config", "show")
        assert done.returncode == 0
        (line,) = (line for line in done.stdout.splitlines() if "database_url" in line)
        assert "geheim" not in done.stdout
        assert "***" in line
        assert "host/db" in line


def test_rules_of_options_and_files(tmp_path: Path) -> None:
    script = [Reply(calls=[Call("bash", {"command": "touch made"})]), Reply("done")]
    with program(tmp_path, script) as run:
        denied = run.task("--deny", "bash(touch *)", "make it")
        assert denied.returncode == 0
        assert "deny rule bash(touch *), --deny" in denied.stderr
        assert not (run.work / "made").exists()
        # In the mode ask, a rule lets it pass without anyone there.
        allowed = run.task("--mode", "ask", "--allow", "bash(touch *)", "make it")
        assert allowed.returncode == 0
        assert (run.work / "made").exists()
        wrong = run.task("--allow", "bash(", "make it")
        assert (wrong.returncode, len(complaints(wrong))) == (2, 1)

        folder = run.work / ".ml-agent"
        folder.mkdir()
        (folder / "config.json").write_text(
            json.dumps({"permissions": {"deny": ["bash(touch *)"]}})
        )
        said = run("config", "explain", "bash(touch x)", "--mode", "auto", "--output", "json")
        assert json.loads(said.stdout)["action"] == "deny"
        # The shipped rules are still there next to it.
        assert run("config", "explain", "bash(ls)").stdout.startswith("run\n")
        (folder / "config.json").write_text(json.dumps({"permissions": {"allow": ["bash(rm *)"]}}))
        refused = run("config", "show")
        assert refused.returncode == 2
        assert "a project's file cannot set it" in refused.stderr
        (folder / "config.json").write_text(json.dumps({"permissions": {"deny": ["no rule("]}}))
        assert "permissions.deny.0" in run("config", "show").stderr


def test_a_setting_is_changed_and_taken_back(tmp_path: Path) -> None:
    with program(tmp_path, []) as run:
        run.extra["XDG_CONFIG_HOME"] = str(tmp_path / "config")
        file = Path(run("config", "path").stdout.strip())
        assert file == tmp_path / "config" / "ml-agent" / "config.json"
        assert run("config", "set", "budget.turn", "2.5").returncode == 0
        assert json.loads(file.read_text()) == {"budget": {"turn": 2.5}}
        rows = json.loads(run("config", "show", "--json").stdout)["settings"]
        (row,) = (r for r in rows if r["key"] == "budget.turn")
        assert (row["value"], row["from"]) == (2.5, str(file))
        for key, value, words in [
            ("budget.turn", "lots", "expected number"),
            ("budgets", "1", "did you mean budget?"),
            ("permissions.deny", '["bsh(rm *)"]', "no tool is named bsh"),
            ("mcpServers.x", "1", "ml-agent mcp add"),
        ]:
            done = run("config", "set", key, value)
            assert done.returncode == 2
            assert words in done.stderr
        assert json.loads(file.read_text()) == {"budget": {"turn": 2.5}}
        assert run("config", "unset", "budget.turn").returncode == 0
        assert json.loads(file.read_text()) == {}
        assert run("config", "unset", "budget.turn").returncode == 2
        assert run("config", "set", "mode", "yolo", in_terminal=False).returncode == 2
