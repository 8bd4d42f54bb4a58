"""The texts a model is given: the prompts as they ship, byte-identical from request to request;
and what the project adds, its AGENTS.md files and skills, told once at the start of a thread."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from configs.folder_files import LARGEST_TEXT, Unreadable, read_in_folder
from configs.memory import NAME as MEMORY
from configs.memory import trusted_memory
from configs.project_folders import folders_upward
from configs.skills import skills
from configs.visible import visible

#: Characters of all AGENTS.md files together; the rest is named and can be read.
MOST_INSTRUCTIONS = 16_000
#: Skills that are named, and characters of their descriptions; beyond it names alone are told.
MOST_SKILLS, MOST_DESCRIBED = 50, 20_000


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


@cache
def init_prompt() -> str:
    """What /init asks for."""
    return _read("init_prompt.md")


@cache
def review_prompt() -> str:
    """What /review asks for; what is reviewed follows."""
    return _read("review_prompt.md")


@cache
def trial_prompt() -> str:
    """The system prompt of a sub-agent that works on a trial in a copy of the folder."""
    return _read("trial_prompt.md")


def _read(name: str) -> str:
    return files("configs").joinpath(name).read_text(encoding="utf-8").strip()


def project_instructions(cwd: str | Path) -> str:
    """The AGENTS.md files from the top of the project down to `cwd`, each under its name, the
    folder's memory, and the skills by name; "" where there are none. The nearest AGENTS.md comes
    last, and wins."""
    parts = (_agents(Path(cwd)), _memory(Path(cwd)), _skills(Path(cwd)))
    return "\n\n".join(part for part in parts if part)


def _agents(cwd: Path) -> str:
    room, parts = MOST_INSTRUCTIONS, []
    for folder, top in folders_upward(cwd):
        path = folder / "AGENTS.md"
        try:
            content = read_in_folder(path, top, LARGEST_TEXT)
        except (FileNotFoundError, Unreadable):
            continue  # the user is told at the start: configs/folder.py
        text = content.decode("utf-8", "replace").strip()
        if not text:
            continue
        if len(text) > room:
            rest = f"[... {len(text) - room:,} characters more: read {path} before you work here]"
            text = f"{text[:room]}\n{rest}"
        room = max(0, room - len(text))
        parts.append(f'<instructions from="{visible(path)}">\n{text}\n</instructions>')
    return "\n\n".join(reversed(parts))


def _memory(cwd: Path) -> str:
    told = trusted_memory(cwd)
    return f'<memory from="{MEMORY}">\n{told}\n</memory>' if told else ""


def _skills(cwd: Path) -> str:
    found = skills(cwd)
    if not found:
        return ""
    lines, room = [], MOST_DESCRIBED
    for skill in found[:MOST_SKILLS]:
        room -= len(skill.description)
        described = f": {skill.description}" if room >= 0 else ""
        lines.append(f"- {skill.name}{described} ({visible(skill.path)})")
    if len(found) > MOST_SKILLS:
        lines.append(
            f"- {len(found) - MOST_SKILLS} more in {visible(found[-1].path.parent.parent)}"
        )
    listed = "\n".join(lines)
    return f"<skills>\nRead a skill's file before work that it is for.\n{listed}\n</skills>"
