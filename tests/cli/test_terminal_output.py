"""What the chat shows, on the screen: answers as they stream, calls, results, diffs, the plan."""

import itertools
import re
from pathlib import Path

import pytest

from tests.cli.program import program
from tests.cli.screens import terminal, without_escapes
from tests.stand_ins.model_script import Asked, Call, Reply

ANSWER = """\
# The plan of it

A *first* paragraph with **words that are bold and go on for longer than a narrow line** and
`code`, and [a link](https://example.org/x).

- one
- two, which is long enough that it has to be broken in a narrow terminal of forty columns
1. first

| name | rows |
| --- | ---: |
| `train` | **120** |

```python
def double(x):
    return 2 * x
```

The end of snake_case_names and 2 ** 3.
"""


def words_of(lines: list[str]) -> list[str]:
    return re.findall(r"\w+", " ".join(lines))


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_an_answer_streams(columns: int, tmp_path: Path) -> None:
    reply = Reply(ANSWER, pieces=150, chunk_delay=0.004)
    with program(tmp_path, [reply]) as run, terminal(run, columns=columns) as chat:
        chat.prompt()
        chat.enter("go")
        chat.expect("1 iteration")
        start = next(n for n, line in enumerate(chat.lines) if "The plan of it" in line)
        shown = chat.lines[start:]
        # The note about the assumed window comes after the answer.
        end = next(n for n, line in enumerate(shown) if "… the context window" in line)
        text = "\n".join(shown[:end])
        for mark in ("**words", "*first*", "# The", "| ---"):
            assert mark not in text
        assert text.count("The end of snake_case_names and 2 ** 3.") == 1
        assert "def double(x):" in text
        assert "    return 2 * x" in text
        assert all(len(line) <= columns for line in shown)
        # Nothing is shown twice or lost.
        expected = words_of([re.sub(r"[*`]|\| ---.*", "", ANSWER)])
        assert words_of([text]) == [word for word in expected if word]
        assert chat.style("The plan").bold
        assert chat.style("def").fg != "default"
        assert chat.style("1 iteration").fg == "default"


def test_what_has_scrolled_away_is_never_drawn_again(tmp_path: Path) -> None:
    text = "\n\n".join(f"Paragraph number {n} of the story." for n in range(60))
    with (
        program(tmp_path, [Reply(text, pieces=300, chunk_delay=0.002)]) as run,
        terminal(run, rows=12) as chat,
    ):
        chat.prompt()
        chat.enter("tell")
        chat.expect("1 iteration")
        told = without_escapes(chat.raw)
        for n in (0, 17, 42, 59):
            # As it streams the last line is drawn until it is whole; then it stands.
            finished = chat.raw.count(f"\x1b[JParagraph number {n} of the story.")
            assert len(re.findall(f"number {n} of the story\\.\r?\r\n", told)) <= 2
            assert finished <= 2
        for line in [f"Paragraph number {n} of the story." for n in range(60)]:
            assert chat.text.count(line) == 1
        assert "\x1b[2J" not in chat.raw  # the screen is never cleared
        # No move up reaches what scrolls: the part that is drawn again is a few lines high.
        ups = [int(n or 1) for n in re.findall(r"\x1b\[(\d*)A", chat.raw)]
        assert max(ups, default=0) <= 4


def test_calls_results_diffs_and_the_plan(tmp_path: Path) -> None:
    def choose(asked: Asked) -> Reply:
        items = [{"id": "1", "text": "look", "status": "completed"}]
        items += [{"id": "2", "text": "change", "status": "in_progress"}]
        steps = [
            [Call("plan", {"items": items})],
            [Call("write", {"path": "a.py", "content": "one\ntwo\nthree\n"})],
            [Call("edit", {"path": "a.py", "old": "two", "new": "zwei"})],
            [Call("bash", {"command": "seq 30"})],
            [Call("bash", {"command": "seq 20; echo broken; exit 4"})],
            [Call("plan", {"items": [{**item, "status": "completed"} for item in items]})],
        ]
        return Reply(calls=steps[asked.step]) if asked.step < len(steps) else Reply("done")

    with program(tmp_path, choose) as run, terminal(run, "--yolo", rows=60) as chat:
        chat.prompt()
        chat.enter("go")
        chat.expect("7 iterations")
        text = chat.text
        assert "[x] look" in text
        assert "[>] change" in text
        assert "● write a.py" in text
        assert "-two" in text
        assert "+zwei" in text
        assert chat.style("-two").fg == "red"
        assert chat.style("+zwei").fg == "green"
        assert "● bash seq 30" in text
        assert "lines · Ctrl-O shows them" in text
        assert not re.search(r"^ +17$", text.split("● bash seq 20")[0], re.MULTILINE)
        # A failure is never folded away.
        failed = text.split("● bash seq 20")[1]
        assert "✗" in failed
        assert all(re.search(rf"\b{n}$", failed, re.MULTILINE) for n in range(1, 21))
        assert "exit code 4" in failed
        chat.type("\x0f")  # Ctrl-O
        chat.until(lambda: "\n17\n" in chat.text.split("7 iterations")[1], "the folded result")


