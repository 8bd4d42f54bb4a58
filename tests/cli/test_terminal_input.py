"""Typing in the chat: history, several lines, pastes, completion, mentions, commands of one's own,
leaving."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.cli.program import program
from tests.cli.screens import terminal
from tests.stand_ins.model_script import Asked, Reply

PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452")


def echo(asked: Asked) -> Reply:
    return Reply(f"heard: {asked.user.splitlines()[-1]}")


def sent(run: object) -> str:
    return json.dumps(run.server.bodies[-1]["messages"][-1])  # type: ignore[attr-defined]


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_lines_pastes_and_history(columns: int, tmp_path: Path) -> None:
    with program(tmp_path, echo) as run:
        with terminal(run, columns=columns) as chat:
            chat.prompt()
            chat.type("first\x1b\rsecond")  # Alt-Enter
            chat.expect("\\. second")
            chat.enter()
            chat.expect("heard: second")
            chat.expect("1 iteration")
            assert "first\\nsecond" in sent(run)
            chat.prompt()
            # A paste is whole, whatever line ends are in it.
            chat.type("\x1b[200~one\r\ntwo\nthree\x1b[201~")
            chat.expect("\\. three")
            chat.enter()
            chat.expect("1 iteration", 2)
            assert "one\\ntwo\\nthree" in sent(run)
            chat.prompt()
            chat.enter("back\\")
            chat.enter("slash")
            chat.expect("1 iteration", 3)
            assert "back\\nslash" in sent(run)
        history = tmp_path / "state" / "history"
        assert history.stat().st_mode & 0o077 == 0
        with terminal(run, columns=columns) as chat:
            chat.prompt()
            chat.type("\x12seco")  # Ctrl-R, in another process
            chat.expect("\\. second")
            chat.enter()  # takes what was found
            chat.enter()  # and sends it
            chat.expect("heard: second")


def test_ctrl_c_and_ctrl_d(tmp_path: Path) -> None:
    with program(tmp_path, echo) as run, terminal(run) as chat:
        chat.prompt()
        chat.type("half a thou")
        chat.prompt("half a thou")
        chat.type("\x03")
        chat.prompt()
        chat.type("x\x1b[D\x04")  # in a line, Ctrl-D deletes
        chat.prompt()
        chat.type("\x03")
        chat.expect("press Ctrl-C again")
        chat.enter("hello")
        chat.expect("1 iteration")
        chat.prompt()
        chat.type("\x03\x03")
        chat.ends()
        assert "continue later with: ml-agent -r" in chat.text
        assert chat.child.wait() == 0


def test_commands_and_their_values_are_completed(tmp_path: Path) -> None:
    with program(tmp_path, echo) as run, terminal(run) as chat:
        chat.prompt()
        chat.type("/eff")
        chat.expect("/effort .*reasoning effort")
        chat.type("\t ")
        chat.expect("minimal")
        chat.type("hi")
        chat.gone("minimal")
        chat.expect(r"\bhigh\b")
        chat.type("\t\r")  # takes the completion
        chat.prompt("/effort high")
        chat.enter()
        chat.expect("effort: high")
        chat.enter("/modle")
        chat.expect("unknown command /modle; did you mean /mode\\?")
        chat.enter("/permissions")
        chat.expect("unknown command /permissions; did you mean /mode\\?")
        chat.enter("/mode auto")
        chat.expect("mode auto: everything runs")
        assert "heard" not in chat.text


def test_mentions(tmp_path: Path) -> None:
    (tmp_path / "work" / "data" / "deep").mkdir(parents=True)
    (tmp_path / "work" / "data" / "deep" / "rows.csv").write_text("a,b\n")
    (tmp_path / "work" / "plot.png").write_bytes(PNG)
    with program(tmp_path, echo) as run, terminal(run) as chat:
        chat.prompt()
        chat.type("look at @row")
        chat.expect("data/deep/rows.csv")
        chat.type("\t")
        chat.prompt("look at @data/deep/rows.csv")
        chat.type(" and @plot.png, not @nothing or a@b.c")
        chat.enter()
        chat.expect("heard:")
        chat.expect("cannot see pictures")
        said = sent(run)
        assert f"[mentioned: {run.work}/data/deep/rows.csv, 4 bytes]" in said
        assert f"[mentioned: {run.work}/plot.png, a picture]" in said
        assert said.count("[mentioned") == 2


def test_a_line_of_ones_own(tmp_path: Path) -> None:
    with program(tmp_path, echo) as run, terminal(run) as chat:
        chat.prompt()
        chat.enter("!echo from the shell; exit 3")
        chat.expect("  from the shell")
        chat.expect("exit code 3")
        assert not run.server.bodies
        chat.enter("what was that?")
        chat.expect("1 iteration")
        assert "[I ran `echo from the shell; exit 3` myself; exit code 3]" in sent(run)
        chat.prompt()
        chat.enter("!sleep 1000")
        chat.expect("> !sleep 1000")
        chat.type("\x03")
        chat.expect("exit code -2")
        chat.prompt()


def test_a_line_that_leaves_a_program_running(tmp_path: Path) -> None:
    with program(tmp_path, echo) as run, terminal(run) as chat:
        chat.prompt()
        chat.enter("!sleep 1000 & echo $! > left; echo it began")
        chat.expect("  it began")
        chat.expect("A program keeps running in the background")
        chat.enter("still there?")
        chat.expect("heard: still there")
        os.kill(int((run.work / "left").read_text()), signal.SIGKILL)


def test_commands_from_files(tmp_path: Path) -> None:
    with program(tmp_path, echo) as run:
        folder = run.work / ".ml-agent" / "commands"
        folder.mkdir(parents=True)
        (folder / "review.md").write_text(
            "---\ndescription: Look at a file\n---\nReview $ARGUMENTS now."
        )
        (folder / "help.md").write_text("never")
        own = tmp_path / "home" / ".config" / "ml-agent" / "commands"
        own.mkdir(parents=True)
        (own / "greet.md").write_text("Say hello to")
        with terminal(run) as chat:
            chat.expect("/review: --- description: Look at a file")
            chat.expect("trust this, until it changes\\?")
            chat.enter("y")
            chat.prompt()
            chat.enter("/help")
            chat.expect("/review \\[WORDS\\] +Look at a file")
            chat.expect("/greet")
            chat.enter("/review train.py")
            chat.expect("1 iteration")
            assert "Review train.py now" in sent(run)
            chat.enter("/greet the team")
            chat.expect("heard: the team")
        assert "Say hello to\\n\\nthe team" in sent(run)


def test_the_prompt_waits_for_no_library(tmp_path: Path) -> None:
    """The prompt stands although what it will need cannot even be imported."""
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("langgraph", "litellm", "langchain_core"):
        (broken / f"{name}.py").write_text("raise ImportError('not now')")
    with program(tmp_path, echo) as run:
        run.extra["PYTHONPATH"] = f"{broken}:{run.environment['PYTHONPATH']}"
        with terminal(run) as chat:
            chat.prompt()
            chat.type("typed")
            chat.prompt("typed")


def test_hidden_characters_of_a_pasted_line_are_shown(tmp_path: Path) -> None:
    with program(tmp_path, [Reply("well")]) as run, terminal(run) as chat:
        chat.prompt()
        chat.type("\x1b[200~echo a\u202eb\u200bc\x1b[201~ end")
        chat.prompt("echo a\\u202eb\\u200bc end")
        chat.type("\x1b[D\x1b[D\x1b[D\x1b[D\x7f")  # behind c, and that away
        chat.prompt("echo a\\u202eb\\u200b end")
        chat.enter()
        chat.expect("1 iteration")
        assert "\u202e" not in chat.raw
        (message,) = [m for m in run.server.bodies[-1]["messages"] if m["role"] == "user"]
        assert "echo a\u202eb\u200b end" in json.dumps(message, ensure_ascii=False)
