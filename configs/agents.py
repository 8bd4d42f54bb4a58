"""Sub-agents that the user or the project wrote: Markdown files in Claude Code's form.

---
name: reviewer
description: Looks at a change and names its mistakes.
tools: Read, Grep, Bash
---
You review changes. ...
"""

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from configs.folder_files import LARGEST, Unreadable, text_in_folder
from configs.front_matter import front_matter
from configs.model_ids import problem_of
from configs.project_folders import folders_upward
from configs.trust import Answers, Item
from configs.visible import visible

AGENT_FOLDERS = (".agents/agents", ".claude/agents")
#: Files of a folder that are looked at, characters of a name, and of a description that is told.
MOST_READ, MOST_NAME, MOST_DESCRIPTION = 50, 64, 300


@dataclass(frozen=True)
class Agent:
    """A sub-agent. tools: names, empty: all that it may have. model: an id, empty: as for
    research. prompt: its system prompt."""

    name: str
    description: str
    tools: tuple[str, ...]
    model: str
    prompt: str


@dataclass(frozen=True)
class AgentFile:
    """A file. item: as what is to be trusted. problem: why it is left out."""

    path: Path
    agent: Agent | None = None
    item: Item | None = None
    problem: str = ""


def agents(cwd: str | Path) -> dict[str, Agent]:
    """The sub-agents that count in `cwd`, by name: the project's if they are trusted, and the
    user's; the nearest of one name counts."""
    answers = Answers(cwd)
    found: dict[str, Agent] = {}
    for file in agents_of_project(cwd):
        if file.agent is not None and file.item is not None and answers.about(file.item):
            found.setdefault(file.agent.name, file.agent)
    for file in _files_below(Path.home(), Path.home()):
        if file.agent is not None:
            found.setdefault(file.agent.name, file.agent)
    return dict(sorted(found.items()))


def agents_of_project(cwd: str | Path) -> Iterator[AgentFile]:
    """The files of the project, the nearest first."""
    for folder, top in folders_upward(Path(cwd)):
        if folder != Path.home():
            yield from _files_below(folder, top)


def agent_problems(cwd: str | Path) -> list[str]:
    """The files that are left out, with the reason, a line each."""
    files = itertools.chain(agents_of_project(cwd), _files_below(Path.home(), Path.home()))
    return [f"{visible(file.path)}: {file.problem}" for file in files if file.problem]


def _files_below(folder: Path, top: Path) -> Iterator[AgentFile]:
    for place in AGENT_FOLDERS:
        try:
            paths = sorted(itertools.islice((folder / place).glob("*.md"), MOST_READ))
        except OSError:
            continue
        for path in paths:
            try:
                yield _read(path, text_in_folder(path, top, LARGEST))
            except FileNotFoundError:
                continue
            except Unreadable as why:
                yield AgentFile(path, problem=str(why))


def _read(path: Path, text: str) -> AgentFile:
    head = front_matter(text)
    name, description = head.line("name") or path.stem, head.line("description")
    if not description:
        return AgentFile(path, problem=head.problem or "its front matter has no description")
    if not head.body:
        return AgentFile(path, problem="it has no prompt below its front matter")
    listed = head.facts.get("tools", "")
    words = listed if isinstance(listed, list) else str(listed).split(",")
    tools = tuple(str(word).strip() for word in words if str(word).strip())
    model = head.line("model")
    if "/" not in model or problem_of(model):
        model = ""  # "sonnet" and "inherit" name no model here
    shown = visible(name[:MOST_NAME])
    agent = Agent(shown, visible(description[:MOST_DESCRIPTION]), tools, model, head.body)
    told = f"{shown}: {agent.description} (tools: {visible(', '.join(tools)) or 'all'}"
    told += f", model {visible(model)})" if model else ")"
    digest = hashlib.sha256(text.encode()).hexdigest()
    return AgentFile(path, agent, Item("agent", visible(path), (told,), digest))
