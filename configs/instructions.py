"""The texts a model is given: the prompts as they ship, byte-identical from request to request;
and what the project adds, its AGENTS.md files and skills, told once at the start of a thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

#: Characters of all AGENTS.md files together; the rest is named and can be read.
MOST_INSTRUCTIONS = 16_000
#: Skills that are named, and characters of each one's description.
MOST_SKILLS, MOST_DESCRIPTION = 50, 300
SKILLS = Path(".agents") / "skills"


@cache
def system_prompt() -> str:
    """The system prompt (configs/system_prompt.md; why each rule is there: docs/prompt.md)."""
    return _read("system_prompt.md")


@cache
def compaction_prompt() -> str:
    """What the model is asked for when the history is summarised."""
    return _read("compaction_prompt.md")


@cache
def research_prompt() -> str:
    """The system prompt of a sub-agent that looks things up."""
    return _read("research_prompt.md")


def _read(name: str) -> str:
    return files("configs").joinpath(name).read_text(encoding="utf-8").strip()


@dataclass(frozen=True)
class Skill:
    """A folder with a SKILL.md: what it is for, and where to read how."""

    name: str
    description: str
    path: Path


def project_instructions(cwd: str | Path) -> str:
    """The AGENTS.md files from the top of the project down to `cwd`, each under its name, and the
    skills by name; "" where there are none. The nearest file comes last, and wins."""
    return "\n\n".join(part for part in (_agents(Path(cwd)), _skills(Path(cwd))) if part)


def _agents(cwd: Path) -> str:
    room, parts = MOST_INSTRUCTIONS, []
    for path in _upward(cwd, "AGENTS.md"):
        text = _text(path)
        if not text:
            continue
        if len(text) > room:
            rest = f"[... {len(text) - room:,} characters more: read {path} before you work here]"
            text = f"{text[:room]}\n{rest}"
        room = max(0, room - len(text))
        parts.append(f'<instructions from="{path}">\n{text}\n</instructions>')
    return "\n\n".join(reversed(parts))


def _skills(cwd: Path) -> str:
    found = skills(cwd)
    if not found:
        return ""
    lines = [f"- {s.name}: {s.description} ({s.path})" for s in found[:MOST_SKILLS]]
    if len(found) > MOST_SKILLS:
        lines.append(f"- {len(found) - MOST_SKILLS} more in {found[-1].path.parent.parent}")
    listed = "\n".join(lines)
    return f"<skills>\nRead a skill's file before work that it is for.\n{listed}\n</skills>"


def skills(cwd: str | Path) -> list[Skill]:
    """The skills of the project and of the person, by name; the nearest of one name counts."""
    found: dict[str, Skill] = {}
    for folder in [*_upward(Path(cwd), str(SKILLS)), Path.home() / SKILLS]:
        for path in sorted(folder.glob("*/SKILL.md")):
            skill = _skill(path)
            if skill is not None:
                found.setdefault(skill.name, skill)
    return sorted(found.values(), key=lambda skill: skill.name)


def _skill(path: Path) -> Skill | None:
    import yaml

    text = _text(path)
    head = text.split("---", 2)[1] if text.startswith("---") and text.count("---") > 1 else ""
    try:
        facts = yaml.safe_load(head) or {}
    except yaml.YAMLError:
        facts = {}
    if not isinstance(facts, dict) or not text:
        return None
    described = " ".join(str(facts.get("description") or _first_line(text)).split())
    name = str(facts.get("name") or path.parent.name)
    return Skill(name, described[:MOST_DESCRIPTION], path)


def _first_line(text: str) -> str:
    return next((line.lstrip("# ") for line in text.splitlines() if line.strip("# -")), "")


def _upward(cwd: Path, name: str) -> Iterator[Path]:
    """`name` in `cwd` and the folders above it, up to the repository's top; outside of a
    repository in `cwd` alone. A link that leads out of there is left alone."""
    above = [cwd, *cwd.parents]
    top = next((i for i, folder in enumerate(above) if (folder / ".git").exists()), 0)
    for folder in above[: top + 1]:
        path = folder / name
        if path.exists() and path.resolve().is_relative_to(above[top].resolve()):
            yield path


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else ""
    except OSError:
        return ""
