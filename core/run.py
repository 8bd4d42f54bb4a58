"""A run in the words that need nothing else: its mode, its stop, whether it is a sub-agent's."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

Mode = Literal["ask", "auto", "read-only", "yolo"]
#: What a command may reach (tools/workspace/command_sandbox). network: the working directory,
#: caches and the network. offline: no network, no secret files. read-only: that, and nothing is
#: written. outside: no sandbox.
Reach = Literal["network", "offline", "read-only", "outside"]


class StopSignal:
    """The cooperative Ctrl-C: nodes race their work against it and return what they have.

    Cancelling the graph's own task instead leaves locks and broken histories (measured: 30
    of 300 random cancels), so nothing here ever does.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._watchers: list[Callable[[], None]] = []
        self.reason = ""

    def set(self, reason: str = "interrupted") -> None:
        """`reason` is "interrupted" for a user's stop, else the limit that was reached."""
        if not self._is_set:
            self.reason = reason
            self._is_set = True
            for tell in list(self._watchers):
                tell()

    def clear(self) -> None:
        self.reason = ""
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set

    @contextmanager
    def telling(self, tell: Callable[[], None]) -> Iterator[None]:
        """While the block runs, `tell` is called when the signal is set; soon, if it is."""
        self._watchers.append(tell)
        if self._is_set:
            asyncio.get_running_loop().call_soon(tell)
        try:
            yield
        finally:
            self._watchers.remove(tell)


@dataclass(frozen=True)
class SubagentRun:
    """What makes a run a sub-agent's: the call whose work it is, and its own system prompt.
    In it no one is asked. copy_of: the folder whose copy it works in, and outside of which it
    writes nothing; "": it works in the thread's own folder."""

    call_id: str
    prompt: str
    copy_of: str = ""
