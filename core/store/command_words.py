"""The words that run a shell command."""

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
    return shutil.which("bash") or "/bin/sh"
