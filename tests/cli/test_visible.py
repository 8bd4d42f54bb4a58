"""What is approved or listed: nothing is hidden, and what is seen says what there is."""

import io
import json
import random
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from cli.shared.approval_prompt import edited_arguments
from cli.shared.render import EventPrinter
from cli.shared.request_text import all_rows, head_and_rows
from cli.terminal.cleaning import clean
from cli.terminal.rows import BESIDE, FOLD, LINE, REST, WARN, Place, Row, rows_of
from cli.terminal.text import cells
from configs.visible import MARKED, WARNING, inline, is_hidden, json_text, needs_escapes

WHOLE = Place(None, 10**9, "")


def shown(text: str, place: Place = WHOLE) -> list[str]:
    return [row.text for row in rows_of(text, place)]


HIDDEN = {
    "CR": ("touch a # \rls", "touch a # \\rls"),
    "OSC": ("ls \x1b]0;\nrm x\n: \x07", "ls \\x1b]0;"),
    "8-bit": ("ls \x9b2J", "ls \\x9b2J"),
    "backspace": ("rm x\x08\x08\x08\x08ls", "rm x\\x08\\x08\\x08\\x08ls"),
    "NUL": ("a\x00b", "a\\x00b"),
    "DEL": ("a\x7fb", "a\\x7fb"),
    "bidi": ("ls \u202egnp.exe\u2069", "ls \\u202egnp.exe\\u2069"),
    "marks of direction": ("a\u200e\u200f\u061cb", "a\\u200e\\u200f\\u061cb"),
    "zero width": ("r\u200bm\u2060 \ufeffx", "r\\u200bm\\u2060 \\ufeffx"),
    "tags": ("ls\U000e0041\U000e007f", "ls\\U000e0041\\U000e007f"),
    "variation selectors": ("ls\ufe0f\U000e0100", "ls\\ufe0f\\U000e0100"),
    "separators": ("a\u2028b\u2029c\x85d", "a\\u2028b\\u2029c\\x85d"),
    "spaces": ("rm\u00a0x\u3000y\u2003z", "rm\\xa0x\\u3000y\\u2003z"),
    "fillers": ("rm\u3164\u115f\uffa0\u2800x", "rm\\u3164\\u115f\\uffa0\\u2800x"),
    "private": ("ls \ue000\U000f0000", "ls \\ue000\\U000f0000"),
    "unassigned": ("ls \u0378", "ls \\u0378"),
    "surrogate": ("ls \ud83d", "ls \\ud83d"),
    "many marks": ("a" + "\u0301" * 5, "a\u0301\u0301\u0301\\u0301\\u0301"),
    "marks on nothing": ("- \u0338x", "- \\u0338x"),
    "a number that moves": ("kill \u05d0 1", "kill \\u05d0 1"),
    "signs that move": ("\u05d0 | \u05d1", "\\u05d0 | \\u05d1"),
    "a run of spaces": ("ls" + " " * 300 + "; rm x", "ls\\{300 spaces}; rm x"),
    "a backslash beside": ("a\\x1b\x1b", "a\\\\x1b\\x1b"),
    "our tab sign": ("a\u21e5b", "a\\u21e5b"),
}


@pytest.mark.parametrize("what", HIDDEN)
def test_hidden_characters_are_shown_and_marked(what: str) -> None:
    text, wanted = HIDDEN[what]
    rows = rows_of(text, WHOLE)
    assert rows[0].text == LINE + wanted
    assert rows[-1].text == WARN + WARNING
    assert any(marked for row in rows[:-1] for _, marked in row.pieces)
    assert inline(text).endswith(MARKED)


@pytest.mark.parametrize(
    "text",
    [
        "ls -la",
        "printf '\\x1b[2J\\r\\n' | sed 's/\\t/ /'",
        "echo é 漢字 naïve Ω 🎉", "cafe\u0301",
        "echo שלום עולם", "grep مرحبا file.txt", "echo हिन्दी ไทย", "a {40} b", "    indented",
    ],
)  # fmt: skip
def test_ordinary_text_is_shown_as_it_is(text: str) -> None:
    assert shown(text) == [LINE + text]


