"""`sessions list`, `rename`, `delete` and `prune` as a user types them."""

import json
import os
import signal
import sqlite3
import time
from pathlib import Path

from tests.cli.program import Program, complaints, program
from tests.stand_ins.model_script import Asked, Call, Reply

DAY = 86400.0


def choose(asked: Asked) -> Reply:
    if asked.step:
        return Reply("done")
    if "make" in asked.user:
        return Reply(calls=[Call("write", {"path": "made", "content": "1" * 10_000})])
    if "run" in asked.user:
        return Reply(calls=[Call("bash", {"command": "touch ran"})])
    if "serve" in asked.user:
        return Reply(calls=[Call("bash", {"command": "sleep 60", "background": True})])
    return Reply("hello")


def aged(run: Program, title: str, **changes: object) -> None:
    """Change the row of the thread with this title, as time would have."""
    sets = ", ".join(f"{name} = ?" for name in changes)
    with sqlite3.connect(run.folder / "state" / "ml-agent.db") as connection:
        connection.execute(f"UPDATE threads SET {sets} WHERE title = ?", [*changes.values(), title])


def listed(run: Program, *arguments: str) -> list[str]:
    rows = json.loads(run("sessions", "list", "--json", *arguments).stdout)["threads"]
    return [row["title"] for row in rows]


