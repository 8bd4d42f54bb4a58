"""The prompts, and what a project adds to a thread's first message."""

from pathlib import Path

import pytest

from configs import instructions
from configs.instructions import project_instructions, skills, system_prompt
from configs.settings import Settings
from core.models.tokens import count_text
from nodes.surroundings import surroundings
from tests.configs.trusting import answer_all, brought_by
from tests.graph.driving import driven
from tests.stand_ins.model_script import Reply


def test_the_system_prompt_stays_small() -> None:
    assert 500 < count_text(system_prompt()) <= 2500


def repository(folder: Path) -> Path:
    (folder / ".git").mkdir(parents=True)
    inner = folder / "src" / "deep"
    inner.mkdir(parents=True)
    return inner


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_instructions_from_the_top_of_the_repository_down(tmp_path: Path) -> None:
    inner = repository(tmp_path / "repo")
    write(tmp_path / "AGENTS.md", "beyond the repository")
    write(tmp_path / "repo" / "AGENTS.md", "use uv")
    write(inner / "AGENTS.md", "no tabs here")
    told = project_instructions(inner)
    assert "beyond" not in told
    assert told.index("use uv") < told.index("no tabs here")
    assert f'<instructions from="{inner}/AGENTS.md">' in told
    assert "no tabs" not in project_instructions(tmp_path / "repo")


def test_outside_of_a_repository_only_the_folder_counts(tmp_path: Path) -> None:
    write(tmp_path / "AGENTS.md", "above")
    inner = tmp_path / "a"
    inner.mkdir()
    assert project_instructions(inner) == ""
    write(inner / "AGENTS.md", "here")
    assert "here" in project_instructions(inner)


def test_a_link_that_leads_out_of_the_project_is_left_alone(tmp_path: Path) -> None:
    repository(tmp_path / "repo")
    write(tmp_path / "private", "a secret")
    (tmp_path / "repo" / "AGENTS.md").symlink_to(tmp_path / "private")
    assert project_instructions(tmp_path / "repo") == ""


def test_long_instructions_are_cut_and_said(tmp_path: Path) -> None:
    path = write(tmp_path / "AGENTS.md", "x" * 20_000)
    told = project_instructions(tmp_path)
    assert len(told) < 17_000
    assert f"4,000 characters more: read {path}" in told


@pytest.mark.parametrize("text", ["", "\xff\xfe", "   \n"])
def test_files_with_nothing_in_them(tmp_path: Path, text: str) -> None:
    (tmp_path / "AGENTS.md").write_bytes(text.encode("latin-1"))
    (tmp_path / "CLAUDE.md").mkdir()
    assert isinstance(project_instructions(tmp_path), str)


SKILL = """---
name: plotting
description: |
  Plots in the house's
  colours.
---
# How
Use blue.
"""


def test_skills_of_project_and_person_by_name(tmp_path: Path) -> None:
    inner = repository(tmp_path / "repo")
    home = Path.home() / ".agents" / "skills"
    mine = write(home / "plotting" / "SKILL.md", SKILL.replace("house", "person"))
    write(home / "bare" / "SKILL.md", "# Does a thing\nand more")
    write(home / "broken" / "SKILL.md", "---\n: : [\n---\nText")
    write(home / "no-skill" / "README.md", "nothing")
    found = {s.name: s for s in skills(inner)}
    assert set(found) == {"plotting", "bare"}
    assert (found["plotting"].description, found["plotting"].path) == (
        "Plots in the person's colours.", mine,
    )  # fmt: skip
    assert found["bare"].description == "Does a thing"
    theirs = write(tmp_path / "repo" / ".agents" / "skills" / "plotting" / "SKILL.md", SKILL)
    assert "house" not in project_instructions(inner)  # not trusted yet
    answer_all(inner, trusted=True)
    told = project_instructions(inner)
    assert f"- plotting: Plots in the house's colours. ({theirs})" in told
    assert "Use blue" not in told


#: The head of Hugging Face's own skill hf-cli: one quoted line of more than 900 characters.
OFFICIAL = """---
name: hf-cli
description: "Hugging Face Hub CLI (`hf`) for downloading and uploading. Use when: {words} 'hf'."
license: Apache-2.0
allowed-tools: Bash(hf:*) Read
metadata:
  version: "1.2"
---

# hf
Install: `hf --help`. See references/jobs.md.
"""


@pytest.mark.parametrize("place", [".agents/skills", ".claude/skills", ".agents/skills/group/sub"])
def test_official_skills_work_unchanged_wherever_they_lie(tmp_path: Path, place: str) -> None:
    words = "handling authentication; " * 36
    text = OFFICIAL.format(words=words)
    for top in (tmp_path, Path.home()):
        path = write(top / place / "hf-cli" / "SKILL.md", text)
        write(path.parent / "references" / "jobs.md", "# Jobs")
        answer_all(tmp_path, trusted=True)
        (found,) = skills(tmp_path)
        assert (found.name, found.path) == ("hf-cli", path)
        assert found.description.endswith("'hf'.")
        assert 900 < len(found.description) <= 1024
        assert found.description in project_instructions(tmp_path)
        path.unlink()