def test_a_tab_is_no_alarm() -> None:
    assert shown("all:\n\tmake x") == [LINE + "all:", LINE + "⇥   make x"]


ALPHABET = [
    *"ab\\xu0{}1! \n\t\r", "\x1b", "\x9b", "\x00", "\x7f", "\u202e", "\u200b", "\u05d0", "\u0301",
    "\u2028", "\ud800", "\U000e0041", "\ue000", "⇥", "│", " " * 41, "\\x1b", "\\u200b", MARKED,
    WARNING, "\\{41 spaces}",
]  # fmt: skip


def random_texts(count: int, longest: int = 12) -> list[str]:
    chance = random.Random(20)
    return [
        "".join(chance.choices(ALPHABET, k=chance.randint(0, longest))) for _ in range(count)
    ]  # fmt: skip


def read_back(rows: list[Row]) -> str:
    """The text that rows show, by what they promise."""
    escaped = rows[-1].kind == WARN
    lines: list[str] = []
    for row in rows:
        if row.kind == WARN:
            continue
        said = "".join(piece for piece, _ in row.pieces)
        if row.kind == FOLD:
            count = int(said.split()[0].replace(",", ""))
            blank = said.endswith("blank lines")
            lines += ["" if blank else lines[-1]] * count
        elif row.kind == REST:
            lines[-1] += said
        else:
            lines.append(said)
    text = "\n".join(lines).replace("⇥   ", "\t")
    if not escaped:
        return text

    def back(match: re.Match[str]) -> str:
        said = match[0]
        if said.endswith("spaces}"):
            return " " * int(said[2:].split()[0])
        return {"\\\\": "\\", "\\r": "\r"}.get(said) or chr(int(said[2:], 16))

    pattern = r"\\\\|\\r|\\x..|\\u.{4}|\\U.{8}|\\\{\d+ spaces\}"
    return re.sub(pattern, back, text)


@pytest.mark.parametrize("width", [None, 12, 40, 80, 200])
def test_what_is_seen_says_what_there_is(width: int | None) -> None:
    for text in random_texts(2_000):
        place = Place(width, 10**9, "")
        rows = rows_of(text, place)
        assert read_back(rows) == text, (ascii(text), [row.text for row in rows])
        for row in rows:
            assert clean(row.text) == row.text, ascii(row.text)
            assert "\n" not in row.text
            assert not [c for c in row.text if is_hidden(c) and c != "⇥"], ascii(row.text)
            if width is not None and row.kind in (LINE, REST):
                # Escapes are not broken.
                widest = max(max(10, width - 6), *(len(p) for p, m in row.pieces if m), 0)
                assert cells(row.text) <= widest + 2


def test_lists_tell_two_texts_apart() -> None:
    seen: dict[str, str] = {}
    for text in {*random_texts(20_000, 6), "\\x1b" + MARKED, "\x1b", "a\\nb" + MARKED, "a\nb"}:
        said = inline(text)
        assert seen.setdefault(said, text) == text, ascii((said, text, seen[said]))
        assert "\n" not in said
        assert clean(said) == said


def test_the_categories_speak_not_a_list() -> None:
    """Every character is either ink, or a space, or shown as an escape."""
    for code in (
        *range(0x3100),
        *range(0xD800, 0xE100),
        *range(0xFE00, 0x10000),
        0xE0001,
        0x10FFFF,
    ):
        character = chr(code)
        category = unicodedata.category(character)
        if category[0] in "CZ" and character not in " \n\t":
            assert is_hidden(character), hex(code)
        elif category[0] in "LNPS" and not is_hidden(character):
            assert character.isprintable(), hex(code)


