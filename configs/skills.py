"""Skills: folders with a SKILL.md, in `.agents/skills` of the project and of the user's home.

The model is told each one's name and description; it reads the file when it needs it.
"""

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.folder_files import LARGEST_TEXT, Unreadable, read_in_folder
from configs.project_folders import folders_upward
from configs.trust import Answers, Item
from configs.visible import visible

SKILLS = Path(".agents") / "skills"
#: Characters of a skill's description that are told.
MOST_DESCRIPTION = 300
#: Skills that one folder may bring, and bytes of a SKILL.md's head: beyond it they are left out.
MOST_READ, LARGEST_HEAD = 200, 10_000
#: Levels of a head; beyond it it is not read.
DEEPEST = 10


@dataclass(frozen=True)
class Skill:
    """A folder with a SKILL.md: what it is for, and where to read how."""

    name: str
    description: str
    path: Path


def skills(cwd: str | Path) -> list[Skill]:
    """The skills that count in `cwd`, by name: the project's if they are trusted, and the user's;
    the nearest of one name counts."""
    answers = Answers(cwd)
    found: dict[str, Skill] = {}
    for skill, item in skills_of_project(cwd):
        if answers.about(item):
            found.setdefault(skill.name, skill)
    for skill, _ in _skills_in(Path.home() / SKILLS, Path.home()):
        found.setdefault(skill.name, skill)
    return sorted(found.values(), key=lambda skill: skill.name)


def skills_of_project(cwd: str | Path) -> Iterator[tuple[Skill, Item]]:
    """The skills that the project brings, the nearest first, each as what is to be trusted."""
    for folder, top in folders_upward(Path(cwd)):
        if folder != Path.home():
            yield from _skills_in(folder / SKILLS, top)


def _skills_in(folder: Path, top: Path) -> Iterator[tuple[Skill, Item]]:
    try:
        # Sorted by name after the cut: a folder with millions of entries is not listed whole.
        places = sorted(itertools.islice(folder.iterdir(), MOST_READ))
    except OSError:
        return
    for place in places:
        path = place / "SKILL.md"
        try:
            content = read_in_folder(path, top, LARGEST_TEXT)
        except (FileNotFoundError, Unreadable):
            continue
        skill = _skill(path, content.decode("utf-8", "replace").strip())
        if skill is not None:
            shown = f"{skill.name}: {skill.description} ({visible(path)})"
            digest = hashlib.sha256(content).hexdigest()
            yield skill, Item("skill", visible(path), (shown,), digest)


def _skill(path: Path, text: str) -> Skill | None:
    head = text.split("---", 2)[1] if text.startswith("---") and text.count("---") > 1 else ""
    facts = _facts(head)
    if facts is None or not text:
        return None
    described = " ".join(str(facts.get("description") or _first_line(text)).split())
    name = " ".join(str(facts.get("name") or path.parent.name).split())
    return Skill(visible(name[:100]), visible(described[:MOST_DESCRIPTION]), path)


def _facts(head: str) -> dict[str, Any] | None:
    """The keys of a SKILL.md's head; {} if it is not YAML, None if it is not a mapping. Values stay
    text (no dates, no numbers), and an alias, which could grow without end, is denied."""
    import yaml

    class Plain(yaml.BaseLoader):
        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            self.depth += 1
            if self.depth > DEEPEST or self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("an alias, or nested too deep")
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

    try:
        facts = yaml.load(head, Plain) if len(head) <= LARGEST_HEAD else {}
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    facts = facts or {}
    return facts if isinstance(facts, dict) else None


def _first_line(text: str) -> str:
    return next((line.lstrip("# ") for line in text.splitlines() if line.strip("# -")), "")
