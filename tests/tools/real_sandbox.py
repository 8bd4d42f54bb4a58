"""Command sandboxes as this kernel has them, for tests that really start something in one."""

from collections.abc import Callable
from typing import Any

import pytest

from configs.settings import Settings
from tools.workspace.command_sandbox import CommandSandbox, Wrapped, find


def needs(kind: str) -> None:
    """Skip the test where commands cannot run in this kind of sandbox."""
    found = find(kind)
    if found.kind == "none":
        pytest.skip(f"this kernel has no {kind}: {'; '.join(found.reasons)}")


class Late(CommandSandbox):
    """`planned` is called after each plan, before the program that carries it out; `tried`: what
    was planned."""

    def __init__(self, settings: Settings, planned: Callable[[], None] = lambda: None) -> None:
        super().__init__(settings, "bubblewrap")
        self.planned = planned
        self.tried: list[Wrapped] = []

    def wrap(self, *given: Any, **named: Any) -> Wrapped:
        self.tried.append(super().wrap(*given, **named))
        self.planned()
        return self.tried[-1]
