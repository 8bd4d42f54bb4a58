"""What is remembered of servers on disk: tool lists by configuration, and what a thread uses.

    <state>/mcp/<digest>.json          {"tools", "prompts", "resources": [...]} or
                                       {"trouble": "..."}, of the last start
    <state>/threads/<thread>/mcp.json  {server: {"digest", "tools"}}, as the thread's model saw them

A thread's own lists keep its requests byte-identical while a server changes its tools.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from configs.trust import write_json

#: A tool as its server lists it: {name, description, inputSchema, outputSchema?,
#: annotations?}.
Listed = dict[str, Any]


class Cache:
    """Blocking: call its methods in a thread. What cannot be read is as if it were not there."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def list_of(self, digest: str, what: str = "tools") -> list[Listed] | None:
        """The server's tools, prompts or resources, as it last listed them."""
        found = _read(self._list_file(digest)).get(what)
        return found if isinstance(found, list) else None

    def trouble_of(self, digest: str) -> str:
        """Why it did not start the last time; empty: it did, or was never started."""
        return str(_read(self._list_file(digest)).get("trouble", ""))

    def keep_lists(self, digest: str, lists: Mapping[str, list[Listed]]) -> None:
        self._keep(digest, lists)

    def keep_trouble(self, digest: str, trouble: str) -> None:
        """A list that is known stays: the server may be back the next time."""
        if self.list_of(digest) is None:
            self._keep(digest, {"trouble": trouble})

    def of_thread(self, thread: str) -> dict[str, dict[str, Any]]:
        """{server: {"digest", "tools"}} that the thread was offered."""
        return {k: v for k, v in _read(self._thread_file(thread)).items() if isinstance(v, dict)}

    def keep_of_thread(self, thread: str, used: Mapping[str, Mapping[str, Any]]) -> None:
        self._write(self._thread_file(thread), used)

    def log_of(self, digest: str) -> Path:
        """Where what the server says on stderr goes."""
        return self._state / "mcp" / f"{digest}.log"

    def sign_in_of(self, digest: str) -> Path:
        """Where the tokens of a sign-in are kept."""
        return self._state / "mcp" / f"{digest}.oauth.json"

    def _list_file(self, digest: str) -> Path:
        return self._state / "mcp" / f"{digest}.json"

    def _thread_file(self, thread: str) -> Path:
        return self._state / "threads" / thread / "mcp.json"

    def _keep(self, digest: str, data: Any) -> None:
        self._write(self._list_file(digest), data)

    def _write(self, path: Path, data: Any) -> None:
        if _read(path) != data:
            write_json(path, data)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
