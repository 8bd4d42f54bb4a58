"""The memory of a folder, `.ml-agent/MEMORY.md`: short lasting facts that later sessions are told.

The model proposes changes with its file tools, and each needs the user's approval. The file counts
while the user trusts it as it is: what they approved or edited here, or answered yes to.
"""

import hashlib
import os
from pathlib import Path

from configs.folder_files import LARGEST_TEXT, Unreadable, read_in_folder
from configs.trust import Answers, Item, remember
from configs.visible import visible

#: The file, below the working directory.
NAME = ".ml-agent/MEMORY.md"
#: Characters that a session is told; the rest is named and can be read.
MOST_TOLD = 8_000


def memory_file(cwd: str | Path) -> Path:
    return Path(cwd) / NAME


def is_memory(path: str, *folders: str) -> bool:
    """Whether an absolute path is the memory of one of `folders`, the forms of one name."""
    return path in [os.path.join(folder, NAME) for folder in folders]


def memory_content(cwd: str | Path) -> bytes | None:
    """None if there is no such file. Raises Unreadable."""
    try:
        return read_in_folder(memory_file(cwd), Path(cwd), LARGEST_TEXT)
    except FileNotFoundError:
        return None


def memory_item(content: bytes) -> Item:
    """It as what is to be trusted."""
    lines = _text(content)[:MOST_TOLD].splitlines()
    shown = tuple(visible(line) for line in lines if line.strip())
    return Item("memory", NAME, shown, hashlib.sha256(content).hexdigest())


def memory_problem(cwd: str | Path) -> str:
    """Why it is left out; "" if it is not."""
    try:
        memory_content(cwd)
    except Unreadable as why:
        return f"{visible(memory_file(cwd))}: {why}"
    return ""


def is_trusted(cwd: str | Path, content: bytes | None) -> bool:
    """Whether it counts with this content; None, no file, has nothing that could do harm."""
    return content is None or Answers(cwd).about(memory_item(content)) is True


def trusted_memory(cwd: str | Path) -> str:
    """What a session is told; "" if there is none that counts."""
    try:
        content = memory_content(cwd)
    except Unreadable:
        return ""  # the user is told at the start: configs/folder.py
    if not content or not is_trusted(cwd, content):
        return ""
    text = _text(content).strip()
    more = len(text) - MOST_TOLD
    return f"{text[:MOST_TOLD]}\n[... {more:,} characters more]" if more > 0 else text


def keep_trust(cwd: str | Path, before: bytes | None, after: bytes) -> None:
    """The user approved or made a change: it counts as it is now, if it did before."""
    if is_trusted(cwd, before):
        remember(cwd, [memory_item(after)], trusted=True)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