def test_a_running_command_is_a_live_block(tmp_path: Path) -> None:
    command = "for i in 1 2 3; do echo step $i; done; until [ -e go ]; do sleep 0.05; done"
    replies = [Reply(calls=[Call("bash", {"command": command})]), Reply("done")]
    with program(tmp_path, replies) as run, terminal(run, "--yolo") as chat:
        chat.prompt()
        chat.enter("go")
        chat.until(
            lambda: any(re.search(r"^  │ step 3", line) for line in chat.visible),
            "the live block",
        )
        assert any(re.search(r"^● bash for i .* s$", line) for line in chat.visible)
        assert sum("step" in line and "│" in line for line in chat.visible) <= 3
        (run.work / "go").touch()
        chat.expect("2 iterations")
        assert "│ step" not in chat.text


def test_what_a_tool_says_cannot_steer_the_terminal(tmp_path: Path) -> None:
    command = r"printf '\033[2J\033]2;owned\007\033[31mred\rover\n'"
    answer = "hello \x1b[2J\x1b]2;owned\x07there"
    replies = [Reply(calls=[Call("bash", {"command": command})]), Reply(answer, pieces=9)]
    with program(tmp_path, replies) as run, terminal(run, "--yolo") as chat:
        chat.prompt()
        chat.enter("go")
        chat.expect("2 iterations")
        assert "hello there" in chat.text
        assert "└ over" in chat.text
        assert "owned" not in chat.title
        assert "\x1b[2J" not in chat.raw


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_without_colour_and_without_utf8(columns: int, tmp_path: Path) -> None:
    replies = [Reply(calls=[Call("bash", {"command": "seq 30"})]), Reply(ANSWER + "\nnaïve →")]
    plain = {"NO_COLOR": "1", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    plain["ML_AGENT_CLAIMS"] = "off"  # the answer shows how it is drawn, not what was found
    with (
        program(tmp_path, replies) as run,
        terminal(run, "--yolo", columns=columns, **plain) as chat,
    ):
        chat.prompt()
        chat.enter("go")
        chat.expect("2 iterations")
        assert "* bash seq 30" in chat.text
        assert "na?ve ->" in chat.text
        assert chat.raw.isascii()
        coloured = [
            codes
            for codes in re.findall(r"\x1b\[([0-9;]*)m", chat.raw)
            if any(30 <= int(c or 0) <= 49 or 90 <= int(c or 0) <= 107 for c in codes.split(";"))
        ]
        assert not coloured


def test_a_chunk_may_end_anywhere() -> None:
    from cli.chat.terminal.markdown import Markdown
    from cli.terminal.text import Paint

    def shown(size: int, width: int) -> list[str]:
        lines: list[str] = []
        markdown = Markdown(lines.append, lambda: width, Paint())
        for start in range(0, len(ANSWER), size):
            markdown.feed(ANSWER[start : start + size])
            markdown.advance()
        markdown.end()
        return [without_escapes(line) for line in lines]

    for width, size in itertools.product((12, 40, 80, 200), (1, 2, 3, 7, 50)):
        assert shown(size, width) == shown(10_000, width), (width, size)


@pytest.mark.parametrize("size", [1, 2, 6, 100])
def test_a_carriage_return_is_a_line_end_of_an_answer(size: int) -> None:
    from cli.chat.terminal.markdown import Markdown
    from cli.terminal.text import Paint

    lines: list[str] = []
    markdown = Markdown(lines.append, lambda: 80, Paint())
    text = "- first\r- second\r\n- third\r"
    for start in range(0, len(text), size):
        markdown.feed(text[start : start + size])
        markdown.advance()
    markdown.end()
    shown = "\n".join(without_escapes(line) for line in lines)
    assert [word for word in ("first", "second", "third") if word not in shown] == []
    assert len(shown.strip().splitlines()) == 3


MODELS = """\
| model | rows |
| --- | ---: |
| `HuggingFaceTB/SmolLM2-135M-Instruct` | 120 |
| org/other | 3 |

~~gone~~, about ~5
"""


def test_a_table_never_breaks_a_word() -> None:
    from cli.chat.terminal.markdown import Markdown
    from cli.terminal.text import Paint

    def shown(width: int) -> list[str]:
        lines: list[str] = []
        markdown = Markdown(lines.append, lambda: width, Paint())
        markdown.feed(MODELS)
        markdown.end()
        return [without_escapes(line) for line in lines]

    wide = shown(80)
    (first,) = (line for line in wide if "SmolLM2" in line)
    (other,) = (line for line in wide if "org/other" in line)
    # Numbers are aligned to the right, as the source says.
    assert first.endswith(" 120")
    assert other.endswith("   3")
    assert len(first) == len(other)
    narrow = shown(40)
    assert narrow[:5] == [
        "model:", "  HuggingFaceTB/SmolLM2-135M-Instruct", "rows: 120", "", "model: org/other",
    ]  # fmt: skip
    assert narrow[-1] == "gone, about ~5"
