"""The words that run a shell command."""

import os
import shutil
from pathlib import Path

#: Bytes of a command that is passed as an argument.
LONGEST_ARGUMENT = 100_000


def command_words(folder: Path, command: str) -> list[str]:
    """The words that run a shell command. A long one (a script in a heredoc) goes by a file in the
    run directory: Linux takes at most 128 KiB as one argument. Blocks."""
    if len(command.encode(errors="surrogateescape")) < LONGEST_ARGUMENT:
        return [shell(), "-c", command]
    if "\0" in command:
        raise ValueError("embedded null byte")  # as of an argument
    (folder / "command").write_bytes(command.encode(errors="surrogateescape"))
    return [shell(), str(folder / "command")]


def shell() -> str:
    """The shell that runs commands: bash where there is one."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        # As `shutil.which` looks for it, in a fifth of its time.
        path = f"{folder}/bash"
        if folder.startswith(os.sep) and os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return shutil.which("bash") or "/bin/sh"
