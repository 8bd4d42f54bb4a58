"""All that the working directory brings, and how it stands with the user's trust."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from configs.agents import agent_problems, agents_of_project
from configs.commands import commands_of_folder
from configs.dotenv import apply_keys, key_items, keys_to_take, taken
from configs.folder_files import LARGEST_TEXT, Unreadable, read_in_folder
from configs.hooks import claude_hooks
from configs.memory import memory_content, memory_item, memory_problem
from configs.project_folders import folders_upward
from configs.skills import skill_problems, skills_of_project
from configs.trust import Answers, Item
from configs.visible import visible

#: Words for what is covered, in the order in which it is told.
KINDS = {
    "settings": "settings",
    "MCP server": "MCP servers",
    "hook": "hooks",
    "command": "commands",
    "skill": "skills",
    "agent": "agents",
    "memory": "memory",
    ".env": "keys of .env",
}


@dataclass(frozen=True)
class Brought:
    """What a folder brings beyond what always counts.

    Attributes:
        waiting: not trusted, and never asked about as it is. refused: the user said no to it.
        changed: names of what was answered about when it was another. problems: files that were
            left out, with the reason. keys: variables that were taken from .env.
    """

    folder: str
    waiting: tuple[Item, ...] = ()
    refused: tuple[Item, ...] = ()
    changed: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    def plus(self, answers: Answers, items: Sequence[Item]) -> Brought:
        """With more items, by what was answered about each."""
        said = [(item, answers.about(item)) for item in items]
        changed = [item.key for item in items if answers.has_changed(item)]
        return replace(
            self,
            waiting=(*(item for item, answer in said if answer is None), *self.waiting),
            refused=(*(item for item, answer in said if answer is False), *self.refused),
            changed=(*changed, *self.changed),
        )

    def with_problems(self, lines: Sequence[str]) -> Brought:
        """With what else was left out."""
        return replace(self, problems=(*lines, *self.problems))

    @property
    def ignored(self) -> tuple[Item, ...]:
        """What does not count now, keys that were taken all the same left out."""
        items = (*self.waiting, *self.refused)
        return tuple(i for i in items if i.kind != ".env" or i.name not in self.keys)


def look_at(folder: Path, *, new_keys: bool) -> Brought:
    """What `folder` brings next to its settings file; the keys of its .env are applied.

    Args:
        new_keys: take keys that the user was not asked about, if the user has none: the run
            has no one to ask. Keys that the user said no to are never taken.
    """
    problems = list(_unreadable(folder))
    problems += [problem for file in claude_hooks(folder) for problem in file.problems]
    problems += [*skill_problems(folder), *agent_problems(folder)]
    problems += [problem] if (problem := memory_problem(folder)) else []
    try:
        keys = keys_to_take(folder)
    except FileNotFoundError:
        keys = {}
    except Unreadable as why:
        keys = {}
        problems.append(f".env: {why}")
    found = Brought(str(folder), problems=tuple(problems))
    answers = Answers(folder)
    found = found.plus(answers, [*_prose(folder), *key_items(keys)])
    held = {item.name for item in (found.refused if new_keys else found.ignored)}
    apply_keys({name: value for name, value in keys.items() if name not in held})
    return replace(found, keys=tuple(sorted(taken)))


def in_words(items: tuple[Item, ...]) -> str:
    """Items by kind and name, in a line."""
    parts = []
    for kind, words in KINDS.items():
        names = ", ".join(_short(item) for item in items if item.kind == kind)
        if names:
            parts.append(f"{words} {names}")
    return "; ".join(parts)


def _short(item: Item) -> str:
    """The name of a skill or agent is its path: that of its folder or file tells it."""
    if item.kind == "agent":
        return os.path.basename(item.name).removesuffix(".md")
    return os.path.basename(os.path.dirname(item.name)) if item.kind == "skill" else item.name


def _prose(folder: Path) -> Iterator[Item]:
    yield from (item for _, _, item in commands_of_folder(folder))
    yield from (item for _, item in skills_of_project(folder))
    yield from (file.item for file in agents_of_project(folder) if file.item is not None)
    with suppress(Unreadable):
        content = memory_content(folder)
        if content and content.strip():
            yield memory_item(content)


def _unreadable(folder: Path) -> Iterator[str]:
    for above, top in folders_upward(folder):
        try:
            read_in_folder(above / "AGENTS.md", top, LARGEST_TEXT)
        except FileNotFoundError:
            continue
        except Unreadable as why:
            yield f"{visible(above / 'AGENTS.md')}: {why}"
