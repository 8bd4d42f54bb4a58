"""What the last event of a turn says it cost, next to the ledger and what was really charged."""

import asyncio
import os
import random
import signal
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from pydantic import BaseModel

from cli.shared.render import closing, duration, money
from configs.sections import Budget
from configs.settings import Settings
from core.effects import Effect
from core.events import TurnComplete
from core.model import Answer
from core.store import open_store
from core.tool import AgentTool, ToolContext, ToolResult
from graph.session import RunOptions, Session
from tests.stand_ins.model_in_memory import ModelInMemory
from tools import builtin_tools


class Nothing(BaseModel):
    """Arguments of a call that has none."""


class Paid(AgentTool):
    """A call that spends: less than foreseen, or what it still costs is not known yet."""

    name: str = "paid"
    description: str = "spends"
    args_schema: type[BaseModel] = Nothing
    world: Any = None

    def effect(self, arguments: Any, cwd: str) -> Effect:
        return Effect("spend", preview="spend")

    async def foresee(self, arguments: Any, ctx: ToolContext) -> Effect:
        return Effect("spend", price_micro_usd=500_000, preview="spend")

    async def execute(self, arguments: Any, ctx: ToolContext) -> ToolResult:
        await ctx.note({})
        goes_on = self.world.rng.random() < 0.3
        cost = 500_000 if goes_on else self.world.rng.randint(0, 500_000)
        self.world.charged += cost
        return ToolResult("done", cost_micro_usd=cost, still_costs=goes_on)


