"""Tool calls put together from the pieces of a stream.

A piece belongs to a call by its id first, then by a new name, then by its index: servers send
index 0 for all, none at all, one id for all, a new id with each piece, or the name again and
again. Names and ids are set, never added up. A call must not run with another's arguments.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.models.wire.arguments import is_whole


@dataclass
class RawCall:
    """A call as it came. `extra`: what the provider needs back with it (a thought signature)."""

    id: str = ""
    name: str = ""
    index: int | None = None
    arguments: Any = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether its arguments need no further piece."""
        if not isinstance(self.arguments, str):
            return self.arguments is not None
        return bool(self.arguments.strip()) and is_whole(self.arguments)

    def add(self, arguments: Any) -> None:
        if isinstance(arguments, str) and isinstance(self.arguments, str):
            self.arguments += arguments
        elif arguments is not None and arguments != "":
            # An object instead of text: there is nothing to add to.
            both = bool(self.arguments)
            self.arguments = f"{self.arguments}{json.dumps(arguments)}" if both else arguments


class Calls:
    """The calls of one answer, in the order in which they began."""

    def __init__(self) -> None:
        self.all: list[RawCall] = []

    def add(
        self,
        *,
        id: Any = None,
        name: Any = None,
        index: Any = None,
        arguments: Any = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """One piece, each field as the server sent it; None or "" where it sent none."""
        id = "" if id is None else str(id)
        name = name if isinstance(name, str) else ""
        index = index if isinstance(index, int) and not isinstance(index, bool) else None
        call = self._of(id, name, index, arguments)
        if call is None:
            call = RawCall(index=index)
            self.all.append(call)
        call.id = call.id or id
        call.name = call.name or name
        call.add(arguments)
        call.extra.update(extra or {})

    def _of(self, id: str, name: str, index: int | None, arguments: Any) -> RawCall | None:
        """The call that a piece continues; None: it begins one."""
        here = self._newest(index)
        if id:
            same = next((c for c in reversed(self.all) if c.id == id), None)
            if same is not None:
                return None if _is_another(same, name, index, arguments) else same
            # A new id begins a call, unless the open one at this place has none yet, or a server
            # makes up a new id for each piece (which then has no name).
            if here is None:
                return None
            if not name:
                return None if here.is_complete else here
            # A name without an id came first, and nothing of the arguments.
            return here if not here.id and here.name in ("", name) and not here.arguments else None
        if name:
            if here is None or _is_another(here, name, index, arguments):
                return None
            return here
        return here

    def _newest(self, index: int | None) -> RawCall | None:
        """The newest call at `index`; of a piece without one, or a call without one, the newest."""
        if not self.all:
            return None
        if index is None:
            return self.all[-1]
        found = next((c for c in reversed(self.all) if c.index == index), None)
        return found or (self.all[-1] if self.all[-1].index is None else None)


def _is_another(call: RawCall, name: str, index: int | None, arguments: Any) -> bool:
    """Whether a piece that names `call`'s id, or a name at its place, begins another call."""
    if not name:
        return False
    if call.name and call.name != name:
        return True
    if None not in (index, call.index) and index != call.index:
        return True
    # The same name again: a repetition, unless the arguments are whole and new ones come.
    return call.is_complete and bool(call.name) and (bool(arguments) or not call.id)
