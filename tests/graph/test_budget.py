"""Money: caps of all kinds, parallel calls, what is told of it, and that undo refunds nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from configs.sections import Budget
from configs.settings import Settings
from core.effects import Effect
from core.errors import ToolError
from core.tool import AgentTool, ToolContext, ToolResult
from graph.session import RunOptions, Session
from tests.graph.driving import Driver, driven
from tests.stand_ins.model_script import Asked, Call, Choose, Reply, Usage, by_step
from tests.stand_ins.model_server import ModelServer
from tools import builtin_tools

#: A model whose price LiteLLM knows: 2.5 and 10 USD a million tokens.
MODEL = "openai/gpt-4o"
ANSWER = Usage(input=1000, output=100)
COST = 3500


class RentArguments(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    price: int | None = None
    real: int | None = None
    fail: bool = False
    hours: int = Field(1, description="what for")


class Rent(AgentTool):
    """A call that spends: its effect is a file."""

    name: str = "rent"
    description: str = "Rent a machine, which costs money. For the tests of the ledger alone."
    args_schema: type[BaseModel] = RentArguments

    def effect(self, arguments: RentArguments, cwd: str) -> Effect:
        return Effect("spend", price_micro_usd=arguments.price, preview=arguments.name)

    async def execute(self, arguments: RentArguments, ctx: ToolContext) -> ToolResult:
        if arguments.fail:
            raise ToolError("there are no machines")
        await ctx.note({"name": arguments.name})
        Path(ctx.cwd, arguments.name).touch()
        return ToolResult("rented", cost_micro_usd=arguments.real)


@asynccontextmanager
async def renting(
    script: Choose | list[Reply], settings: Settings, cwd: Path, **options: Any
) -> AsyncIterator[Driver]:
    """A session with the tool that spends, on a model that costs nothing."""
    choose = script if callable(script) else by_step(script)
    options.setdefault("interactive", False)
    with ModelServer(choose) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "k")
        patch.setenv("OPENAI_BASE_URL", server.openai_base)
        session = Session.open(
            settings, cwd=cwd, options=RunOptions(**options),
            tools={**builtin_tools(), "rent": Rent()},
        )  # fmt: skip
        async with session:
            yield Driver(session, server)


def rent(name: str, price: int | None, **more: Any) -> Call:
    return Call("rent", {"name": name, "price": price, **more})


async def test_two_parallel_calls_whose_sum_breaks_the_cap(
    settings: Settings, workdir: Path
) -> None:
    script = [Reply(calls=[rent("a", 600_000), rent("b", 600_000)]), Reply("done")]
    async with renting(script, settings, workdir, max_cost=1.0) as driver:
        await driver.send("go")
        assert len(list(workdir.iterdir())) == 1
        told = sorted(driver.outputs())
        assert told[0].startswith("Not run: it costs $0.6, and $0.4 are left of this run's")
        assert told[1] == "rented\n[$0.4 are left of this run's --max-cost]"
        assert (await driver.session.cost())["thread"].amount == 600_000


async def test_what_it_really_cost_counts_and_what_did_not_happen_is_released(
    settings: Settings, workdir: Path
) -> None:
    script = [
        Reply(calls=[rent("a", 900_000, real=100_000)]),
        Reply(calls=[rent("b", 500_000, fail=True)]),
        Reply(calls=[rent("c", 800_000)]),
        Reply("done"),
    ]
    async with renting(script, settings, workdir, max_cost=1.0) as driver:
        await driver.send("go")
        assert {p.name for p in workdir.iterdir()} == {"a", "c"}
        assert (await driver.session.cost())["invocation"].amount == 900_000


@pytest.mark.parametrize(("interactive", "said"), [(True, "approval_required"), (False, "done")])
async def test_an_unknown_price(
    interactive: bool, said: str, settings: Settings, workdir: Path
) -> None:
    script = [Reply(calls=[rent("a", None)]), Reply("done")]
    options = {"mode": "yolo", "interactive": interactive}
    async with renting(script, settings, workdir, **options) as driver:
        last = await driver.send("go")
        assert getattr(last, "status", last.name) == said
        assert list(workdir.iterdir()) == []
        if interactive:
            assert last.requests[0]["reason"] == "its price is not known"
        else:
            assert "its price is not known" in driver.outputs()[0]


async def test_an_approval_tells_price_and_what_is_left(settings: Settings, workdir: Path) -> None:
    script = [Reply(calls=[rent("a", 300_000)]), Reply("done")]
    options = {"mode": "ask", "interactive": True, "max_cost": 0.5}
    async with renting(script, settings, workdir, **options) as driver:
        (request,) = (await driver.send("go")).requests
        assert (request["price_micro_usd"], request["left_micro_usd"]) == (300_000, 500_000)


async def test_a_price_over_what_is_left_is_refused(settings: Settings, workdir: Path) -> None:
    script = [Reply(calls=[rent("a", 300_000)]), Reply("done")]
    options = {"mode": "yolo", "max_cost": 0.2}
    async with renting(script, settings, workdir, **options) as driver:
        await driver.send("go")
        assert driver.outputs() == ["Refused by policy (budget): it costs $0.3, and $0.2 are left"]
        assert list(workdir.iterdir()) == []


async def test_a_call_found_again_after_a_kill_is_paid_once(
    settings: Settings, workdir: Path
) -> None:
    script = [Reply(calls=[rent("a", 300_000)]), Reply("done")]
    async with renting(script, settings, workdir, max_cost=1.0) as driver:
        await driver.send("go")
        ledger = driver.session._store.ledger
        (call,) = driver.named("tool_call")
        scope = replace(await _scope(driver), turn="again")
        caps = await _caps(driver)
        assert await ledger.reserve(call.id, 300_000, scope, caps)
        await ledger.settle(call.id, 300_000)
        assert (await driver.session.cost())["thread"].amount == 300_000


async def _scope(driver: Driver) -> Any:
    from core.durable import Scope

    return Scope(driver.session.thread.id, driver.session._context.invocation, "t", "d")


async def _caps(driver: Driver) -> Any:
    from core.durable import Caps

    return Caps(invocation=driver.session._context.max_cost_micro_usd)


# --- the model's own price ------------------------------------------------------------------


def thinking(asked: Asked) -> Reply:
    calls = [Call("bash", {"command": f"echo {asked.step}"})]
    if asked.step < 4:
        return Reply(calls=calls, usage=ANSWER)
    return Reply("done", usage=ANSWER)


@pytest.mark.parametrize("scope", ["invocation", "turn", "thread", "day"])
async def test_at_a_cap_the_turn_ends_and_more_money_goes_on_with_it(
    scope: str, settings: Settings, workdir: Path
) -> None:
    cap = 2 * COST / 1e6
    budget = {} if scope == "invocation" else {scope: cap}
    chosen = settings.model_copy(update={"model_name": MODEL, "budget": Budget(**budget)})
    options = {"max_cost": cap} if scope == "invocation" else {}
    async with driven(thinking, chosen, workdir, **options) as driver:
        last = await driver.send("go")
        assert (last.status, last.iterations) == ("limit", 2)
        assert "$0.007 of $0.007 are spent" in last.reason
        assert (await driver.session.cost())[scope].amount == 2 * COST
        thread = driver.session.thread.id
    richer = chosen.model_copy(update={"budget": Budget(turn=None)})
    async with driven(thinking, richer, workdir, thread=thread) as driver:
        last = await driver.resume()
        assert (last.status, last.text, last.iterations) == ("done", "done", 5)
        assert last.cost_micro_usd == 5 * COST
        assert (await driver.session.cost())["invocation"].amount == 3 * COST


async def test_a_raised_cap_goes_on_in_the_same_session(settings: Settings, workdir: Path) -> None:
    chosen = settings.model_copy(update={"model_name": MODEL})
    async with driven(thinking, chosen, workdir, max_cost=COST / 1e6) as driver:
        assert (await driver.send("go")).status == "limit"
        driver.session.raise_cap(1)
        assert (await driver.resume()).status == "done"


async def test_zero_forbids_what_is_priced_and_nothing_else(
    settings: Settings, workdir: Path
) -> None:
    chosen = settings.model_copy(update={"model_name": MODEL})
    async with driven([Reply("hi", usage=ANSWER)], chosen, workdir, max_cost=0.0) as driver:
        assert (await driver.send("go")).status == "limit"
        assert driver.server.bodies == []
    async with driven([Reply("hi")], settings, workdir, max_cost=0.0) as driver:
        last = await driver.send("go")
        assert (last.status, last.cost_micro_usd) == ("done", None)
        assert (await driver.session.cost())["invocation"].unknown


async def test_an_interrupted_answer_is_booked_by_estimate(
    settings: Settings, workdir: Path
) -> None:
    chosen = settings.model_copy(update={"model_name": MODEL})
    script = [Reply("word " * 200, pieces=100, chunk_delay=0.05, usage=ANSWER)]
    async with driven(script, chosen, workdir) as driver:
        async for event in driver.session.send("go"):
            if event.name == "assistant_chunk":
                driver.session.interrupt()
        assert (await driver.session.cost())["turn"].amount > 1000


async def test_a_summary_costs_too(settings: Settings, workdir: Path) -> None:
    def choose(asked: Asked) -> Reply:
        if not asked.tools:
            return Reply("SUMMARY", usage=ANSWER)
        long = Call("bash", {"command": f"echo {asked.index}; seq 1000 2600"})
        return Reply(calls=[long] if asked.index < 5 else [], text="x", usage=ANSWER)

    chosen = settings.model_copy(update={"model_name": MODEL, "compact_at": 9_000})
    async with driven(choose, chosen, workdir) as driver:
        last = await driver.send("go")
        assert driver.named("compacted")
        requests = len(driver.server.bodies)
        assert requests > last.iterations
        assert last.cost_micro_usd == requests * COST
        assert (await driver.session.cost())["turn"].amount == requests * COST


async def test_undo_refunds_nothing(settings: Settings, workdir: Path) -> None:
    chosen = settings.model_copy(update={"model_name": MODEL})
    async with driven([Reply("hi", usage=ANSWER)], chosen, workdir) as driver:
        await driver.send("go")
        await driver.session.time_line().undo()
        assert (await driver.session.cost())["thread"].amount == COST
        await driver.send("go")
        assert (await driver.session.cost())["thread"].amount == 2 * COST
