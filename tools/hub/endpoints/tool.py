"""hf_endpoint: serves a model on rented hardware, deployed once, priced before, ended by name."""

import math
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from core.effects import Effect
from core.errors import ToolError
from core.hub.connection import Hub
from core.tool import AgentTool, ToolContext, ToolResult
from core.units import dollars, duration
from tools.hub.endpoints.arguments import EndpointArguments
from tools.hub.endpoints.deploy import plan, recovered, run
from tools.hub.endpoints.runs import cost_so_far, end_runs, open_runs
from tools.hub.endpoints.service import (
    FREE,
    ask,
    described,
    endpoints,
    find,
    found,
    hardware_list,
    hardware_of,
    line,
)

READS, STARTS = ("list", "hardware"), ("deploy", "resume")


class HfEndpoint(AgentTool):
    name: str = "hf_endpoint"
    description: str = (
        "Serve a model on a Hugging Face inference endpoint, paid by the hour: deploy, list until "
        "it runs, then pause or delete it."
    )
    args_schema: type[BaseModel] = EndpointArguments

    def title(self, arguments: Mapping[str, Any]) -> str:
        a = arguments
        parts = [a.get("name") or a.get("model"), a.get("hardware")]
        hours = f"{a['hours']} h" if a.get("hours") else ""
        return " · ".join(str(p) for p in [a["operation"], *parts, hours] if p)

    def effect(self, arguments: EndpointArguments, cwd: str) -> Effect:
        a = arguments
        if a.operation in READS:
            return Effect("read")
        if a.operation in STARTS:
            said = f"{a.operation} {a.name or a.model} for {a.hours:g} h"
            return Effect("spend", preview=said, always_asks=True)
        said = f"{a.operation} endpoint {a.name}"
        return Effect("destroy" if a.operation == "delete" else "publish", preview=said)

    async def foresee(self, arguments: EndpointArguments, ctx: ToolContext) -> Effect:
        """With the live price, the time limit, and what ends it."""
        effect = self.effect(arguments, ctx.cwd)
        if arguments.operation not in STARTS:
            return effect
        note, a = await plan(arguments, ctx), arguments
        hub = Hub.of(ctx)
        hardware = await hardware_of(note["hardware"], hub, note["namespace"])
        limit = duration(note["until"] - note["at"])
        replicas = f" × {note['replicas']} replicas" if note["replicas"] > 1 else ""
        idle = f"scales to zero after {a.idle} min without a request, which is free until the next"
        lines = [
            f"{a.operation} {note['endpoint']} in {note['namespace']}",
            *([f"model {a.model}"] if a.model else []),
            f"{hardware.id}: {described(hardware)}",
            f"{dollars(hardware.price_per_hour * 1e6)} an hour{replicas} × {limit} = "
            f"{dollars(note['ceiling'])} set aside",
            f"the service has no time limit: this session pauses it after {limit} at its next "
            "step; if no program has the session open then, it costs money until you pause it",
            *([idle if a.idle else "does not scale to zero"] if a.operation == "deploy" else []),
            *([f"container {a.image}"] if a.image else []),
            "undo does not end it: pause or delete does",
        ]
        preview = "\n".join(lines)
        return Effect("spend", price_micro_usd=note["ceiling"], preview=preview, always_asks=True)

    async def execute(self, arguments: EndpointArguments, ctx: ToolContext) -> ToolResult:
        operation = arguments.operation
        if operation in STARTS:
            return await run(arguments, ctx)
        hub = Hub.of(ctx)
        namespace = await hub.payer()
        if operation == "hardware":
            shown = [f"{one.id}: {described(one)}" for one in await hardware_list(hub, namespace)]
            return ToolResult("\n".join(shown) or "There is none.")
        if operation == "list":
            return await _list(arguments, ctx, hub, namespace)
        if not arguments.name:
            raise ToolError(f"{operation} needs name")
        one = await found(hub, namespace, arguments.name)
        await ctx.note({"namespace": namespace, "endpoint": one.name})
        return await _change(arguments, ctx, namespace)

    async def recover(
        self, arguments: EndpointArguments, ctx: ToolContext, note: dict[str, Any]
    ) -> ToolResult | None:
        """The service knows: by the name. The others do the same twice as once."""
        if arguments.operation in STARTS:
            return await recovered(arguments, ctx, note)
        gone = await find(Hub.of(ctx), note["namespace"], arguments.name) is None
        if gone and arguments.operation == "delete":
            cost = await end_runs(ctx.services, ctx.thread, arguments.name)
            return ToolResult(f"Endpoint {arguments.name} is deleted.{cost}")
        return await self.execute(arguments, ctx)


async def _change(arguments: EndpointArguments, ctx: ToolContext, namespace: str) -> ToolResult:
    name, operation = arguments.name, arguments.operation

    def change(api: Any) -> None:
        calls = {
            "pause": api.pause_inference_endpoint,
            "scale_to_zero": api.scale_to_zero_inference_endpoint,
            "delete": api.delete_inference_endpoint,
        }
        calls[operation](name, namespace=namespace)

    await ask(Hub.of(ctx), change, again=False)
    if operation == "scale_to_zero":
        said = f"Endpoint {name} scales to zero: free until its next request starts it again."
        return ToolResult(said)
    cost = await end_runs(ctx.services, ctx.thread, name)
    done = "is deleted" if operation == "delete" else "is paused; resume starts it again"
    return ToolResult(f"Endpoint {name} {done}.{cost}")


async def _list(
    arguments: EndpointArguments, ctx: ToolContext, hub: Hub, namespace: str
) -> ToolResult:
    if arguments.name:
        shown = [await found(hub, namespace, arguments.name)]
    else:
        shown = await endpoints(hub, namespace)
    runs = {n["endpoint"]: n for _, n in await open_runs(ctx.services, ctx.thread)}
    lines, now = [], ctx.services.clock()
    for one in shown:
        note = runs.get(one.name)
        if note and one.status not in FREE:
            left = duration(math.ceil(max(note["until"] - now, 0) / 60) * 60)
            spent = dollars(cost_so_far(note, now))
            lines.append(f"{line(one)}; at most {spent} so far, {left} left")
        else:
            lines.append(line(one))
    return ToolResult("\n".join(lines) or f"{namespace} has no endpoints.")
