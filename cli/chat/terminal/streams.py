"""Next to the screen: stdout and stderr while a prompt stands, and the file of the history."""

import os
from pathlib import Path

from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from cli.chat.terminal.screen import Screen
from configs.folders import make_private_folder


class Above:
    """stdout and stderr while the prompt stands: all output goes above it. The screen cleans
    it."""

    def __init__(self, screen: Screen, encoding: str) -> None:
        self._screen = screen
        self._rest = ""
        self.encoding = encoding

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._screen.write(line + "\n")
        return len(text)

    def flush(self) -> None:
        return

    def isatty(self) -> bool:
        return False


def history(state: Path) -> History:
    """What was typed, across sessions; in memory where the folder cannot be written."""
    path = state / "history"
    try:
        make_private_folder(state)
        os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o600))
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))
