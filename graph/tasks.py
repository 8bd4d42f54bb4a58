"""Tasks that have a name: /init, /review, a skill, a command that the user wrote.

A chat and a headless run take the same text, and make the same message of it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from configs.commands import command_texts
from configs.instructions import init_prompt
from configs.skills import skills
from core.errors import UsageError
from core.run import Mode
from graph.review import review_message

#: Built-in tasks; a command of the same name that the user wrote replaces them.
TASKS = ("init", "review")
#: Head of a command that the user wrote.
HEAD = re.compile(r"\A---\n(.*?\n)?---\n", re.DOTALL)


@dataclass(frozen=True)
class NamedTask:
    """A message, and the mode of its turn; None: that of the session."""

    message: str
    mode: Mode | None = None


def named_task(text: str, folder: Path) -> NamedTask | None:
    """The task that `/name words` stands for; None if it names none. Raises UsageError."""
    name, _, words = text.strip().partition(" ")
    words = words.strip()
    if not name.startswith("/") or "/" in name[1:]:
        return None
    own = dict(command_texts(folder)).get(name[1:], "")
    match name:
        case "/skill":
            return NamedTask(skill_message(folder, words)) if words else None
        case _ if own.strip():
            return NamedTask(own_message(own, words))
        case "/init":
            return init_task(words)
        case "/review":
            return review_task(folder, words)
    return None


def init_task(words: str) -> NamedTask:
    """Propose an AGENTS.md. `words`: further wishes of the user."""
    return NamedTask(f"{f'/init {words}'.strip()}\n\n{init_prompt()}")


def own_message(whole: str, words: str) -> str:
    """The message of a command that the user wrote: its text, with `$ARGUMENTS` for the words."""
    text = HEAD.sub("", whole, count=1)
    if "$ARGUMENTS" in text:
        return text.replace("$ARGUMENTS", words).strip()
    return f"{text.strip()}\n\n{words}".strip()


def skill_message(folder: Path, words: str) -> str:
    """`NAME TASK`: work with a skill. Raises UsageError."""
    name, _, task = words.partition(" ")
    path = next((one.path for one in skills(folder) if one.name == name), None)
    if path is None:
        raise UsageError(f"there is no skill {name}", "/skill lists them")
    said = f"Use the skill {name}: read {path} first and do as it says."
    return f"{said}\n\n{task.strip()}".strip()


def review_task(folder: Path, words: str) -> NamedTask:
    """A review that changes nothing: of the uncommitted changes, of those since a git revision, or
    of files. Raises UsageError: there is nothing to review, and why."""
    return NamedTask(review_message(folder, words), "read-only")
