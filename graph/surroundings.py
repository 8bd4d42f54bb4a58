"""What a thread's first message tells of where it works: date, folder, platform, git, and what
the project asks for. Stored once, so that the system prompt stays byte-identical."""

from __future__ import annotations

import platform
import socket
import subprocess
import time

from configs.instructions import project_instructions
from graph.environment import child_variables
from graph.redaction import redacted


def surroundings(cwd: str, now: float, left: str = "", there: str = "") -> str:
    """The block before a person's words; told again on another machine. Reads files and asks git:
    call it in a thread.

    Args:
        left: the host that the thread was on before. there: where commands run and files live, if
            not here.
    """
    day = time.strftime("%Y-%m-%d", time.localtime(now))
    lines = [f"date: {day}", f"working directory: {cwd}", f"platform: {platform.platform()}"]
    lines += _git(cwd)
    if there:
        lines.append(f"commands and files: {there}")
    if left:
        lines.append(
            f"This thread was on the machine {left} and goes on on {socket.gethostname()}: files "
            f"and processes of {left} did not travel, unless they are on a shared disk. Look "
            "before you rely on them."
        )
    block = "<environment>\n" + "\n".join(lines) + "\n</environment>"
    asked = "" if left else project_instructions(cwd)
    return redacted(f"{block}\n\n{asked}" if asked else block)


def _git(cwd: str) -> list[str]:
    """The branch, and how many tracked files differ from it; [] outside of a repository."""
    branch = _asked(cwd, "symbolic-ref", "--short", "HEAD")
    if branch is None:
        return []
    changed = _asked(cwd, "status", "--porcelain", "--untracked-files=no")
    if changed is None:
        return [f"git branch: {branch}"]
    return [f"git branch: {branch} (tracked files changed: {len(changed.splitlines())})"]


def _asked(cwd: str, *question: str) -> str | None:
    try:
        found = subprocess.run(
            ["git", "-C", cwd, *question],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=1,
            env={**child_variables().passed, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() if found.returncode == 0 else None
