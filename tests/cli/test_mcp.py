"""MCP servers with the real program: trouble on stderr, the commands, trust, stable prefixes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import ROOT, Program, complaints, program
from tests.cli.program_process import start
from tests.cli.test_chat import chatting
from tests.stand_ins.mcp_forks import command
from tests.stand_ins.model_script import Asked, Call, Reply
from tests.tools.bench import until

BIN = Path(sys.executable).parent


def stand_in(kind: str, *more: str) -> dict[str, Any]:
    program, *arguments = command(kind, *more)
    return {"command": program, "args": arguments}


def contained(kind: str, *more: str) -> dict[str, Any]:
    """A stand-in for a folder's own server: the command sandbox, in which such a one runs, has no
    sockets of others, so it is not forked."""
    arguments = ["-m", "tests.stand_ins.mcp_server", kind, *more]
    return {"command": sys.executable, "args": arguments, "env": {"PYTHONPATH": str(ROOT)}}


def configured(run: Program, servers: dict[str, Any], **keys: Any) -> None:
    path = Path(run.environment["HOME"]) / ".config" / "ml-agent" / "config.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"mcpServers": servers, "mcp": {"wait": 30}, **keys}))


def brought(run: Program, servers: dict[str, Any]) -> None:
    folder = run.work / ".ml-agent"
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"mcpServers": servers}))


def names(body: dict[str, Any]) -> list[str]:
    return [tool["function"]["name"] for tool in body["tools"]]


def test_trouble_is_said_on_stderr_and_the_rest_works(tmp_path: Path) -> None:
    script = [Reply(calls=[Call("good__echo", {"text": "hi"})]), Reply("done")]
    with program(tmp_path, script) as run:
        configured(
            run,
            {
                "good": stand_in("good"),
                "dead": {"url": "http://127.0.0.1:9/mcp"},
                "gone": {"command": "no-such-program-anywhere"},
                "noisy": stand_in("noise"),
                "bare": {"url": "http://127.0.0.1:9/mcp", "headers": {"A": "${NOT_SET_HERE}"}},
            },
        )
        done = run.task("--output", "json", "say it")
        assert done.returncode == 0
        told = " ".join(complaints(done))
        for server in ("dead", "gone", "noisy", "bare"):
            assert f"MCP server {server}: " in told
        assert "MCP server good" not in told
        assert json.loads(done.stdout)["text"] == "done"
        assert "echo hi" in str(run.server.bodies[-1]["messages"][-1])


def test_a_server_that_has_died_since_is_named_in_the_shortest_run(tmp_path: Path) -> None:
    with program(tmp_path, [Reply("done")] * 2) as run:
        alive = tmp_path / "alive"
        alive.touch()
        line = f'test -e {alive} || exit 1; exec "$0" "$@"'
        dying = {"command": "sh", "args": ["-c", line, *command("good")]}
        configured(run, {"box": dying})
        assert complaints(run.task("hello")) == []
        alive.unlink()
        done = run.task("hello")
        assert done.returncode == 0
        assert "MCP server box: it ended while it was asked" in complaints(done)[0]
        assert "box__echo" in names(run.server.bodies[-1])


def test_the_prefix_is_the_same_in_every_request_of_a_thread(tmp_path: Path) -> None:
    kind = tmp_path / "kind"
    kind.write_text("good")
    line = f'exec "$0" "$@" "$(cat {kind})"'
    changing = {"command": "sh", "args": ["-c", line, *command("good")[:-1]]}

    def choose(asked: Asked) -> Reply:
        calls = [Call("box__echo", {"text": "x"})]
        return Reply(calls=calls) if asked.step == 0 else Reply("done")

    with program(tmp_path, choose) as run:
        configured(run, {"box": changing})
        assert run.task("first").returncode == 0
        kind.write_text("changed")
        assert run.task("-c", "second").returncode == 0
        assert run.task("-c", "third").returncode == 0
        lists = [json.dumps(body["tools"]) for body in run.server.bodies]
        assert len(lists) == 6
        assert len(set(lists)) == 1
        assert run.task("in a new thread").returncode == 0
        assert "box__brand_new" in names(run.server.bodies[-1])


def test_a_folders_servers_start_only_when_they_are_trusted(tmp_path: Path) -> None:
    with program(tmp_path, [Reply("done")] * 9) as run:
        starts = tmp_path / "starts"
        brought(run, {"theirs": contained("good", "--starts", str(starts))})
        done = run.task("hello")
        assert done.returncode == 0
        assert "ignored: MCP servers theirs (ml-agent trust)" in complaints(done)[0]
        assert "theirs__echo" not in names(run.server.bodies[-1])
        assert "not trusted" in run("mcp", "list").stdout
        assert run("mcp", "test").returncode == 0
        assert not starts.exists()

        shown = run("mcp", "trust")
        assert f"{sys.executable} -m tests.stand_ins.mcp_server" in shown.stdout
        assert complaints(run.task("hello")) == []
        assert "theirs__echo" in names(run.server.bodies[-1])

        starts.unlink()
        brought(run, {"theirs": contained("good", "--starts", str(starts), "--seconds", "0")})
        assert "ignored: MCP servers theirs" in complaints(run.task("hello"))[0]
        assert not starts.exists()


def test_a_folders_server_does_not_get_anothers_headers(tmp_path: Path) -> None:
    with program(tmp_path, []) as run:
        own = {"url": "https://example.com/mcp", "headers": {"Authorization": "Bearer mine"}}
        configured(run, {"box": own})
        brought(run, {"box": {"url": "https://elsewhere.example/mcp"}})
        run("mcp", "trust")
        shown = json.loads(run("config", "show", "--json").stdout)["settings"]
        (box,) = (row["value"] for row in shown if row["key"] == "mcpServers.box")
        assert box == {"url": "https://elsewhere.example/mcp", "sandbox": True}


def test_the_question_of_trust_is_asked_once(tmp_path: Path) -> None:
    with program(tmp_path, [Reply("as you say")] * 9) as run:
        brought(run, {"theirs": contained("good")})
        with chatting(run) as chat:
            chat.expect("theirs: .*mcp_server good")
            chat.expect("until it changes\\? ")
            chat.sendline("n")
            chat.expect_exact("> ")
            chat.sendline("/quit")
            chat.expect("\\S*$")
        with chatting(run) as chat:
            chat.expect_exact("/help")
            chat.sendline("/mcp")
            chat.expect("no MCP servers configured")


def test_a_server_asks_in_the_chat(tmp_path: Path) -> None:
    def choose(asked: Asked) -> Reply:
        return Reply(calls=[Call("box__ask", {})]) if asked.step == 0 else Reply("as you say")

    with program(tmp_path, choose) as run:
        # That the tool only reads is the server's word: allowed once, it counts.
        configured(run, {"box": stand_in("good")}, permissions={"allow": ["mcp_reads(box)"]})
        with chatting(run) as chat:
            chat.expect_exact("> ")
            chat.sendline("let it ask")
            chat.expect("MCP server box asks: what shall it be\\?")
            chat.expect("name: ")
            chat.sendline("llama")
            chat.expect("copies \\[1\\]: ")
            chat.sendline("3")
            chat.expect("as you say")
            chat.expect_exact("> ")
        assert "accept name='llama' copies=3" in str(run.server.bodies[-1]["messages"][-1])


def test_add_list_test_remove(tmp_path: Path) -> None:
    with program(tmp_path, []) as run:
        header = "Authorization: Bearer ${DOCS_KEY}"
        run("mcp", "add", "docs", "--url", "https://example.com/mcp", "--header", header)
        time = [str(BIN / "mcp-server-time"), "--local-timezone", "UTC"]
        assert run("mcp", "add", "time", "--", *time).returncode == 0
        path = Path(run.environment["HOME"]) / ".config" / "ml-agent" / "config.json"
        assert json.loads(path.read_text())["mcpServers"] == {
            "docs": {
                "transport": "http",
                "url": "https://example.com/mcp",
                "headers": {"Authorization": "Bearer ${DOCS_KEY}"},
            },
            "time": {"command": time[0], "args": time[1:]},
        }
        assert path.stat().st_mode & 0o777 == 0o600

        tested = run("mcp", "test")
        assert tested.returncode == 1
        assert "fail  docs: ${DOCS_KEY} is not set in the environment" in tested.stdout
        assert "time__get_current_time (read)" in tested.stdout
        (row,) = json.loads(run("mcp", "test", "time", "--json").stdout)["servers"]
        assert row["ok"]
        listed = {r["name"]: r for r in json.loads(run("mcp", "list", "--json").stdout)["servers"]}
        assert listed["time"]["state"] == "2 tools"
        assert listed["time"]["from"] == str(path)
        assert "DOCS_KEY" in listed["docs"]["state"]
        examined = run("doctor").stdout
        assert "ok    MCP server time: 2 tools" in examined
        assert "warn  MCP server docs: ${DOCS_KEY} is not set" in examined

        assert run("mcp", "remove", "docs").returncode == 0
        assert list(json.loads(path.read_text())["mcpServers"]) == ["time"]
        gone = run("mcp", "remove", "docs")
        assert gone.returncode == 2
        assert "no MCP server named 'docs' in any settings file" in gone.stderr


def test_the_agent_does_not_choose_its_servers(tmp_path: Path) -> None:
    with program(tmp_path, []) as run:
        brought(run, {"theirs": contained("good")})
        for arguments in (["trust"], ["add", "x", "--url", "https://a/mcp"]):
            done = run("mcp", *arguments, env={"AI_AGENT": "ml-agent"})
            assert done.returncode == 2
            assert "from a command of the agent" in complaints(done)[0]
        assert "not trusted" in run("mcp", "list").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "x"],
        ["add", "x", "--url", "https://a/mcp", "--", "command"],
        ["add", "x", "--url", "https://a/mcp", "--header", "no colon"],
        ["test", "nobody"],
    ],
)
def test_what_makes_no_sense_is_one_line(arguments: list[str], tmp_path: Path) -> None:
    with program(tmp_path, []) as run:
        done = run("mcp", *arguments)
        assert done.returncode == 2
        assert len(complaints(done)) == 1


def test_settings_name_what_is_wrong_with_a_server(tmp_path: Path) -> None:
    with program(tmp_path, []) as run:
        configured(run, {"box": {"url": "https://a/mcp", "transport": "smoke", "key": "geheim"}})
        done = run("mcp", "list")
        assert "mcpServers.box" in complaints(done)[0]
        configured(run, {"box": {"headers": {"A": "geheim"}}})
        done = run("mcp", "list")
        assert "mcpServers.box: a server has either a url or a command" in complaints(done)[0]
        assert "geheim" not in done.stderr


def test_show_hides_what_may_be_a_secret(tmp_path: Path) -> None:
    with program(tmp_path, []) as run:
        configured(
            run,
            {"box": {"command": "x", "env": {"KEY": "geheim", "OTHER": "${FROM_OUTSIDE}"}}},
        )
        shown = run("config", "show", "--json").stdout
        assert "geheim" not in shown
        assert "${FROM_OUTSIDE}" in shown


def test_nothing_of_mcp_is_imported_without_a_server(tmp_path: Path) -> None:
    with program(tmp_path, [Reply("done")]) as run:
        code = (
            "import sys; sys.argv = ['ml-agent', '-m', 'openai/stand-in', 'hello']\n"
            "from cli.main import main\n"
            "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
            "names = ('mcp', 'langchain_mcp_adapters')\n"
            "print([m for m in sys.modules if m.split('.')[0] in names])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=run.work, env=run.environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_published_servers_work(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    (repository / "new.txt").write_text("x")
    script = [
        Reply(calls=[Call("time__get_current_time", {"timezone": "UTC"})]),
        Reply(calls=[Call("git__git_status", {"repo_path": str(repository)})]),
        Reply(calls=[Call("sql__write_query", {"query": "CREATE TABLE runs (loss REAL)"})]),
        Reply(calls=[Call("sql__list_tables", {})]),
        Reply("done"),
    ]
    with program(tmp_path, script) as run:
        configured(
            run,
            {
                "time": {"command": str(BIN / "mcp-server-time")},
                "git": {"type": "stdio", "command": str(BIN / "mcp-server-git"), "args": []},
                "sql": {
                    "command": str(BIN / "mcp-server-sqlite"),
                    "args": ["--db-path", str(tmp_path / "runs.db")],
                },
            },
        )
        done = run.task("look")
        assert done.returncode == 0, done.stderr
        answers = [m["content"] for m in run.server.bodies[-1]["messages"] if m["role"] == "tool"]
        assert "UTC" in answers[0]
        assert "new.txt" in answers[1]
        assert "runs" in answers[3]


def test_what_a_server_says_in_a_call_is_an_event_of_it(tmp_path: Path) -> None:
    script = [Reply(calls=[Call("box__count", {"to": 2})]), Reply("done")]
    with program(tmp_path, script) as run:
        configured(run, {"box": stand_in("good")})
        done = run.task("--output", "stream-json", "count")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        (ready,) = (event for event in events if event["event"] == "ready")
        assert "box__count" in ready["tools"]
        logs = [e for e in events if e["event"] == "tool_log" and e["tool"] == "box__count"]
        assert [e["text"] for e in logs] == [
            "info: counting begins",
            "1 of 2: at 1",
            "2 of 2: at 2",
        ]
        (called,) = {e["id"] for e in events if e["event"] == "tool_call"}
        assert {e["id"] for e in logs} == {called}


def test_a_call_that_a_kill_cut_off_is_not_made_again(tmp_path: Path) -> None:
    begun = tmp_path / "begun"

    def choose(asked: Asked) -> Reply:
        calls = [Call("box__wait", {"path": str(begun)})]
        return Reply(calls=calls) if asked.step == 0 else Reply("done")

    with program(tmp_path, choose) as run:
        configured(run, {"box": stand_in("good")})
        waiting = run.command("-m", "openai/stand-in", "wait")
        with start(
            waiting, cwd=run.work, env=run.environment, stderr=subprocess.DEVNULL
        ) as process:
            until(begun.exists, 60)
            process.kill()
        until(lambda: begun.read_text() == "cancelled")  # the server ends with the program
        begun.unlink()
        done = run("sessions", "resume")
        assert done.returncode == 0
        assert not begun.exists()
        (answer,) = (m for m in run.server.bodies[-1]["messages"] if m["role"] == "tool")
        assert "its outcome is unknown" in answer["content"]


def test_undo_names_what_servers_did(tmp_path: Path) -> None:
    script = [Reply(calls=[Call("box__publish", {"text": "x"})]), Reply("done")]
    with program(tmp_path, script) as run:
        configured(run, {"box": stand_in("good")})
        assert run.task("publish it").returncode == 0
        undone = run("sessions", "undo", "--dry-run")
        assert "box__publish" in undone.stdout + undone.stderr