class Spender(ModelInMemory):
    """A model client whose answers cost something, and the tally of all charges."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.charged = 0
        self.left = 0

    async def answer(self, model: str, messages: Any, tools: Any, **more: Any) -> Answer:
        cost = self.rng.randint(0, 90_000)
        self.charged += cost
        calls: list[dict[str, Any]] = []
        inside = "paid" not in {tool.name for tool in tools}
        if self.left and not inside:
            self.left -= 1
            names = [self.rng.choice(("paid", "research")) for _ in range(self.rng.randint(1, 2))]
            arguments = {"paid": {}, "research": {"task": "Find out."}}
            calls = [
                {"name": name, "args": arguments[name], "id": f"c{n}"}
                for n, name in enumerate(names)
            ]
        return Answer(AIMessage("" if calls else "said", tool_calls=calls), "stop", (), cost)

    def price(self, model: str) -> tuple[float, float]:
        return 1.0, 1.0


@pytest.mark.parametrize("part", range(3))
async def test_the_total_is_the_ledgers(part: int, settings: Settings, tmp_path: Path) -> None:
    """Model, sub-agents and calls that spend; before and after approvals, over a new process."""
    settings = settings.model_copy(update={"budget": Budget(thread=100.0)})
    for seed in range(part * 10, part * 10 + 10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        spender = Spender(seed)
        tools: dict[str, AgentTool] = {
            "paid": Paid(world=spender), "research": builtin_tools()["research"],
        }  # fmt: skip
        thread: str | None = None
        whole = 0
        for _ in range(3):
            spender.left, spender.charged = spender.rng.randint(0, 3), 0
            last: Any = None
            asked = False
            while last is None or last.name == "approval_required":
                options = RunOptions(mode=spender.rng.choice(("ask", "yolo")))
                async with Session.open(
                    settings,
                    cwd=folder,
                    thread=thread,
                    options=options,
                    models=spender,
                    tools=tools,
                ) as session:
                    waiting = await session.pending() if last is not None else []
                    events = (
                        session.resume([{"type": "approve"} for _ in waiting])
                        if waiting
                        else session.send("go")
                    )
                    asked = asked or bool(waiting)
                    last = [event async for event in events][-1]
                    thread = session.thread.id
                    spent = (await session.cost())["turn"]
                    summary = session.summary()
            assert isinstance(last, TurnComplete), last
            assert last.cost_micro_usd == spent.amount == summary["cost_micro_usd"]
            assert last.cost_micro_usd == spender.charged, seed
            assert bool(last.since) == asked
            whole += spender.charged
            left = 100_000_000 - whole
            assert last.left_micro_usd == summary["left_micro_usd"] == left
            told = f" · {money(spender.charged)} · {money(left)} left · {duration(last.seconds)}"
            assert told in closing(asdict(last))


class Doomed(Spender):
    """A spender whose tally is a file, and whose process is killed at one of its charges."""

    def __init__(self, seed: int, file: Path, dies_at: int = 0) -> None:
        self.rng = random.Random(seed)
        self._file = file
        self._dies_at = dies_at
        self._steps = seed % 3 + 1
        self.left = 0

    @property
    def charged(self) -> int:  # type: ignore[override]
        return sum(map(int, self._file.read_text().split())) if self._file.exists() else 0

    @charged.setter
    def charged(self, total: int) -> None:
        with self._file.open("a") as file:
            file.write(f"{total - self.charged}\n")
        if len(self._file.read_text().split()) == self._dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    async def answer(self, model: str, messages: Any, tools: Any, **more: Any) -> Answer:
        answers = [m for m in messages if isinstance(m, AIMessage)]
        self.left = max(0, self._steps - len(answers))
        return await super().answer(model, messages, tools, **more)


@pytest.mark.parametrize("part", range(3))
def test_after_a_kill_the_total_is_the_ledgers(
    part: int, settings: Settings, tmp_path: Path
) -> None:
    """A process is killed at a charge, of the model, of a sub-agent or of a call that spends; what
    the next one says at the end is what the ledger has of the whole turn."""
    killed = 0
    for seed in range(part * 10, part * 10 + 10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        tally = tmp_path / f"{seed}.txt"
        doomed = Doomed(seed, tally, dies_at=seed % 5 + 1)
        child = os.fork()
        if child == 0:
            try:
                asyncio.run(_driven_on(settings, folder, doomed, None))
            finally:
                os._exit(0)
        killed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        asyncio.run(_check_after(settings, folder, Doomed(seed + 1000, tally)))
    assert killed >= 5


async def _driven_on(settings: Settings, folder: Path, spender: Spender, thread: str | None) -> Any:
    """A turn to its end, or the rest of one; what waits is approved. Its last event."""
    tools = {"paid": Paid(world=spender), "research": builtin_tools()["research"]}
    options = RunOptions(mode=spender.rng.choice(("ask", "yolo")))  # type: ignore[arg-type]
    opened = Session.open(
        settings, cwd=folder, thread=thread, options=options, models=spender, tools=tools
    )
    async with opened as session:
        events = session.resume() if thread else session.send("go")
        last = [event async for event in events][-1]
        while last.name == "approval_required":
            yes = [{"type": "approve"} for _ in last.requests]
            last = [event async for event in session.resume(yes)][-1]
        spent = await session.cost()
        assert last.cost_micro_usd == spent["turn"].amount == spent["thread"].amount
        assert session.summary()["cost_micro_usd"] == spent["turn"].amount
        assert f" · {money(spent['turn'].amount)} · " in closing(asdict(last))
        return last


async def _check_after(settings: Settings, folder: Path, spender: Spender) -> None:
    async with await open_store(settings) as store:
        row = await store.threads.newest(str(folder))
    assert row is not None
    last = await _driven_on(settings, folder, spender, row.id)
    assert isinstance(last, TurnComplete)
    async with await open_store(settings) as store:
        ledger = await store.database.rows(
            "SELECT SUM(amount) FROM ledger WHERE thread = ?", [row.id]
        )
    assert ledger == [(last.cost_micro_usd,)]


def test_the_closing_line() -> None:
    done = TurnComplete(
        status="done",
        text="",
        iterations=1,
        usage={"input": 2000, "cached": 1000, "output": 30},
        cost_micro_usd=1_399_200,
        seconds=91.2,
    )
    told = closing(asdict(done))
    assert told == "1 iteration · 2,000 in (50 % cached), 30 out · $1.40 · 1 min 31 s"
    done.since, done.seconds = 1.0, 7300.0
    told = closing(asdict(done), done.since)
    assert told.endswith(" · 2 h 1 min since 1970-01-01 " + told[-5:])
