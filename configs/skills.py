"""Skills: folders with a SKILL.md, of the project and of the user's home (agentskills.io).

The model is told each one's name and description; it reads the file when it needs it.
"""

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from configs.folder_files import LARGEST_TEXT, Unreadable, read_in_folder
from configs.front_matter import front_matter
from configs.project_folders import folders_upward
from configs.real_path import real_path
from configs.trust import Answers, Item
from configs.visible import visible

#: Where skills are, below a folder of the project or the home: also in groups.
SKILL_FOLDERS = (".agents/skills", ".claude/skills")
#: Characters of a skill's name and description that are told: the limits of the specification.
MOST_NAME, MOST_DESCRIPTION = 64, 1024
#: Entries of a folder, and skills, that are looked at; levels of groups.
MOST_READ, DEEPEST = 200, 3


@dataclass(frozen=True)
class Skill:
    """A folder with a SKILL.md: what it is for, and where to read how."""

    name: str
    description: str
    path: Path


@dataclass(frozen=True)
class SkillFile:
    """A SKILL.md. item: as what is to be trusted. problem: why it is left out."""

    path: Path
    skill: Skill | None = None
    item: Item | None = None
    problem: str = ""


def skills(cwd: str | Path) -> list[Skill]:
    """The skills that count in `cwd`, by name: the project's if they are trusted, and the user's;
    the nearest of one name counts."""
    answers = Answers(cwd)
    found: dict[str, Skill] = {}
    for skill, item in skills_of_project(cwd):
        if answers.about(item):
            found.setdefault(skill.name, skill)
    for file in _of_home():
        if file.skill is not None:
            found.setdefault(file.skill.name, file.skill)
    return sorted(found.values(), key=lambda skill: skill.name)


def skills_of_project(cwd: str | Path) -> Iterator[tuple[Skill, Item]]:
    """The skills that the project brings, the nearest first, each as what is to be trusted."""
    for file in _of_project(cwd):
        if file.skill is not None and file.item is not None:
            yield file.skill, file.item


def skill_problems(cwd: str | Path) -> list[str]:
    """The skills that are left out, with the reason, a line each."""
    files = itertools.chain(_of_project(cwd), _of_home())
    return [f"{visible(file.path)}: {file.problem}" for file in files if file.problem]


def _of_project(cwd: str | Path) -> Iterator[SkillFile]:
    for folder, top in folders_upward(Path(cwd)):
        if folder != Path.home():
            yield from _files_below(folder, top)


def _of_home() -> Iterator[SkillFile]:
    return _files_below(Path.home(), Path.home())


def _files_below(folder: Path, top: Path) -> Iterator[SkillFile]:
    """Each SKILL.md once, also if a link leads to it: tools link `.claude` to `.agents`."""
    seen = set()
    for place in SKILL_FOLDERS:
        for path in itertools.islice(_paths(folder / place, DEEPEST), MOST_READ):
            real = real_path(path)
            if real not in seen:
                seen.add(real)
                file = _read(path, top)
                if file is not None:
                    yield file


def _paths(folder: Path, levels: int) -> Iterator[Path]:
    try:
        # Sorted by name after the cut: a folder with millions of entries is not listed whole.
        entries = sorted(itertools.islice(folder.iterdir(), MOST_READ))
    except OSError:
        return
    for entry in entries:
        if (entry / "SKILL.md").exists():
            yield entry / "SKILL.md"
        elif levels > 1 and not entry.name.startswith(".") and entry.is_dir():
            yield from _paths(entry, levels - 1)


def _read(path: Path, top: Path) -> SkillFile | None:
    try:
        content = read_in_folder(path, top, LARGEST_TEXT)
    except FileNotFoundError:
        return None
    except Unreadable as why:
        return SkillFile(path, problem=str(why))
    head = front_matter(content.decode("utf-8", "replace"))
    if not head.body and not head.facts:
        return SkillFile(path, problem=head.problem or "it is empty")
    described = head.line("description")
    if not described:
        problem = head.problem or ("its front matter has no description" if head.facts else "")
        if problem:
            return SkillFile(path, problem=problem)
        described = _first_line(head.body)
    name = visible((head.line("name") or path.parent.name)[:MOST_NAME])
    skill = Skill(name, visible(described[:MOST_DESCRIPTION]), path)
    shown = f"{skill.name}: {skill.description} ({visible(path)})"
    digest = hashlib.sha256(content).hexdigest()
    return SkillFile(path, skill, Item("skill", visible(path), (shown,), digest))


def _first_line(text: str) -> str:
    return next((line.lstrip("# ") for line in text.splitlines() if line.strip("# -")), "")
