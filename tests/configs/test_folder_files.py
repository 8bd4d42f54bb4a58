"""Files of a stranger's folder: nothing hangs, nothing eats memory, nothing else is read."""

import os
import socket
from pathlib import Path

import pytest

from configs.dotenv import keys_of_folder
from configs.folder_files import Unreadable, read_in_folder
from configs.instructions import project_instructions
from configs.layers import load
from configs.problems import SettingsProblem
from configs.project_folders import folders_upward
from configs.skills import skills_of_project
from configs.visible import visible
from tests.configs.trusting import brought_by

PLACES = (".ml-agent/config.json", ".env", "AGENTS.md", ".agents/skills/x/SKILL.md",
          ".ml-agent/commands/x.md")  # fmt: skip


def fifo(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def listening(path: Path) -> None:
    # A socket's path may have a hundred bytes only.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 32)


def key_of_mine(path: Path) -> None:
    mine = Path.home() / f"mine{path.suffix or path.name}"
    mine.write_text('HF_TOKEN=hf_mine\n{"model_name": "hf/mine/mine"}')
    path.symlink_to(mine)


def folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("make", [fifo, endless, loop, listening, huge, key_of_mine, folder])
def test_what_is_no_file_of_the_folder_is_left_out(make: object, place: str, workdir: Path) -> None:
    path = workdir / place
    path.parent.mkdir(parents=True, exist_ok=True)
    make(path)  # type: ignore[operator]
    if place.endswith("config.json"):
        with pytest.raises(SettingsProblem, match=r"config\.json: "):
            load(cwd=workdir, environ={})
        return
    found = brought_by(workdir)
    assert found.waiting == ()
    assert found.keys == ()
    assert "mine" not in project_instructions(workdir)
    if place in (".env", "AGENTS.md"):
        assert place in " ".join(found.problems)


def test_instructions_are_not_a_link_to_another_kind_of_file(workdir: Path) -> None:
    (workdir / ".env").write_text("OPENAI_API_KEY=sk-mine\n")
    (workdir / "AGENTS.md").symlink_to(".env")
    assert "sk-mine" not in project_instructions(workdir)
    (workdir / "AGENTS.md").unlink()
    (workdir / "CLAUDE.md").write_text("use uv")
    (workdir / "AGENTS.md").symlink_to("CLAUDE.md")
    assert "use uv" in project_instructions(workdir)


def test_a_settings_folder_that_leads_out_is_not_read(workdir: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "config.json").write_text('{"effort": "high"}')
    (workdir / ".ml-agent").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingsProblem, match="leads out of the folder"):
        load(cwd=workdir, environ={})


@pytest.mark.parametrize(
    "text", ["[" * 200_000, '{"a":' * 50_000, "9" * 90_000, '{"a": 1' + "0" * 9000]
)
def test_settings_that_no_parser_survives_are_one_line(text: str, workdir: Path) -> None:
    path = workdir / ".ml-agent" / "config.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(SettingsProblem) as problem:
        load(cwd=workdir, environ={})
    assert "\n" not in str(problem.value)
    assert len(str(problem.value)) < 500


LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
)
HEADS = [LAUGHS + "description: *j", "a: " + "[" * 9000, "name: " + "9" * 9000, "name: 2020-99-99",
         "name: !!python/object/apply:os.system [id]", "<<: *x", "name: 1" + ":1" * 4000,
         "? {a: b}\n: c", "name: {a: b}", "- a list"]  # fmt: skip


@pytest.mark.parametrize("head", HEADS)
def test_the_head_of_a_skill_is_plain(head: str, workdir: Path) -> None:
    path = workdir / ".agents" / "skills" / "x" / "SKILL.md"
    path.parent.mkdir(parents=True)
    path.write_text(f"---\n{head}\n---\nbody\n")
    for skill, item in skills_of_project(workdir):
        assert len(skill.description) <= 400
        assert len(item.shown[0]) < 2000


def test_another_users_repository_above_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    assert [f for f, _ in folders_upward(inner)] == [inner, inner.parent, tmp_path]
    real = os.stat

    def stat(path: object, **more: object) -> object:
        found = real(path, **more)  # type: ignore[call-overload]
        theirs = str(path) == str(tmp_path / ".git")
        return os.stat_result((*found[:4], 12345, *found[5:10])) if theirs else found

    monkeypatch.setattr(os, "stat", stat)
    assert [f for f, _ in folders_upward(inner)] == [inner]


def test_a_pipe_that_comes_after_the_look_does_not_hang(workdir: Path) -> None:
    path = workdir / ".env"
    os.mkfifo(path)
    with pytest.raises(Unreadable, match="regular"):
        read_in_folder(path, workdir)
    with pytest.raises(Unreadable, match="regular"):
        keys_of_folder(workdir)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\rb\nc\td", "a\\rb\\nc\\td"),
        ("\u202eabc\u200b", "\\u202eabc\\u200b"),
        ("\udcff\x9b", "\\udcff\\x9b"),
        ("größe π 漢", "größe π 漢"),
        ("\u3000\u00a0", "\\u3000\\xa0"),
    ],
)
def test_what_hides_is_seen(text: str, shown: str) -> None:
    assert visible(text) == shown
