"""Who decides: a user at a terminal, and no command that the agent runs.

What a command could change about itself proves nothing: it can unset a variable, start a session
of its own, take a pseudo-terminal from `script`, or be left behind as a child of init. So three
things are looked at, and each must hold:

- the terminal: a command of the agent has none (it could take one);
- the ancestors: none is ml-agent, or carries its environment (a daemon has lost them);
- a mark that every child of ml-agent inherits and, without root, cannot take off: a hard limit
  that is lower than anyone else sets it. It concerns processes with real-time scheduling only.

Not covered: root, and programs that something else starts for the command (cron, `systemd-run`,
the shell of a tmux server). The sandbox for commands keeps those away, and hides the database.
"""

import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path, PurePath

#: Microseconds of RLIMIT_RTTIME. rtkit and PipeWire set 200,000; most systems set no limit.
MARK = 190_000
AGENT = "ml-agent"
#: Set by `mark_children`: whether this process had inherited the mark before.
_inherited: list[bool] = []


def mark_children() -> None:
    """Mark this process, so that all its children are known as the agent's. Linux only."""
    if not _inherited:
        _inherited.append(_is_marked())
    limit = getattr(resource, "RLIMIT_RTTIME", None)
    if limit is not None and not _is_marked():
        try:
            resource.setrlimit(limit, (MARK, MARK))
        except (OSError, ValueError):
            return  # some containers forbid it; terminal and ancestors are left


def by_a_person(what: str, *, terminal: bool = True) -> None:
    """Raises UsageError in a command of the agent and, with `terminal`, without a terminal.

    Args:
        what: what is denied, as a verb: "approve a call".
    """
    from core.errors import UsageError

    if _is_agents():
        raise UsageError(
            f"cannot {what} from a command of the agent: only the user can",
            "run it in your own terminal",
        )
    if terminal and not _has_terminal():
        raise UsageError(
            f"cannot {what} without a terminal: only the user can",
            "run it in a terminal; over ssh: ssh -t",
        )


def _is_agents() -> bool:
    marked = _inherited[0] if _inherited else _is_marked()
    own = os.environ.get("AI_AGENT") == AGENT
    return own or marked or any(_is_ours(*one) for one in _ancestors())


def _is_marked() -> bool:
    limit = getattr(resource, "RLIMIT_RTTIME", None)
    if limit is None:
        return False
    hard = resource.getrlimit(limit)[1]
    return hard != resource.RLIM_INFINITY and hard <= MARK


def _has_terminal() -> bool:
    """Whether this process has a controlling terminal, whatever stdin is."""
    try:
        os.close(os.open(os.ctermid(), os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _is_ours(argv: list[str], environment: bytes) -> bool:
    """Whether a process is ml-agent, or was started by it with the environment of commands."""
    if f"AI_AGENT={AGENT}".encode() in environment.split(b"\0"):
        return True
    names = [PurePath(word).name for word in argv[:2]]
    if names and names[0].startswith("python"):
        return names[1:] == [AGENT] or argv[1:3] == ["-m", "cli.main"]
    return names[:1] == [AGENT] or "ml-agent-run" in argv


def _ancestors() -> Iterator[tuple[list[str], bytes]]:
    """(arguments, environment as far as it can be read) of each ancestor, the parent first."""
    pid, table = os.getppid(), {} if sys.platform == "linux" else _processes()
    seen: set[int] = set()
    while pid > 0 and pid not in seen:
        seen.add(pid)
        if sys.platform != "linux":
            pid, command = table.get(pid, (0, ""))
            yield command.split(), b""
            continue
        folder = Path(f"/proc/{pid}")
        yield (
            _read(folder / "cmdline").decode(errors="replace").rstrip("\0").split("\0"),
            _read(folder / "environ"),
        )
        # The name, in brackets, may hold anything: the parent's id is the second field after it.
        fields = _read(folder / "stat").rpartition(b")")[2].split()
        pid = int(fields[1]) if len(fields) > 1 else 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _processes() -> dict[int, tuple[int, str]]:
    """By process id: (the parent's, the command line)."""
    import subprocess

    try:
        listed = subprocess.run(
            ["ps", "-axo", "pid=,ppid=,command="], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return {}
    rows = (line.split(maxsplit=2) for line in listed.splitlines())
    return {int(row[0]): (int(row[1]), row[2]) for row in rows if len(row) == 3}
