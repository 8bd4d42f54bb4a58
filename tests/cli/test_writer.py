"""What reaches a terminal: one module writes, and nothing that was said steers the terminal."""

import ast
import io
import json
import random
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.shared.render import EventPrinter
from cli.terminal.cleaning import SGR, StreamCleaner, clean, only_styled
from cli.terminal.writer import Guarded, print_json, to_stdout, write, write_data
from core import events as ev
from tests.cli.program import ROOT

#: Who may write: this module, the screen of the full chat, and what runs inside a job.
WRITERS = {
    "cli/terminal/writer.py",
    "cli/chat/terminal/screen.py",
    "tools/hub/evaluate/runner.py",
    "tools/hub/jobs/smoke_hook.py",
}
#: Calls that reach a terminal, by the last name and, where it is common, what it is called on.
CALLS = {
    "print", "input", "getpass", "echo", "secho", "echo_via_pager", "confirm", "prompt",
    "write_raw", "print_formatted_text", "print_exception", "print_exc", "print_stack",
    "_getpass", "raw_input",
}  # fmt: skip
STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__", "buffer"}


def calls_that_write(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, call) of what writes to a terminal by itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value == "/dev/tty":
            yield node.lineno, "/dev/tty"
        if not isinstance(node, ast.Call):
            continue
        name, called_on = node.func, ""
        if isinstance(name, ast.Attribute):
            called_on = ast.unparse(name.value)
            last = name.attr
        elif isinstance(name, ast.Name):
            last = name.id
        else:
            continue
        is_stream = last in ("write", "writelines") and called_on.rpartition(".")[2] in STREAMS
        target = ast.unparse(node.args[0]) if node.args else ""
        is_terminal = re.search(r"^[12]$|std|tty|fileno", target) is not None
        if is_stream or (called_on == "os" and last in ("write", "writev") and is_terminal):
            yield node.lineno, f"{called_on}.{last}"
        elif last in CALLS and called_on not in ("writer", "console"):
            yield node.lineno, f"{called_on}.{last}".lstrip(".")


def test_nothing_else_writes_to_a_terminal() -> None:
    found, ours = [], 0
    for folder in ("cli", "configs", "core", "graph", "nodes", "tools"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            place = path.relative_to(ROOT).as_posix()
            tree = ast.parse(path.read_text())
            bound = {
                name.asname or name.name
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom) and node.module == "cli.terminal.writer"
                for name in node.names
            }
            ours += bool(bound)
            if place in WRITERS:
                continue
            found += [
                f"{place}:{line}: {call}" for line, call in calls_that_write(tree)
                if call not in bound
            ]  # fmt: skip
    assert not found, "these write past cli/terminal/writer.py:\n" + "\n".join(found)
    assert ours > 15


def test_the_search_itself_finds_them() -> None:
    source = (
        "print(1)\nsys.stdout.write('x')\nclick.echo('x')\nos.write(1, b'')\ninput('x')\n"
        "sys.stderr.buffer.write(b'')\nopen('/dev/tty', 'w')\nscreen.output.write_raw('x')\n"
        "traceback.print_exc()\ngetpass.getpass()\nclick.confirm('x')\nfile.write('x')\n"
        "os.write(status, b'')\n"
    )
    lines = {line for line, _ in calls_that_write(ast.parse(source))}
    assert lines == set(range(1, 12))


HOSTILE = {
    "clipboard": "a\x1b]52;c;ZXZpbA==\x07b",
    "title": "a\x1b]0;owned\x07b",
    "title to ST": "a\x1b]2;owned\x1b\\b",
    "8-bit title": "a\x9d0;owned\x9cb",
    "clear": "a\x1b[2Jb",
    "8-bit clear": "a\x9b2Jb",
    "move": "a\x1b[1;1Hb",
    "alternate screen": "a\x1b[?1049hb",
    "link": "a\x1b]8;;http://evil\x1b\\b\x1b]8;;\x1b\\",
    "device control": "a\x1bP1$r0m\x1b\\b",
    "8-bit device control": "a\x90q#0\x9cb",
    "reset": "a\x1bcb",
    "charset": "a\x1b(0b",
    "conceal": "a\x1b[8mb",
    "notice": "a\x1b]777;notify;x;y\x07b",
    "order": "a\u202e\u2066\u2069\u200fb",
    "tags": "a\U000e0041\U000e007fb",
    "hidden": "a\u200b\u2060\ufeffb",
    "bell and backspace": "a\x07\x08\x7f\x00b",
    "shift": "a\x0e\x0f\x85\x84b",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_sequence_is_taken_out_whole(what: str) -> None:
    assert clean(HOSTILE[what]) == "ab"
    assert only_styled(HOSTILE[what]).replace("\x1b[8m", "") == "ab"


def test_what_stays() -> None:
    assert clean("é 漢字 👩\u200d💻 می\u200cخواهم\ta\nb") == "é 漢字 👩\u200d💻 می\u200cخواهم\ta\nb"
    assert clean("10 %\r20 %\r\nend\r") == "20 %\nend"
    # An unfinished sequence must not take what follows with it.
    assert "rm -rf" in clean("\x1b]0;x\nrm -rf /")
    assert "rm -rf" in clean("\x1bP rm -rf /")
    assert clean("\ud800") == "\ufffd"
    assert only_styled("\x1b[1;31mx\x1b[0m") == "\x1b[1;31mx\x1b[0m"


ALPHABET = [
    *"ab \n\t\r;[]?0123mJHPX^_\\", "\x1b", "\x9b", "\x9d", "\x90", "\x9c", "\x07", "\x00", "\x7f",
    "\u202e", "\u2028", "\u200d", "\ud83d", "\U000e0041", "é", "漢",
]  # fmt: skip


def controls(text: str) -> list[str]:
    """The characters of `text` that could steer or reorder a terminal."""
    return [
        c for c in text
        if (unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c not in "\n\t")
        or unicodedata.bidirectional(c) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "PDI")
    ]  # fmt: skip


