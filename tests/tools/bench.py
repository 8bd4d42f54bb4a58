"""Calling tools as the graph does, without a model: real services over a store on disk."""

import itertools
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.durable import Scope
from core.effects import Effect
from core.events import Event
from core.history import Call
from core.run import Reach
from core.store.runs import Run
from core.tool import AgentContext, Services, ToolContext, ToolResult
from nodes.permitted import Permitted
from nodes.run_call import run_once
from nodes.step import Step
from nodes.validate import validated

THREAD = "t1"


class Bench:
    """A workplace: services, a working directory, and every event that was told. `sandbox`: its
    calls may start the sandbox of the thread."""

    def __init__(
        self, services: Services, cwd: Path, *, sandbox: bool = False, thread: str = THREAD
    ) -> None:
        self.services = services
        self.thread = thread
        self.sandbox = sandbox
        self.cwd = cwd
        self.events: list[Event] = []
        self._ids = (f"call_{n:024x}" for n in itertools.count(1))
        self.last_id = ""
        #: Where paths led when the next calls were judged.
        self.places: dict[str, str] = {}
        self.reach: Reach = "network"

    async def call(self, tool: str, /, *, call_id: str = "", **arguments: Any) -> ToolResult:
        """One call, journal and boundary included; `call_id` again is what a resume does."""
        self.last_id = call_id or self.new_id()
        call = Call(self.last_id, tool, arguments)
        permitted = Permitted(call, sandbox=self.sandbox, places=self.places, reach=self.reach)
        return await self.run(permitted)

    async def run(self, permitted: Permitted, cap: int | None = None) -> ToolResult:
        """A call of a run that may spend `cap` micro-USD."""
        context = AgentContext(cwd=str(self.cwd), max_cost_micro_usd=cap)
        step = Step(self.services, context, self.thread, str(self.cwd), self.events.append)
        return await run_once(step, permitted, Scope(self.thread, "i", "t", "2026-11-21"))

    async def foreseen(self, name: str, /, **arguments: Any) -> Effect:
        """What the approval of a call would show."""
        tool, given = validated(Call("c", name, arguments), self.services.tools)

        async def no_note(evidence: dict[str, Any]) -> None:
            raise AssertionError("nothing has begun")

        place = (THREAD, str(self.cwd), self.services, self.events.append)
        return await tool.foresee(given, ToolContext("c", name, *place, no_note))

    def new_id(self) -> str:
        # The front is what `process` shows, so it has to differ.
        return f"call_{next(self._ids)[:4:-1]}"

    async def begun(self, call_id: str, tool: str, note: dict[str, Any] | None) -> None:
        """Leave the journal as a process does that was killed in the middle of a call."""
        await self.services.journal.begin(self.thread, call_id, tool)
        if note is not None:
            await self.services.journal.note(self.thread, call_id, note)

    def run_of(self, call_id: str) -> Run:
        return Run(self.services.outputs.run(self.thread, call_id))

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.cwd / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def logs(self) -> list[str]:
        return [event.text for event in self.events if event.name == "tool_log"]


def until(ready: Callable[[], Any], seconds: float = 30) -> Any:
    """Wait for something to become true: a watchdog, not a measurement."""
    deadline = time.monotonic() + seconds
    while not (found := ready()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet buried does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def sleeper() -> str:
    """Seconds that a command may `sleep` for hours, as nothing else on this machine does: in a
    sandbox a process has another number than here, so that it is known by its words."""
    return f"36{secrets.randbelow(10**6):06d}"


def sleeps(seconds: str) -> bool:
    """Whether a `sleep` of a `sleeper` runs."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:2] == [b"sleep", seconds.encode()] and alive(int(folder.name)):
            return True
    return False
