"""Plain English: the list of phrasings that are not used works, and its hits only become fewer."""

from __future__ import annotations

import pytest

from tests import prose
from tests.prose import OPTION, PHRASES, STALE, Hit, Phrase

pytestmark = pytest.mark.xdist_group("prose")
LISTED = [*PHRASES, *STALE, *OPTION]


@pytest.fixture(scope="module")
def hits() -> list[Hit]:
    return prose.all_hits()


@pytest.mark.parametrize("phrase", LISTED, ids=lambda phrase: phrase.bad)
def test_a_phrase_finds_its_example_and_spares_the_plain_one(phrase: Phrase) -> None:
    assert phrase.regex.search(phrase.bad)
    assert not phrase.regex.search(phrase.good)


@pytest.mark.parametrize("word", prose.ARCHAIC.replace("?", "").split("|"))
def test_each_archaic_word_is_found_whole(word: str) -> None:
    assert PHRASES[0].regex.search(f"and {word}.")
    assert not PHRASES[0].regex.search(f"x{word}x")


def test_the_good_examples_are_good_throughout() -> None:
    found = [str(hit) for one in PHRASES for hit in prose.hits_in(one.good, "docs", one.bad)]
    assert found == []


def test_no_count_is_above_the_baseline(hits: list[Hit]) -> None:
    rose, _ = prose.compare(prose.counts(hits), prose.baseline())
    names = {line.split(":")[0] for line in rose}
    shown = [str(hit) for hit in hits if (hit.file if hit.area == "docs" else hit.area) in names]
    assert not rose, "\n".join([*rose, *shown])


def test_no_count_is_below_the_baseline(hits: list[Hit]) -> None:
    _, fell = prose.compare(prose.counts(hits), prose.baseline())
    assert not fell, "\n".join(fell)


def test_the_areas_are_not_empty() -> None:
    """Every place is looked at: a text with a banned phrasing is found in each."""
    source = (
        '"""It is no module."""\n'
        "# It goes on\n# and on.\n"
        "class Tool:\n"
        '    description: str = "Tell the person."\n'
        '    field = Field(description="of the person")\n'
        'x = f"{y} is no id"\n'
        'raise ToolError(f"{z} is no id")\n'
    )
    found = {
        (hit.area, hit.line, hit.found.strip())
        for area, line, text in [*prose.literals(source, True), *prose.comments(source)]
        for hit in prose.hits_in(text, area, "x.py", line)
    }
    assert found == {
        ("comments", 1, "is no"),
        ("comments", 2, "goes on"),
        ("model", 5, "person"),
        ("model", 6, "person"),
        ("strings", 7, "is no"),
        ("model", 8, "is no"),
    }


def test_code_of_a_page_is_not_prose() -> None:
    page = "Run `it is no id`.\n\n```text\nit is no id\n```\n\nIt is no\nid. <!-- is no x -->\n"
    (hit,) = prose.hits_in(prose.prose_of(page), "docs", "page.md")
    assert (hit.line, hit.found) == (7, "is no")


def test_a_line_names_place_phrase_and_what_to_write() -> None:
    (hit,) = prose.hits_in("one\nstart anew", "docs", "page.md")
    assert str(hit) == (
        "page.md:2: 'anew': write: a word of today (again, so, on, where, will, must) (rule 2)"
    )


def test_every_command_has_its_help_looked_at() -> None:
    from cli.command_group import COMMANDS
    from cli.main import cli

    paths = [path for path, _, _ in prose.commands(cli)]
    assert {f"ml-agent {name}" for name in COMMANDS} <= set(paths)
    assert "ml-agent sessions undo" in paths


def test_the_baseline_is_only_lowered(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = prose.Path(str(tmp_path)) / "baseline.json"
    monkeypatch.setattr(prose, "BASELINE", path)
    assert prose.write({"docs": {"a.md": 2}, "code": {"help": 3}}) == 0
    assert prose.write({"docs": {"a.md": 3}, "code": {"help": 0}}) == 1
    assert "a.md: 3 phrasings of the list, 2 allowed" in capsys.readouterr().out
    assert prose.write({"docs": {}, "code": {"help": 3}}) == 0
    assert prose.baseline() == {"docs": {}, "code": {"help": 3}}
    rose, fell = prose.compare({"docs": {"b.md": 1}, "code": {}}, prose.baseline())
    assert rose == ["b.md: 1 phrasings of the list, 0 allowed"]
    assert fell == [f"help: good: lower it from 3 to 0: {prose.WRITE}"]
