"""Approvals in the chat: the panel, its keys, several at once, questions."""

import json
from pathlib import Path

import pytest

from tests.cli.program import Program, program
from tests.cli.screens import terminal
from tests.stand_ins.model_script import Asked, Call, Reply

QUESTION = "Run it\\? \\[y\\]es \\[n\\]o"


def choose(asked: Asked) -> Reply:
    if asked.step:
        return Reply("done")
    if "ask me" in asked.user:
        return Reply(calls=[Call("ask_user", {"question": "which?", "options": ["a", "b"]})])
    if "script" in asked.user:
        if "slow" in asked.user:
            command = "echo step 1 of 2; until [ -e go ]; do sleep 0.05; done; echo step 2 of 2"
            return Reply(calls=[Call("bash", {"command": command})])
        lines = "\n".join(f"echo line {n}" for n in range(30))
        return Reply(calls=[Call("bash", {"command": f"touch script\n{lines}"})])
    first, count = asked.user.split()[-2:]
    if count == "0":
        return Reply("as you like")
    calls = [Call("bash", {"command": f"touch {first}{n}"}) for n in range(int(count))]
    return Reply(calls=calls)


def made(run: Program) -> list[str]:
    return sorted(path.name for path in run.work.iterdir())


def told(run: Program) -> str:
    return json.dumps(run.server.bodies[-1]["messages"])


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_each_key(columns: int, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i s/edit0/edited/ "$1"\n')
    editor.chmod(0o755)
    with (
        program(tmp_path, choose) as run,
        terminal(run, columns=columns, rows=60, EDITOR=str(editor)) as chat,
    ):
        chat.prompt()
        chat.enter("make yes 1")
        chat.expect("\\? bash touch yes0")
        chat.expect("Needs approval: no rule allows")
        chat.expect(QUESTION)
        assert "\a\x1b]9;ml-agent: make yes 1: waits" in chat.raw
        assert "\x1b]777;notify;ml-agent;make yes 1: waits" in chat.raw
        chat.type("y")  # no Enter
        chat.expect("2 iterations")
        chat.enter("make no 1")
        chat.expect(QUESTION)
        chat.enter("n use python")
        chat.expect("rejected: use python")
        chat.expect("2 iterations", 2)
        assert "use python" in told(run)
        chat.enter("make edit 1")
        chat.expect(QUESTION)
        chat.type("e")
        chat.expect("2 iterations", 3)
        chat.enter("make rule 1")
        chat.expect(QUESTION)
        chat.type("a")
        chat.expect("Always allow bash\\(touch \\*\\): every")
        chat.expect("For this \\[s\\]ession")
        chat.type("s")
        chat.expect("allowed without asking: bash\\(touch \\*\\)")
        chat.expect("2 iterations", 4)
        chat.enter("make free 1")
        chat.expect("2 iterations", 5)
        assert made(run) == ["edited", "free0", "rule0", "yes0"]
        assert not run.server.violations


def test_a_long_script_is_shown_whole_on_request(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run, terminal(run) as chat:
        chat.prompt()
        chat.enter("a script")
        chat.expect("│ echo line 9")
        chat.expect("15 more lines, \\? shows them")
        chat.expect("│ echo line 29")  # the end is shown, too
        assert "line 15" not in chat.text
        chat.expect(QUESTION)
        chat.type("?")
        chat.expect("│ echo line 15")
        chat.expect("e  change it in \\$EDITOR")
        chat.type("\x1b")
        chat.expect("Not decided")
        assert made(run) == []
        chat.enter("no, a message instead 0")  # a message rejects
        chat.expect("2 iterations")
        assert "no, a message instead" in told(run)
        # What was approved shows its output while it runs.
        chat.enter("a slow script")
        chat.expect(QUESTION)
        chat.expect(QUESTION)
        chat.type("y")
        chat.expect("● bash echo step 1 of 2.* s$")
        chat.expect("  │ step 1 of 2")
        assert "exit code" not in chat.text
        (run.work / "go").touch()
        chat.expect("2 iterations", 2)


def test_several_at_once(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run, terminal(run) as chat:
        chat.prompt()
        chat.enter("make one 3")
        chat.expect("\\? 1 of 3: bash touch one0")
        chat.expect(QUESTION)
        chat.type("y")
        chat.expect("\\? 2 of 3: bash touch one1")
        chat.expect(QUESTION)
        chat.enter("n")
        chat.expect("\\? 3 of 3: bash touch one2")
        chat.expect(QUESTION)
        chat.type("y")
        chat.expect("2 iterations")
        chat.enter("make all 3")
        chat.expect("1 of 3: bash touch all0")
        chat.expect(QUESTION)
        chat.type("Y")
        chat.expect("all approved")
        chat.expect("2 iterations", 2)
        chat.enter("make none 3")
        chat.expect("1 of 3: bash touch none0")
        chat.expect(QUESTION)
        chat.type("N")
        chat.expect("all rejected")
        chat.expect("2 iterations", 3)
        assert made(run) == ["all0", "all1", "all2", "one0", "one2"]


def test_what_is_being_typed_approves_nothing(tmp_path: Path) -> None:
    def late(asked: Asked) -> Reply:
        return Reply("done") if asked.step else Reply(
            "w " * 20, pieces=20, chunk_delay=0.05, calls=[Call("bash", {"command": "touch x"})]
        )  # fmt: skip

    with program(tmp_path, late) as run, terminal(run) as chat:
        chat.prompt()
        chat.enter("go")
        chat.expect("w w w")
        chat.type("yes pl")
        chat.prompt("yes pl")
        chat.until(lambda: "? bash touch x" in chat.text, "the panel")
        chat.type("eay")  # at once: it belongs to the message
        chat.expect(QUESTION)
        for _ in range(20):
            chat.read()
        assert made(run) == []
        chat.enter("n")
        chat.expect("rejected")
        chat.prompt("yes pleay")


def test_questions_and_decisions_from_elsewhere(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run, terminal(run) as chat:
        chat.prompt()
        chat.enter("ask me")
        chat.expect("\\? which\\?")
        chat.expect("  2  b")
        chat.enter("2")
        chat.expect("2 iterations")
        assert '"content": "b"' in told(run)
        chat.enter("make far 1")
        chat.expect(QUESTION)
        assert run("approvals", "approve").returncode == 0
        chat.expect("decided from another terminal")
        chat.expect("2 iterations", 2)
        assert made(run) == ["far0"]
        chat.prompt()


#: A command that hides a part of itself, and how its lines must stand in the panel.
HOSTILE = {
    "touch hidden-cr # \rtouch shown": ["│ touch hidden-cr # \\rtouch shown"],
    "touch shown \x1b]0;\ntouch hidden-osc\n: \x07": [
        "│ touch shown \\x1b]0;", "│ touch hidden-osc", "│ : \\x07",
    ],
    "touch shown \x1bP; touch hidden-dcs #": ["│ touch shown \\x1bP; touch", "hidden-dcs #"],
    "touch a\x9b2J\u202e\u200b\U000e0041": ["│ touch a\\x9b2J\\u202e\\u200b"],
    "true" + "\n" * 5_000 + "touch hidden-far": ["⋮ 4,999 blank lines", "│ touch hidden-far"],
    "true" + " " * 9_000 + "; touch hidden-right": ["│ true\\{", "hidden-right"],
    "true; " + "x" * 9_000 + "; touch hidden-end": ["more", "shows them", "hidden-end"],
}  # fmt: skip


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_hostile_command_is_shown_as_it_is(columns: int, tmp_path: Path) -> None:
    commands = list(HOSTILE)

    def hostile(asked: Asked) -> Reply:
        if asked.step:
            return Reply("as you like")
        command = commands[int(asked.user.split()[-1])]
        return Reply(calls=[Call("bash", {"command": command})])

    with program(tmp_path, hostile) as run, terminal(run, columns=columns, rows=30) as chat:
        chat.prompt()
        for number, (command, wanted) in enumerate(HOSTILE.items()):
            chat.enter(f"go {number}")
            chat.expect("^\\? bash", number + 1)
            chat.expect(QUESTION)
            # All of it is on the screen at the moment of the question: nothing scrolled away.
            seen = chat.visible[max(n for n, t in enumerate(chat.visible) if t.startswith("? ")) :]
            for part in wanted:
                assert part in "\n".join(seen).replace("\n  ┊ ", ""), (command[:40], seen)
            warned = "terminal" in "".join(line[4:] for line in seen if line.startswith("  ! "))
            assert warned == (not command.replace("\n", "").isprintable() or " " * 9 in command)
            if not number:
                chat.type("a")
                chat.expect("no rule can allow this")
            chat.type("n")
            chat.enter()
            chat.expect("2 iterations", number + 1)
            chat.prompt()
        # What is sent to the terminal holds none of it either.
        for sequence in ("\x1b]0;", "\x1bP", "\x9b", "\u202e", "\u200b"):
            assert sequence not in chat.raw
        assert made(run) == []
