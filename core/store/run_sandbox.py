"""What a command's sandbox was, stored once for all runs in the same one."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from configs.folders import write_atomically


def kept_sandbox(folder: Path, sandbox: dict[str, Any] | None) -> dict[str, Any] | None:
    """Write what the sandbox is into a file that all runs in the same one share: it is longer
    than most commands, and rarely changes. Returns what leads there."""
    if sandbox is None:
        return None
    global _last
    if _last is None or _last[0] != sandbox:
        text = json.dumps(sandbox)
        _last = sandbox, hashlib.sha256(text.encode()).hexdigest()[:16], text
    _, name, text = _last
    shared = f"{folder.parent.parent}/sandboxes/{name}.json"
    if not os.path.exists(shared):
        write_atomically(shared, text)
    return {"same": name}


#: The last sandbox with its name and text: the next command's is the same, most often.
_last: tuple[dict[str, Any], str, str] | None = None


def sandbox_of(folder: Path, sandbox: dict[str, Any] | None) -> dict[str, Any] | None:
    """The inverse. Older runs hold their sandbox themselves. Empty if the file is gone: what
    became of the command can be told without it."""
    if sandbox is None or "same" not in sandbox:
        return sandbox
    try:
        found = folder.parent.with_name("sandboxes") / f"{sandbox['same']}.json"
        return dict(json.loads(found.read_text()))
    except (OSError, ValueError):
        return {}
