"""What a thread's endpoints, and Spaces on rented hardware, run up: each deploy, resume or rent is
a run with a time limit.

The Hub has no such limit: a run that is over is ended at the next look of the session.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from langchain_core.messages import HumanMessage

from core.errors import AgentError
from core.events import Emit, ToolLog
from core.history import note as told_note
from core.hub.connection import Hub
from core.tool import Services
from core.units import dollars, duration
from tools.hub.endpoints.service import ask, find

#: The hardware of a Space that costs nothing.
FREE = "cpu-basic"
Runs = list[tuple[str, dict[str, Any]]]


async def open_runs(services: Services, thread: str, name: str = "") -> Runs:
    """(call id, note) of each run that was not ended yet; `name`: of one endpoint, or Space."""
    notes = await services.journal.notes(thread, "hf_endpoint", "hf_repo")
    return [
        (call, note)
        for call, note in notes
        if note.get("until") and "cost" not in note and name in ("", note["endpoint"])
    ]


def cost_so_far(note: dict[str, Any], now: float) -> int:
    """Micro-USD at most, by the begun minute, as the service bills."""
    minutes = math.ceil(max(now - float(note["at"]), 0.0) / 60)
    return math.ceil(int(note["hourly"]) * minutes / 60)


async def end_runs(services: Services, thread: str, name: str, *, but: str = "") -> str:
    """Book what the runs came to at most; in words, "" if there was none. `but`: a call whose run
    only begins."""
    total, now = 0, services.clock()
    runs = [run for run in await open_runs(services, thread, name) if run[0] != but]
    for call, note in runs:
        cost = cost_so_far(note, now)
        total += cost
        await services.ledger.settle(call, cost)
        await services.journal.note(thread, call, {**note, "cost": cost})
    return f" It cost at most {dollars(total)}." if runs else ""


async def overdue(
    services: Services, thread: str, told: list[str], emit: Emit
) -> tuple[list[HumanMessage], list[str]]:
    """Pause each endpoint, and put back each Space, whose time is over: (a message for each, what
    was told about)."""
    runs = await open_runs(services, thread)
    messages = []
    for call, note in _over(runs, services.clock(), told):
        name, namespace = note["endpoint"], note["namespace"]
        try:
            await _pause(Hub(services.settings), namespace, name)
        except AgentError as error:
            emit(ToolLog(id="", tool="hf_endpoint", text=f"{name} is not paused: {error.message}"))
            continue
        told = [*told, call]
        cost = await end_runs(services, thread, name)
        limit = duration(note["until"] - note["at"])
        done = f"Space {name} is on {FREE} again" if "/" in name else f"Endpoint {name} was paused"
        text = f"{done}: its {limit} are over.{cost}"
        emit(ToolLog(id="", tool="hf_endpoint", text=text))
        messages.append(told_note(text, f"endpoint-{call}"))
    return messages, told


async def _pause(hub: Hub, namespace: str, name: str) -> None:
    if "/" in name:
        free: Any = FREE
        await hub.ask(lambda api: api.request_space_hardware(name, free))
        return
    if await find(hub, namespace, name) is not None:
        await ask(hub, lambda api: api.pause_inference_endpoint(name, namespace=namespace))


def _over(runs: Runs, now: float, told: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The longest run of each endpoint, if it is over: a resumed one has a new limit."""
    latest: dict[str, tuple[str, dict[str, Any]]] = {}
    for call, note in runs:
        kept = latest.get(note["endpoint"])
        if kept is None or note["until"] > kept[1]["until"]:
            latest[note["endpoint"]] = (call, note)
    return ((c, n) for c, n in latest.values() if n["until"] <= now and c not in told)