def test_no_text_leaves_a_control_character() -> None:
    chance = random.Random(12)
    for _ in range(5_000):
        text = "".join(chance.choices(ALPHABET, k=chance.randint(0, 30)))
        assert not controls(clean(text)), ascii(text)
        assert clean(clean(text)) == clean(text), ascii(text)
        assert not controls(SGR.sub("", only_styled(text))), ascii(text)
        stream, written, at = StreamCleaner(), "", 0
        while at < len(text):
            size = chance.randint(1, 5)
            written += stream.feed(text[at : at + size])
            at += size
        written += stream.end()
        assert not controls(written), ascii(text)


@pytest.mark.parametrize("what", HOSTILE)
def test_a_sequence_may_come_in_pieces(what: str) -> None:
    for size in (1, 2, 3):
        stream, text = StreamCleaner(), HOSTILE[what]
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        assert "".join(map(stream.feed, pieces)) + stream.end() == "ab"


def test_an_endless_sequence_of_a_stream_is_shown() -> None:
    stream = StreamCleaner()
    written = stream.feed("\x1b]0;") + "".join(stream.feed("x" * 100) for _ in range(100))
    assert len(written) + len(stream.end()) >= 10_000


@pytest.mark.parametrize("piece", ["\x1b]", "\x90", "\x1b[3;", "\x1b   ", "x", "\rx", "é\u202e"])
def test_a_line_of_a_megabyte(piece: str) -> None:
    text = piece * (1_000_000 // len(piece)) + "\n\rend"
    assert not controls(clean(text))  # a cost that grows with the square would never end


class Tty(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_colour_is_added_after_cleaning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    tty, pipe = Tty(), io.StringIO()
    write("a\x1b[31mb\x1b]0;x\x07\n", tty, "36")
    write("a\x1b[31mb\n", pipe, "36")
    assert (tty.getvalue(), pipe.getvalue()) == ("\x1b[36mab\x1b[0m\n", "ab\n")


def test_what_was_cleaned_is_clean() -> None:
    """`write` cleans a line without colour once."""
    parts = "\x1b []m0;\x9b\x9d\x90\x07\\\x9c\r\n\ta\u200b\u202e\u2028\ud800\x00\x7fP(é?\x85"
    chance = random.Random(1)
    for _ in range(20_000):
        text = "".join(chance.choices(parts, k=chance.randint(0, 12)))
        assert clean(clean(text)) == only_styled(clean(text)) == clean(text)


def test_an_old_locale() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    write("● é\ud800\n", stream)
    assert raw.getvalue() == b"? ??\n"


def test_what_libraries_print_is_cleaned(monkeypatch: pytest.MonkeyPatch) -> None:
    tty = Tty()
    monkeypatch.setattr(sys, "stdout", Guarded(tty))
    print("said\x1b]52;c;ZXZpbA==\x07", "\x1b[2J")
    sys.stdout.writelines(["x\x9b2J\n"])
    to_stdout("ours\n")
    assert tty.getvalue() == "said \nx\nours\n"
    assert sys.stdout.isatty()


def test_json_is_exact_and_printable(capsys: pytest.CaptureFixture[str]) -> None:
    given = {"text": "a\x1b]52;c;x\x07\x7f\u202e\ud800é"}
    print_json(given)
    line = capsys.readouterr().out
    assert json.loads(line) == given
    assert line.rstrip("\n").isascii()
    assert line.rstrip("\n").isprintable()


def test_data_is_exact_in_a_pipe_and_clean_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, wanted in ((Tty(), "ab"), (io.StringIO(), "a\x1b[2Jb")):
        monkeypatch.setattr(sys, "stdout", stream)
        write_data("a\x1b[2Jb")
        assert stream.getvalue() == wanted


def test_an_answer_in_pieces_and_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    err, out = Tty(), Tty()
    monkeypatch.setattr(sys, "stdout", out)
    lines = EventPrinter(err, to_stdout)
    for text in ("hi \x1b]5", "2;c;ZXZ", "pbA==\x07there\x1b", "[2J"):
        lines.show(ev.AssistantChunk(thread="t", turn=1, text=text, kind="answer"))
    lines.show(ev.AssistantStreamEnd(thread="t", turn=1))
    result = ev.ToolOutput(
        thread="t", turn=1, id="c", tool="bash", ok=False,
        text="a\x1b]0;owned\x07\nb\x9b2J",
    )  # fmt: skip
    lines.show(result)
    assert out.getvalue() == "hi there\n"
    assert not controls(SGR.sub("", err.getvalue()))
    assert "owned" not in err.getvalue()


def test_a_folder_with_a_hostile_name_is_a_title(tmp_path: Path) -> None:
    from cli.chat.terminal.screen import _one_line

    assert _one_line("a\x1b]52;c;x\x07\nb\x07") == "a b"


def test_a_line_that_is_cut_says_so() -> None:
    shown = io.StringIO()
    text = "median " * 40
    output = ev.ToolOutput(thread="t", turn=1, id="c", tool="bash", text=text, ok=True)
    EventPrinter(shown).show(output)
    (line,) = [one for one in shown.getvalue().splitlines() if "median" in one]
    assert line.endswith("…")
