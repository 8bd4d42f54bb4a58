"""What a thread's first message tells of where it works: date, folder, platform, git, and what
the project asks for. Stored once, so that the system prompt stays byte-identical."""

import platform
import re
import socket
import time
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage

from configs.folder_files import Unreadable, read_regular
from configs.instructions import project_instructions
from configs.visible import visible
from core.credentials import is_shared
from core.durable import InboxRow
from core.secrets.redaction import redacted
from core.state import OURS

#: What HEAD names on a branch; other characters would be words of a stranger's to the model.
BRANCH = re.compile(r"ref: refs/heads/([\w./@+#-]{1,200})")
#: HEAD, and a file that is for .git, are shorter.
HEAD_BYTES = 4096


def surroundings(cwd: str, now: float, left: str = "", there: str = "") -> str:
    """The block before a user's words; told again on another machine. Reads files: call
    it in a thread.

    Args:
        left: the host that the thread was on before. there: where commands run and files live, if
            not here.
    """
    day = time.strftime("%Y-%m-%d", time.localtime(now))
    lines = [
        f"date: {day}",
        f"working directory: {visible(cwd)}",
        f"platform: {platform.platform()}",
    ]
    lines += [] if is_shared() else _git(cwd)
    if there:
        lines.append(f"commands and files: {there}")
    if left:
        lines.append(
            f"This thread was on the machine {left} and continues on {socket.gethostname()}: files "
            f"and processes of {left} did not travel, unless they are on a shared disk. Look "
            "before you rely on them."
        )
    block = "<environment>\n" + "\n".join(lines) + "\n</environment>"
    # A server's folders and its home are none of the user's.
    asked = "" if left or is_shared() else project_instructions(cwd)
    return redacted(f"{block}\n\n{asked}" if asked else block)


def _git(cwd: str) -> list[str]:
    """The branch of the repository around `cwd`; [] outside of one. Read from its HEAD: git itself
    would follow settings of the folder that start programs."""
    for folder in (Path(cwd), *Path(cwd).parents):
        found = folder / ".git"
        if found.is_file():
            # A worktree or a submodule: the file names the place.
            where = _first_line(found).removeprefix("gitdir:").strip()
            found = folder / where
        head = _first_line(found / "HEAD")
        if head:
            branch = BRANCH.fullmatch(head)
            return [f"git branch: {branch[1]}"] if branch else []
    return []


def _first_line(path: Path) -> str:
    """ "" for what is not a regular file that can be read."""
    try:
        return (read_regular(path, HEAD_BYTES).decode("utf-8", "replace").splitlines() or [""])[0]
    except (OSError, Unreadable):
        return ""


def user_message(thread: str, row: InboxRow, turn: int, block: str, now: float) -> HumanMessage:
    return HumanMessage(
        content=block + row.text,
        id=f"in-{thread}-{row.seq}",
        additional_kwargs={OURS: {"text": row.text, "at": now, "turn": turn}},
    )


def with_surroundings(message: BaseMessage, block: str) -> HumanMessage:
    """A user's message that came without us, as `user_message` would have made it."""
    content: str | list[str | dict[str, Any]] = block + str(message.content)
    if isinstance(message.content, list):
        content = [{"type": "text", "text": block}, *message.content]
    kept = {**message.additional_kwargs, OURS: {"text": str(message.text)}}
    return HumanMessage(content=content, id=message.id, additional_kwargs=kept)
