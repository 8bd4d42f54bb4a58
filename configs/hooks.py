"""Hooks: commands that run at events of a session, in the format of Claude Code's settings files.

    {"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "…"}]}]}}

The user's own are a setting. A folder has them in `.ml-agent/config.json` and in Claude Code's
files; those run programs, so each file counts only once it is trusted.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from configs.folder_files import Unreadable, text_in_folder
from configs.json_object import parsed
from configs.problems import SettingsProblem
from configs.servers import file_digests
from configs.trust import Answers, Item, digest_of
from configs.visible import visible

#: The events at which hooks run.
EVENTS = (
    "PreToolUse",
    "PostToolUse",
    "PostToolUseFailure",
    "UserPromptSubmit",
    "Stop",
    "SubagentStop",
    "PreCompact",
    "SessionStart",
    "SessionEnd",
    "Notification",
)
#: Claude Code's files in a folder, or in the user's home.
CLAUDE_FILES = (".claude/settings.json", ".claude/settings.local.json")
#: Words of a shell line, and what stands for the folder in it.
WORDS = re.compile(r"[^\s;|&<>()'\"`=]+")
PROJECT = re.compile(r"\$\{?CLAUDE_PROJECT_DIR\}?")

#: Groups by event, as plain data.
Hooks = dict[str, Any]


class Hook(BaseModel):
    """One command. Other types (`prompt`, `http`, `agent`) are left out and named."""

    type: str = "command"
    command: str = Field("", max_length=10_000)
    timeout: float | None = Field(None, gt=0, le=3600, description="seconds; default 60")


class HookGroup(BaseModel):
    """Commands for what `matcher` fits: a name, `Edit|Write`, a regular expression, or all."""

    matcher: str = Field("", max_length=1000)
    hooks: list[Hook] = Field(default_factory=list)


@dataclass(frozen=True)
class HookFile:
    """The hooks of one file of a folder. problems: what of it is left out, a sentence each."""

    hooks: Hooks
    item: Item | None
    problems: tuple[str, ...] = ()


def trusted_hooks(folder: Path, own: Any, answers: Answers) -> tuple[list[Hooks], list[Item]]:
    """(the hooks of each file that is trusted, all files as items). `own`: what
    `.ml-agent/config.json` has as `hooks`. Raises SettingsProblem if that cannot be used."""
    ours = _hook_file(".ml-agent/config.json", own, folder)
    if ours.problems:
        raise SettingsProblem(ours.problems[0])
    found = [ours, *claude_hooks(folder)]
    items = [file.item for file in found if file.item is not None]
    return [f.hooks for f in found if f.item and answers.about(f.item)], items


def claude_hooks(folder: Path) -> Iterator[HookFile]:
    """The hooks of Claude Code's files in `folder`; nothing else of these files counts."""
    for name in CLAUDE_FILES:
        path = folder / name
        try:
            data = parsed(text_in_folder(path, folder), path)
        except FileNotFoundError:
            continue
        except Unreadable as why:
            yield HookFile({}, None, (f"{visible(path)}: {why}",))
        except SettingsProblem as problem:
            yield HookFile({}, None, (str(problem),))
        else:
            yield _hook_file(name, data.get("hooks", {}), folder)


def _hook_file(name: str, data: Any, folder: Path) -> HookFile:
    hooks, problems = usable(data)
    problems = [f"{visible(folder / name)}: hooks: {problem}" for problem in problems]
    if not hooks:
        return HookFile({}, None, tuple(problems))
    commands = [hook["command"] for groups in hooks.values() for g in groups for hook in g["hooks"]]
    files: dict[str, str] = {}
    for command in dict.fromkeys(commands):
        files |= file_digests(_words(command), folder)
    digest = digest_of({"hooks": hooks, "files": files})
    return HookFile(hooks, Item("hook", name, tuple(_shown(name, hooks)), digest), tuple(problems))


def _words(command: str) -> list[str]:
    """All that could name a file in a shell line, with and without its quotes."""
    command = PROJECT.sub(".", command)
    plain = WORDS.findall(command.replace('"', "").replace("'", ""))
    try:
        return [*plain, *shlex.split(command)]
    except ValueError:
        return plain


def _shown(name: str, hooks: Mapping[str, Any]) -> Iterator[str]:
    for event, groups in hooks.items():
        for group in groups:
            matched = f" {visible(group['matcher'])}" if group["matcher"] else ""
            for hook in group["hooks"]:
                yield f"{name}: {event}{matched}: {visible(hook['command'])}"


def usable(data: Any) -> tuple[Hooks, list[str]]:
    """(what of `data` can run here, as plain data; what is left out, in words)."""
    if not isinstance(data, dict):
        return {}, ["expected an object by event"]
    hooks: Hooks = {}
    problems = []
    for event, groups in data.items():
        if event not in EVENTS:
            problems.append(f"{visible(event)[:60]} is not an event of ML Agent")
            continue
        for group in groups if isinstance(groups, list) else [groups]:
            try:
                kept = HookGroup.model_validate(group)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                place = ".".join(map(str, first["loc"]))
                problems.append(f"{event}: {visible(place)}: {first['msg']}")
                continue
            others = [h.type for h in kept.hooks if h.type != "command" or not h.command.strip()]
            problems += [f"{event}: type {visible(kind)[:60]} does not run here" for kind in others]
            kept.hooks = [h for h in kept.hooks if h.type == "command" and h.command.strip()]
            if kept.hooks:
                hooks.setdefault(event, []).append(kept.model_dump())
    return hooks, problems
