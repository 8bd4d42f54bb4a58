"""What the sandbox refused, read from the output of a command that failed.

The system only says that something failed. Without these words a model tries the same again, or
takes the sandbox for a broken machine.
"""

import os
import re
from collections.abc import Mapping
from typing import Any

from configs.real_path import real_path
from core.backend import Meta
from core.policy.paths import inside
from tools.workspace.command_sandbox.changes import changed

WRITE = re.compile(r"Read-only file system|\[Errno 30\]|EROFS|os error 30")
DENIED = re.compile(r"Permission denied|\[Errno 13\]|EACCES|Operation not permitted|\[Errno 1\]")
BUSY = re.compile(r"Device or resource busy|\[Errno 16\]|EBUSY")
NETWORK = re.compile(
    r"Network is unreachable|No route to host|Could not resolve|Couldn't resolve|"
    r"Temporary failure in name resolution|Name or service not known|getaddrinfo|EAI_AGAIN|"
    r"nodename nor servname|Failed to resolve|NameResolutionError|dns error|Cannot assign requested"
)
KEYS = re.compile(r"Permission denied \(publickey|Host key verification failed")
#: A path in a message: quoted, or a word that begins like one.
PATH = re.compile(r"""['"‘`]((?:~|/)[^'"’`\n]+)['"’`]|(?<![\w.~/-])((?:~/|/)[^\s:'"‘’`,;)]+)""")
#: How a shell begins its complaints: with its own path.
SHELL = re.compile(r"^\S*sh: (?:line )?\d+: ")
#: Paths that are named at most.
NAMED = 3
NEXT = (
    "If the command needs it, call bash again with outside_sandbox=true: the user is asked. "
    "Or the user adds the folder to the setting sandbox_writable."
)
NEXT_READ = "If the command needs it, call bash again with outside_sandbox=true: the user is asked."


def report(output: str, code: int | None, meta: Meta | None) -> str:
    """What the sandbox refused a command that failed, and what the command left that may run
    later; "" if there is nothing to say. Looks at the disk."""
    if meta is None or not meta.sandbox:
        return ""
    refused = refusal(output, meta.sandbox) if code != 0 else ""
    folder, before = meta.sandbox.get("folder"), meta.sandbox.get("marks")
    left = changed(before, folder) if before is not None and folder else ""
    return "\n".join(part for part in (refused, left) if part)


def refusal(output: str, sandbox: Mapping[str, Any]) -> str:
    """What the sandbox refused, with the next step; "" if nothing of the kind is in `output`.

    `sandbox`: what the run directory keeps of it (`Wrapped.about`).
    """
    lines = output.splitlines()[-400:]
    hidden = [str(path) for path in sandbox.get("hidden", ())]
    by = str(sandbox.get("by", ""))
    for line in lines:
        unseen = [path for path in _paths(line) if any(inside(path, one) for one in hidden)]
        if unseen and _is_failure(line):
            return _said(f"reading {unseen[0]} (hidden: credentials or ml-agent's own)", NEXT_READ)
    if any(KEYS.search(line) for line in lines) and any(p.endswith("/.ssh") for p in hidden):
        return _said("the use of your SSH keys (~/.ssh is hidden)", NEXT_READ)
    refused = [line for line in lines if _is_refused_write(line, by)]
    if refused:
        named = list(dict.fromkeys(path for line in refused for path in _paths(line)))
        where = f" to {', '.join(named[:NAMED])}" if named else ""
        return _said(f"writing{where}", NEXT if sandbox.get("reach") != "read-only" else NEXT_READ)
    offline = sandbox.get("reach") in ("offline", "read-only")
    if offline and any(NETWORK.search(line) for line in lines):
        return _said("the network (a command that runs without a question has none)", NEXT_READ)
    return ""


def _is_refused_write(line: str, by: str) -> bool:
    if WRITE.search(line) or BUSY.search(line):
        return True
    # Without mounts of its own a sandbox can only deny.
    return by in ("Landlock", "Seatbelt") and DENIED.search(line) is not None


def _is_failure(line: str) -> bool:
    return bool(
        DENIED.search(line) or WRITE.search(line) or "No such file" in line or "not found" in line
    )


def _paths(line: str) -> list[str]:
    found = [(m[1] or m[2]).rstrip(".") for m in PATH.finditer(SHELL.sub("", line))]
    return [real_path(os.path.expanduser(path)) for path in found]


def _said(what: str, step: str) -> str:
    return f"[The command sandbox refused {what}. {step}]"
