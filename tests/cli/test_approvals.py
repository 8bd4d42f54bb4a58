"""Approvals from another terminal: listed, decided once, taken by a chat or by a resume."""

import json
from pathlib import Path

import pytest

from tests.cli.program import complaints, program
from tests.cli.test_chat import chatting
from tests.stand_ins.model_script import Asked, Call, Reply


def choose(asked: Asked) -> Reply:
    if asked.step or asked.user_messages > 1:
        return Reply("done")
    if "ask" in asked.user:
        return Reply(calls=[Call("ask_user", {"question": "which?", "options": ["a", "b"]})])
    count = int(asked.user.split()[-1])
    calls = [Call("bash", {"command": f"touch made{n}"}) for n in range(count)]
    return Reply(calls=[*calls, Call("grep", {"pattern": "x"})])


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("count", [1, 2, 5])
def test_listed_approved_and_resumed(count: int, tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        left = run.task("--mode", "ask", f"make {count}")
        assert left.returncode == 3
        assert "ml-agent approvals approve" in left.stderr
        listed = run("approvals", "list")
        assert listed.stdout.count("bash touch made") == count
        told = json.loads(run("approvals", "list", "--output", "json").stdout)["approvals"]
        assert [r["arguments"]["command"] for r in told] == [f"touch made{n}" for n in range(count)]

        approved = run("approvals", "approve")
        assert approved.stdout == "".join(f"approve: bash touch made{n}\n" for n in range(count))
        assert names(run.work) == []  # it is written down; the thread's driver runs it
        assert "no pending approvals" in run("approvals", "list").stderr
        twice = run("approvals", "reject", told[0]["thread"])
        assert (twice.returncode, len(complaints(twice))) == (2, 1)
        done = run("sessions", "resume")
        assert (done.returncode, done.stdout) == (0, "done\n")
        assert names(run.work) == [f"made{n}" for n in range(count)]


def test_each_on_its_own(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        run.task("--mode", "ask", "make 3")
        told = json.loads(run("approvals", "list", "--output", "json").stdout)["approvals"]
        first, second, third = (r["id"] for r in told)
        assert run("approvals", "approve", "--call", first).returncode == 0
        assert "1 more pending" in run("approvals", "reject", "--call", second[:-2]).stderr
        still = run("sessions", "resume")
        assert still.returncode == 3  # one has no decision yet
        assert names(run.work) == []
        arguments = json.dumps({"command": "touch other"})
        edited = run("approvals", "approve", "--call", third, "--arguments", arguments)
        assert edited.stdout == "edit: bash touch made2\n"
        assert run("sessions", "resume").returncode == 0
        assert names(run.work) == ["made0", "other"]
        assert "rejected" in json.dumps(run.server.bodies[-1]["messages"])


def test_a_question_takes_an_answer(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        with chatting(run) as chat:
            chat.expect_exact("> ")
            chat.sendline("ask me")
            chat.expect("which\\?")
            chat.expect("a number, or your own words")
            assert "give --answer" in run("approvals", "approve").stderr
            assert run("approvals", "approve", "--answer", "the second").returncode == 0
            chat.expect("decided from another terminal")
            chat.expect("done")
            chat.sendline("/new")
            chat.sendline("ask me")
            chat.expect("a number, or your own words")
            chat.sendline("2")
            chat.expect("done")
        sent = [json.dumps(body["messages"]) for body in run.server.bodies]
        assert '"content": "the second"' in sent[1]
        assert '"content": "b"' in sent[-1]


def test_the_chat_takes_a_decision_from_another_terminal(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run, chatting(run) as chat:
        chat.expect_exact("> ")
        chat.sendline("make 2")
        chat.expect("Run it\\?.*: ")
        decided = run("approvals", "reject", "--message", "not today")
        assert decided.returncode == 0
        chat.expect("decided from another terminal", timeout=20)
        chat.expect("done")
        assert names(run.work) == []
        assert "not today" in json.dumps(run.server.bodies[-1]["messages"])
        # The prompt is the user's again.
        chat.sendline("make 0")
        chat.expect("done")


def test_always_in_this_thread_and_in_this_folder(tmp_path: Path) -> None:
    def asking(asked: Asked) -> Reply:
        if asked.step:
            return Reply("done")
        return Reply(calls=[Call("bash", {"command": f"ls && touch {asked.user.split()[-1]}"})])

    with program(tmp_path, asking) as run:
        with chatting(run) as chat:
            chat.expect_exact("> ")
            chat.sendline("make one")
            chat.expect("lways: ")
            chat.sendline("a")
            chat.expect_exact("Always allow bash(touch *): every command that begins with")
            chat.expect_exact("dit the rule? ")
            chat.sendline("s")
            chat.expect("done")
            chat.sendline("make two")
            chat.expect("done")
            assert names(run.work) == ["one", "two"]
            # Another thread asks again.
            chat.sendline("/new")
            chat.sendline("make three")
            chat.expect("lways: ")
            chat.sendline("a")
            chat.expect_exact("dit the rule? ")
            chat.sendline("e")
            chat.expect_exact("the rule (Enter: bash(touch *)): ")
            chat.sendline("bash(touch *)")
            chat.expect_exact("dit the rule? ")
            chat.sendline("f")
            chat.expect("done")
            chat.sendline("/quit")
        assert run("approvals", "granted").stdout == "bash(touch *)\n"
        assert run.task("--mode", "ask", "make four").returncode == 0
        assert names(run.work) == ["four", "one", "three", "two"]
        assert run("approvals", "granted", "--remove", "bash(touch *)").stdout == ""
        assert run.task("--mode", "ask", "make five").returncode == 3
        assert run("approvals", "granted", "--remove", "bash(x)").returncode == 2


def test_what_cannot_be_decided(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        for arguments in (
            ["approvals", "approve"],
            ["approvals", "reject", "20200101"],
            ["approvals", "approve", "--arguments", "{no"],
            ["approvals", "approve", "--arguments", "[]"],
        ):
            done = run(*arguments)
            assert (done.returncode, len(complaints(done))) == (2, 1), arguments
        run.task("--mode", "ask", "make 1")
        wrong = run("approvals", "approve", "--call", "nothing")
        assert wrong.returncode == 2
        assert "pending: call_" in wrong.stderr
