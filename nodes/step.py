"""What a node works with: made once at its start, and by a program that repairs a thread."""

import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from langgraph.runtime import Runtime

from core.durable import Caps, Scope
from core.events import Emit
from core.state import Turn
from core.tool import AgentContext, RunSubagent, Services, ToolContext
from nodes.budget import caps_of, key_of
from nodes.emit import emit_of
from nodes.interrupt import race
from nodes.server_errors import telling
from nodes.shared_services import cwd_of, services_of

T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """One step in a thread.

    Attributes:
        thread: the thread's id. cwd: absolute path of its working directory.
        emit: shows an event to the user. run: LangGraph's id of the run; empty outside of one.
        run_subagent: runs the graph inside a tool call.
    """

    services: Services
    context: AgentContext
    thread: str
    cwd: str
    emit: Emit = lambda event: None
    run: str = ""
    run_subagent: RunSubagent | None = None

    @classmethod
    async def of(
        cls, runtime: Runtime[AgentContext], run_subagent: RunSubagent | None = None
    ) -> "Step":
        info, context = runtime.execution_info, runtime.context
        thread = info.thread_id or "" if info else ""
        emit = emit_of(runtime)
        with telling(emit, context):
            services = await services_of(runtime)
        return cls(
            services=services,
            context=context,
            thread=thread,
            cwd=await cwd_of(context),
            emit=emit,
            run=info.run_id or "" if info else "",
            run_subagent=run_subagent,
        )

    @property
    def caps(self) -> Caps:
        return caps_of(self.context, self.services.settings)

    @property
    def model(self) -> str:
        """The run's model; in a turn `limits.model_of` knows the fallback, too."""
        return self.context.model or self.services.settings.model_name

    def scope(self, turn: Turn) -> Scope:
        """What the charges of a turn count toward."""
        return self.scope_of(key_of(self.thread, turn))

    def scope_of(self, turn_key: str) -> Scope:
        day = time.strftime("%Y-%m-%d", time.localtime(self.services.clock()))
        invocation = self.context.invocation or self.run or self.thread
        return Scope(self.thread, invocation, turn_key, day)

    async def race(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`; raises Stopped as soon as the run is stopped."""
        return await race(work, self.services.stop)

    def looking(self, call_id: str, tool: str, *, wait: bool = True) -> ToolContext:
        """The context of a call that is only looked at: nothing is done that needs a note."""
        return ToolContext(
            call_id, tool, self.thread, self.cwd, self.services, self.emit, _no_note, wait=wait
        )


async def _no_note(evidence: dict[str, Any]) -> None:
    """Nothing is done that needs evidence."""
