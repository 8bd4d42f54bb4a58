"""Slash commands as files: `commands/*.md` beside the user's settings, and in a folder's .ml-agent.

A folder's command is a message that it puts into your mouth, so it counts only once it is trusted.
"""

import hashlib
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from configs.folder_files import Unreadable, text_in_folder
from configs.trust import Answers, Item
from configs.visible import visible

NAME = re.compile(r"[\w-]+")
#: Files in a folder of commands that are looked at.
MOST = 200


def command_texts(folder: Path) -> Iterator[tuple[str, str]]:
    """(name, text) of the commands that count in `folder`: the user's own, then the folder's that
    are trusted."""
    own = platformdirs.user_config_path("ml-agent")
    yield from _texts(own / "commands", own)
    answers = Answers(folder)
    for name, text, item in commands_of_folder(folder):
        if answers.about(item):
            yield name, text


def commands_of_folder(folder: Path) -> Iterator[tuple[str, str, Item]]:
    """(name, text, what is to be trusted) of the commands that the folder brings."""
    for name, text in _texts(folder / ".ml-agent" / "commands", folder):
        shown = f"/{name}: {visible(' '.join(text.split()))[:200]}"
        yield name, text, Item("command", f"/{name}", (shown,), _digest(text))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _texts(place: Path, top: Path) -> Iterator[tuple[str, str]]:
    try:
        paths = sorted(itertools.islice(place.glob("*.md"), MOST))
    except OSError:
        return
    for path in paths:
        if not NAME.fullmatch(path.stem):
            continue
        try:
            yield path.stem, text_in_folder(path, top)
        except (FileNotFoundError, Unreadable):
            continue
