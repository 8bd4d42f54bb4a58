"""The keys that people have in their fingers, and words that are commands, at three widths of one
terminal."""

from pathlib import Path

from tests.cli.program import program
from tests.cli.screens import Terminal, terminal
from tests.stand_ins.model_script import Asked, Call, Reply

SHIFT_TAB, CTRL_T, CTRL_O, ESCAPE = "\x1b[Z", "\x14", "\x0f", "\x1b"


def choose(asked: Asked) -> Reply:
    items = [{"id": "1", "text": "the only step", "status": "completed"}]
    calls = [Call("plan", {"items": items}), Call("bash", {"command": "seq 30"})]
    return Reply(calls=calls) if asked.step == 0 else Reply("done")


def appears(chat: Terminal, key: str, pattern: str) -> None:
    """`key` shows `pattern` once more."""
    before = chat.text.count(pattern)
    chat.type(key)
    chat.until(lambda: chat.text.count(pattern) > before, f"{pattern!r} after {key!r}")


def test_keys_and_words(tmp_path: Path) -> None:
    with (
        program(tmp_path, choose) as run,
        terminal(run, "--allow", "bash(seq *)", columns=40, rows=50) as chat,
    ):
        chat.prompt()
        for turn, columns in enumerate((40, 80, 200), 1):
            chat.resize(columns)
            chat.prompt()
            chat.enter("count to thirty")
            chat.expect("2 iterations", turn)
            for mode in ("mode auto", "mode read-only", "mode ask"):
                appears(chat, SHIFT_TAB, mode)
            appears(chat, CTRL_T, "[x] the only step")
            appears(chat, CTRL_O, "\n17\n")
            appears(chat, "?", "/rewind")
            chat.prompt()
            appears(chat, "help\r", "/rewind")
            chat.prompt()
            appears(chat, ESCAPE + ESCAPE, "undo from turn")
            chat.expect("count to thirty")
            chat.type(ESCAPE)
            chat.gone("undo from turn")
            assert all(len(line) <= columns for line in chat.visible)
        # Nothing of that was a message, and the bare word leaves.
        assert len(run.server.bodies) == 6
        chat.enter("exit")
        chat.expect("continue later with")
        chat.ends()
        assert len(run.server.bodies) == 6