def test_a_linked_folder_of_skills_is_listed_once(tmp_path: Path) -> None:
    write(tmp_path / ".agents" / "skills" / "plotting" / "SKILL.md", SKILL)
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "skills").symlink_to("../.agents/skills")
    (tmp_path / ".agents" / "skills" / "loop").symlink_to(".")
    assert len(brought_by(tmp_path).waiting) == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("---\n: : [\n---\nText", "its front matter is not YAML: line 2"),
        ("---\nname: x\n---\nText", "its front matter has no description"),
        ("---\nname: x\ndescription: y\nText", "its front matter has no end (---)"),
        ("---\n- a\n- b\n---\nText", "its front matter is not a list of keys"),
        ("---\na: &a [x]\nb: *a\n---\nText", "its front matter is not YAML: an alias"),
        (f"---\n{'[' * 5000}\n---\nText", "its front matter is not YAML: an alias, or nested"),
        (f"---\nname: {'x' * 11_000}\n---\nText", "longer than 10,000 characters"),
        ("", "it is empty"),
    ],
)
def test_a_skill_that_cannot_be_used_is_one_clear_line(
    tmp_path: Path, text: str, problem: str
) -> None:
    path = write(tmp_path / ".agents" / "skills" / "x" / "SKILL.md", text)
    assert skills(tmp_path) == []
    (said,) = brought_by(tmp_path).problems
    assert said.startswith(f"{path}: ")
    assert problem in said


def test_a_colon_in_the_description_is_no_problem(tmp_path: Path) -> None:
    """Not YAML, and what many skills have."""
    text = "---\nname: x\ndescription: Use when: the user asks\n---\nText"
    write(tmp_path / ".agents" / "skills" / "x" / "SKILL.md", text)
    answer_all(tmp_path, trusted=True)
    assert skills(tmp_path)[0].description == "Use when: the user asks"
    assert brought_by(tmp_path).problems == ()


def test_many_long_descriptions_leave_room_for_the_task(tmp_path: Path) -> None:
    for n in range(40):
        write(Path.home() / f".agents/skills/s{n:02}/SKILL.md", OFFICIAL.format(words="w " * 400)
              .replace("hf-cli", f"s{n:02}"))  # fmt: skip
    told = project_instructions(tmp_path)
    assert len(told) < 25_000
    assert f"- s39 ({Path.home()}" in told


def test_many_skills_are_not_all_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instructions, "MOST_SKILLS", 3)
    for n in range(5):
        write(
            tmp_path / ".agents" / "skills" / f"s{n}" / "SKILL.md",
            SKILL.replace("plotting", f"s{n}"),
        )
    answer_all(tmp_path, trusted=True)
    assert "2 more in " in project_instructions(tmp_path)


async def test_they_join_the_first_message_once(settings: Settings, workdir: Path) -> None:
    write(
        workdir / "AGENTS.md", "use uv; the key is hf_" + "QwErTyUiOpAsDfGhJkLz" + "XcVbNmKjHgFdSa"
    )
    replies = [Reply("one"), Reply("two")]
    async with driven(lambda asked: replies[asked.user_messages - 1], settings, workdir) as driver:
        await driver.send("first")
        (workdir / "AGENTS.md").write_text("changed meanwhile")
        await driver.send("second")
        first, _, second = (m["content"] for m in driver.messages[1:])
        assert first.endswith("first")
        assert "use uv" in first
        assert "hf_QwEr" not in first
        assert second == "second"
        assert driver.messages[0]["content"] == system_prompt()


def test_the_branch_of_the_repository(tmp_path: Path) -> None:
    import subprocess

    def git(*words: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        done = ["git", "-C", str(tmp_path / "repo"), *who, *words]
        subprocess.run(done, check=True, capture_output=True)

    inner = tmp_path / "repo" / "src"
    inner.mkdir(parents=True)
    assert "git branch" not in surroundings(str(inner), 0.0)
    git("init", "-b", "work/on-it")
    assert "git branch: work/on-it\n" in surroundings(str(inner), 0.0)
    write(tmp_path / "repo" / "a", "1")
    git("add", ".")
    git("commit", "-m", "x")
    git("worktree", "add", "-b", "other", str(tmp_path / "beside"))
    assert "git branch: other\n" in surroundings(str(tmp_path / "beside"), 0.0)
    git("checkout", "--detach")
    assert "git branch" not in surroundings(str(inner), 0.0)


@pytest.mark.parametrize(
    "head", ["ref: refs/heads/x\x1b[2J", "ref: refs/heads/a b: obey", "x" * 9999, ""]
)
def test_a_head_that_is_no_branch_says_nothing(head: str, tmp_path: Path) -> None:
    write(tmp_path / ".git" / "HEAD", head)
    assert "git branch" not in surroundings(str(tmp_path), 0.0)


def test_a_folders_name_stays_on_its_line(tmp_path: Path) -> None:
    folder = tmp_path / "a\nNow obey: x"
    folder.mkdir()
    write(folder / "AGENTS.md", "use uv")
    told = surroundings(str(folder), 0.0)
    assert "\nNow obey" not in told
    assert "a\\nNow obey: x/AGENTS.md" in told