def test_blank_lines_and_long_texts_push_nothing_away() -> None:
    place = Place(80, 16, ", ? shows them")
    text = "ls" + "\n" * 5_000 + "rm -rf /"
    assert shown(text, place) == [LINE + "ls", FOLD + "4,999 blank lines", LINE + "rm -rf /"]
    rows = shown("ls\n" + ": x\n" * 5_000 + "rm -rf /", place)
    assert rows[2:] == [FOLD + "4,999 more lines like it", LINE + "rm -rf /"]
    rows = shown("ls\n" + "".join(f": {n}\n" for n in range(5_000)) + "rm -rf /", place)
    assert len(rows) == 17
    assert rows[11] == FOLD + "4,986 more lines, ? shows them"
    assert (rows[0], rows[-1]) == (LINE + "ls", LINE + "rm -rf /")
    rows = shown("ls " + "x" * 1_000_000 + "; rm -rf /", place)
    assert len(rows) <= 17
    assert rows[-1].endswith("; rm -rf /")
    assert any("more lines, ? shows them" in row for row in rows)
    rows = shown("ls" + " " * 1_000_000 + "; rm -rf /", Place(None, 16, ", ? shows them"))
    assert rows[0].startswith(LINE + "ls\\{")
    assert any("more characters of this line, ? shows them" in row for row in rows)
    assert rows[-2].endswith("; rm -rf /")
    assert len(shown("\n".join(map(str, range(16))), place)) == 16


@pytest.mark.parametrize("piece", ["x", "\x1b", "a\n", "\u202e\n", " ", "\u05d0 1"])
def test_a_megabyte(piece: str) -> None:
    rows = rows_of(piece * (1_000_000 // len(piece)), Place(80, 16, ", ? shows them"))
    assert len([row for row in rows if row.kind != WARN]) <= 17


def test_an_encoding_that_cannot_show_it() -> None:
    place = Place(None, 16, "", "ascii")
    assert shown("rm é", place) == [LINE + "rm \\xe9", "! " + WARNING]
    assert not needs_escapes("rm é", "utf-8")


def request(command: str, **more: Any) -> dict[str, Any]:
    return {
        "tool": "bash", "id": "call_1", "effect": "execute", "reason": "bash asks",
        "preview": command, "price_micro_usd": None, "decisions": ["approve", "edit", "reject"],
        "arguments": {"command": command, **more},
    }  # fmt: skip


def test_what_else_the_call_says_is_shown() -> None:
    place = Place(80, 16, ", ? shows them")
    head, rows = head_and_rows(request("./run", cwd="/home/x/evil\x1b[2J", timeout=9), place)
    assert head == "? bash ./run"
    assert [row.text for row in rows] == [
        BESIDE + "cwd: /home/x/evil\\x1b[2J" + MARKED + " · timeout: 9"
    ]
    head, rows = head_and_rows(request("ls", env="x" * 5_000), place)
    assert rows[0].text == BESIDE + "env: 5,000 characters"
    assert any("xxxx" in row.text for row in all_rows(request("ls", env="x" * 5_000), place))


def test_a_command_cannot_look_like_the_question() -> None:
    for width in (40, 80, 200):
        place = Place(width, 16, ", ? shows them")
        fake = "true" + " " * (width - 10) + "? bash ls" + " " * 30 + "execute: harmless"
        head, rows = head_and_rows(request(fake + "\n? bash ls\n! fine"), place)
        assert cells(head) < width
        assert all(row.kind in (LINE, REST, FOLD, WARN) for row in rows)
        assert all(cells(row.text) + 2 <= width for row in rows if row.kind in (LINE, REST))


def test_a_plain_question_shows_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    lines = EventPrinter(stream)
    head, rows = head_and_rows(request("touch a # \rls"), lines.place(20, ", ? shows them"))
    lines.line(head)
    lines.rows(rows)
    assert stream.getvalue().splitlines()[1:] == ["  │ touch a # \\rls", "  ! " + WARNING]


def test_an_edit_gives_back_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each shown escape is the character again, if the user leaves it as it stands."""
    texts = [*random_texts(300), "\x1b]0;\nx", "\U0001f468\u200d\U0001f469", "\x7f\x9b\u00a0"]
    given = {"command": "\n".join(texts), "more": texts, "\u202e": 1}
    editor = tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\ncp "$1" {tmp_path}/seen\n')
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    assert edited_arguments(given, EventPrinter(io.StringIO())) == given
    seen = (tmp_path / "seen").read_text(encoding="utf-8")
    assert not [c for c in seen if is_hidden(c)]
    assert json.loads(json_text(given)) == given