def test_the_list_is_by_folder_first(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        for folder, task in (("a", "one"), ("b", "two"), ("a", "three"), ("c", "four")):
            (tmp_path / folder).mkdir(exist_ok=True)
            assert run.task(task, cwd=tmp_path / folder).returncode == 0
        run.task("here")
        run.task("two more", cwd=tmp_path / "b")
        assert listed(run) == ["here"]
        assert listed(run, "--all") == ["here", "two more", "two", "four", "three", "one"]
        assert listed(run, "--all", "--limit", "3") == ["here", "two more", "four"]
        lines = run("sessions", "list", "--all").stdout.splitlines()
        heads = [line for line in lines if not line.startswith(" ")]
        assert heads == [str(run.work), *(str(tmp_path / name) for name in "bca")]
        assert lines[1].endswith("1 turn   here")


def test_a_thread_gets_another_title(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        run.task("first")
        run.task("second")
        (_, first) = json.loads(run("sessions", "list", "--json").stdout)["threads"]
        told = json.loads(run("sessions", "rename", first["id"], "the  old\none", "--json").stdout)
        assert told == {**first, "title": "the old one"}
        assert run("sessions", "rename", "the newest").stderr.endswith("now 'the newest'\n")
        # It is said of a thread, not in it: which one is the newest does not change.
        assert listed(run) == ["the newest", "the old one"]
        for arguments, words in [
            (["two", "words"], "no session matches 'two' (a title is one argument"),
            (["three", "more", "words"], "put it in quotes"),
            ([" "], "the title is empty"),
            ([], "Missing argument"),
        ]:
            done = run("sessions", "rename", *arguments)
            assert done.returncode == 2
            assert words in complaints(done)[0]


def test_deleting_leaves_no_snapshot(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        run.task("make it")
        run.task("again")
        (again, made) = json.loads(run("sessions", "list", "--json").stdout)["threads"]
        snapshots = tmp_path / "state" / "snapshots"
        assert len(list(snapshots.glob("*.git"))) == 1
        told = json.loads(run("sessions", "delete", made["id"], "--yes", "--json").stdout)
        assert (told["deleted"], told["freed_bytes"] > 0) == (made["id"], True)
        # The other thread of the folder still has its own.
        assert len(list(snapshots.glob("*.git"))) == 1
        assert run("sessions", "undo", "--dry-run").returncode == 0
        assert run("sessions", "delete", again["id"], "--yes").returncode == 0
        assert [path.name for path in snapshots.iterdir()] == ["lock"]
        # And the next one begins with a fresh one.
        (run.work / "made").unlink()
        run.task("make it")
        assert run("sessions", "undo").returncode == 0
        assert not (run.work / "made").exists()


def test_old_threads_are_pruned(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        (tmp_path / "other").mkdir()
        run.task("old elsewhere", cwd=tmp_path / "other")
        for task in ("older", "old", "new"):
            run.task(task)
        run.task("--mode", "ask", "run it")
        run.task("cut")
        now = time.time()
        for title, age in (("older", 50), ("old", 40), ("old elsewhere", 60), ("run it", 70)):
            aged(run, title, updated=now - age * DAY)
        aged(run, "cut", updated=now - 80 * DAY, status="running")

        seen = run("sessions", "prune", "--dry-run")
        assert [line.split()[-1] for line in seen.stdout.splitlines()] == ["older", "old"]
        assert "stays: it waits for approval" in seen.stderr
        assert "stays: its last turn was cut off" in seen.stderr
        asked = run("sessions", "prune")
        assert (asked.returncode, "pass --yes" in complaints(asked)[0]) == (2, True)
        assert len(listed(run, "--all")) == 6

        # The newest two are those of today and the old one.
        told = json.loads(run("sessions", "prune", "--keep", "2", "--yes", "--json").stdout)
        assert [row["title"] for row in told["threads"]] == ["older"]
        assert (told["dry_run"], told["freed_bytes"] > 0, len(told["left"])) == (False, True, 2)
        young = run("sessions", "prune", "--older-than", "45d", "--yes")
        assert "nothing to delete" in young.stderr
        gone = run("sessions", "prune", "--older-than", "45d", "--all", "--yes")
        assert gone.stderr.splitlines()[-1].startswith("deleted 1 session; freed ")
        assert listed(run, "--all") == ["new", "old", "run it", "cut"]
        assert run("sessions", "prune", "--force", "--yes").returncode == 0
        assert listed(run) == ["new"]
        assert "nothing to delete" in run("sessions", "prune", "--keep", "1", "--yes").stderr
        assert run("sessions", "prune", "--keep", "0", "--yes").returncode == 0
        assert listed(run) == []
        assert not list((tmp_path / "state" / "threads").glob("*"))
        assert [path.name for path in (tmp_path / "state" / "snapshots").iterdir()] == ["lock"]


def test_a_thread_whose_command_runs_stays(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        run.task("serve")
        (row,) = json.loads(run("sessions", "list", "--json").stdout)["threads"]
        (pid,) = (tmp_path / "state" / "threads" / row["id"]).glob("runs/*/pid")
        told = json.loads(run("sessions", "prune", "--keep", "0", "--yes", "--json").stdout)
        assert told["threads"] == []
        assert told["left"] == [{"id": row["id"], "reason": "a command of it still runs"}]
        os.killpg(int(pid.read_text()), signal.SIGKILL)


def test_json_wherever_it_can_be_asked_for(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        done = run.task("--json", "hello")
        assert json.loads(done.stdout)["text"] == "hello"
        run("sessions", "export", "--format", "jsonl", "--to", "s.jsonl")
        for command in [
            ["sessions", "list"],
            ["sessions", "show"],
            ["sessions", "resume"],
            ["sessions", "undo", "--dry-run"],
            ["sessions", "fork"],
            ["sessions", "rename", "it"],
            ["sessions", "prune", "--dry-run"],
            ["approvals", "list"],
            ["approvals", "granted"],
            ["config", "show"],
            ["config", "explain", "bash(ls)"],
            ["replay", "s.jsonl"],
        ]:
            done = run(*command, "--json")
            assert (done.returncode, type(json.loads(done.stdout))) == (0, dict), command
        assert run("--json", "sessions", "list").stdout == run("sessions", "list", "--json").stdout
        failed = run("sessions", "show", "absent", "--json")
        assert json.loads(failed.stdout)["error"]["kind"] == "no_such_thread"
        failed = run("sessions", "nonsense", "--json")
        assert json.loads(failed.stdout)["error"]["kind"] == "usage_error"


def test_contradictions(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        for arguments in (["sessions", "list", "--json", "--output", "text"],
                          ["--json", "--output", "stream-json", "hello"]):  # fmt: skip
            done = run(*arguments)
            assert (done.returncode, "contradict" in complaints(done)[0]) == (2, True)


def test_search(tmp_path: Path) -> None:
    secret = "hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh"
    with program(
        tmp_path, lambda asked: Reply(f"heard {asked.user.splitlines()[-1].split()[0]}")
    ) as run:
        run.task(f"warmup steps with {secret} please")
        run.task("cooldown")
        listed = run("sessions", "search", "HEARD", "warmup")
        assert listed.stdout.splitlines()[1] == "    answer, turn 1: heard warmup"
        (found,) = json.loads(run("sessions", "search", "steps warmup", "--json").stdout)["threads"]
        assert (found["matches"], found["match"]["role"]) == (1, "user")
        assert secret not in found["match"]["line"] + found["title"]
        assert json.loads(run("sessions", "search", secret, "--json").stdout) == {"threads": []}
        away = run("-C", str(tmp_path), "sessions", "search", "warmup")
        assert (away.stdout, away.returncode) == ("", 0)
        assert "--all searches every folder" in away.stderr
        assert "warmup" in run("-C", str(tmp_path), "sessions", "search", "warmup", "--all").stdout
