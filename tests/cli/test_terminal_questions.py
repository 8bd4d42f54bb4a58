"""Whatever is typed at a question and does not answer it is kept: sent, or back in the prompt."""

import json
from pathlib import Path

from cli.shared.answers import amount, dollars_of, is_yes, one_of, secret, yes_or_no
from tests.cli.program import Program, program
from tests.cli.screens import terminal
from tests.stand_ins.model_script import Asked, Call, Reply


def choose(asked: Asked) -> Reply:
    if asked.step == 0 and asked.user.endswith("please run"):
        return Reply(calls=[Call("bash", {"command": "touch ran"})])
    if asked.step == 0 and asked.user.endswith("slowly"):
        return Reply("so", delay=2.0, calls=[Call("bash", {"command": "touch slow"})])
    return Reply(f"heard: {asked.user.splitlines()[-1][-30:]}")


def told(run: Program) -> str:
    return json.dumps(run.server.bodies[-1]["messages"])


def test_what_is_no_answer_is_kept(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        assert run.task("--mode", "ask", "please run").returncode == 3
        with terminal(run, rows=60) as chat:
            chat.expect("the last session .* waits for approval; .*\\[Y/n\\]")
            chat.enter("my important first message")
            chat.expect("heard: my important first message")
            assert (tmp_path / "state" / "history").read_text().count("my important") == 1
            chat.prompt()

            chat.enter("/undo")
            chat.expect("Undo\\? \\[Y/n\\]")
            chat.enter("wait, what about this?")
            chat.expect("nothing was undone")
            chat.expect("heard: wait, what about this")
            chat.prompt()

            # At an approval the words stay, and no letter of a pasted or written line decides.
            chat.enter("please run")
            chat.expect("Run it\\? \\[y\\]es")
            chat.type("\x1b[200~yes, but tell me why\x1b[201~")
            chat.enter()
            chat.expect("That is not an answer")
            chat.type("\x1b")
            chat.expect("Not decided")
            chat.prompt("yes, but tell me why")
            chat.enter()  # a message rejects
            chat.expect("2 iterations")
            assert "yes, but tell me why" in told(run)
            assert not (run.work / "ran").exists()
            chat.prompt()

            # Who is writing when a question comes up continues writing: nothing is approved.
            chat.enter("slowly")
            for _ in range(60):
                chat.type("y")
                chat.read(0.05)
                if "Run it?" in chat.text.split("> slowly")[-1]:
                    break
            chat.type("yyy\r")
            chat.expect("Run it\\? \\[y\\]es")
            assert not (run.work / "slow").exists()
            chat.type("\x1b")
            chat.expect("Not decided", 2)
            chat.expect("(?:>|queued:) y{4,}")  # by whether Enter came before the question
            assert not (run.work / "slow").exists()


def test_what_answers_a_question() -> None:
    for text in ("", " ", "y", "YES", "n", "No "):
        assert yes_or_no(text)
    for text in ("yes please", "/status", "0", "hello", "yn"):
        assert not yes_or_no(text)
    assert [is_yes(text) for text in ("y", "Yes", "", "n", "hello")] == [True, True, False] + [
        False
    ] * 2
    assert is_yes("", default=True)
    assert [dollars_of(text) for text in ("5", "$0.50", ".5", "5 USD", "-1", "nan")] == [
        5.0, 0.5, 0.5, None, None, None,
    ]  # fmt: skip
    assert amount("")
    assert not amount("five, why?")
    assert one_of(["1", "2"])("2")
    assert not one_of(["1", "2"])("3")
    for text in (
        "",
        "hf_x",
        "hf_" + "x" * 34,
        "Secret1",
        "my-pass",
        "sk-anothersecretofmine",
        "Xy7" * 10,
    ):
        assert secret(text)
    for text in ("/status", "hello", "what is a token?", "!ls -la", "@file please read"):
        assert not secret(text)
