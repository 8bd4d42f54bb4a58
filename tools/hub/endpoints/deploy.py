"""Deploying an endpoint, or resuming it: once, whatever happens to this process or the answer.

The name follows from the call and is in the journal before the request goes out; afterwards, or in
a later process, the service is asked for it before anything else.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from typing import Any

from core.errors import ToolError
from core.hub.connection import Hub
from core.tool import NotBegun, ToolContext, ToolResult
from core.units import dollars, duration
from tools.hub.endpoints.arguments import EndpointArguments
from tools.hub.endpoints.service import (
    ask,
    find,
    found,
    hardware_list,
    hardware_of,
    hourly,
    name_for,
)

#: Engines by a part of their image's name: the service's word, the port that they listen on.
ENGINES = {"vllm": ("vLLM", 8000), "sglang": ("sGLang", 30000)}
#: Seconds between looks for an endpoint whose request may still be on its way.
LOOKS = (0.0, 1.0, 3.0)


async def plan(arguments: EndpointArguments, ctx: ToolContext) -> dict[str, Any]:
    """The note of a run: what is rented, at which price, for how long. Raises ToolError that names
    the argument."""
    a, hub = arguments, Hub.of(ctx)
    if not a.hours:
        raise ToolError(f"{a.operation} needs hours: they cap the price")
    namespace = await hub.payer()
    if a.operation == "resume":
        one = await found(hub, namespace, a.name)
        name, hardware, replicas = a.name, *await _rented(one.raw, hub, namespace)
    else:
        if not (a.model and a.hardware):
            raise ToolError("deploy needs model and hardware")
        hardware, replicas = await hardware_of(a.hardware, hub, namespace), 1
        label = hashlib.sha256(ctx.call_id.encode()).hexdigest()
        name = name_for(a.name or a.model.partition("@")[0], label)
    price, now = hourly(hardware, replicas), ctx.services.clock()
    return {
        "namespace": namespace, "endpoint": name, "hardware": hardware.id, "hourly": price,
        "ceiling": math.ceil(price * a.hours), "at": now, "until": now + a.hours * 3600,
        "replicas": replicas,
    }  # fmt: skip


async def _rented(raw: dict[str, Any], hub: Hub, namespace: str) -> tuple[Any, int]:
    """(the hardware of an endpoint, how many replicas it may have)."""
    compute, provider = raw["compute"], raw["provider"]
    wanted = (provider["vendor"], provider["region"], compute["instanceType"],
              compute["instanceSize"])  # fmt: skip
    for one in await hardware_list(hub, namespace):
        if (one.vendor, one.region, one.instance_type, one.instance_size) == wanted:
            return one, max(int(compute["scaling"]["maxReplica"]), 1)
    raise ToolError(f"the price of {' '.join(wanted)} is not known: nothing was resumed")


async def run(arguments: EndpointArguments, ctx: ToolContext) -> ToolResult:
    """Deploy or resume. Raises ToolError if nothing was started."""
    hub, note = Hub.of(ctx), await plan(arguments, ctx)
    make = await _request(arguments, hub, note)
    await ctx.note(note)
    try:
        made = await ask(hub, make, again=False)
    except ToolError as error:
        try:
            made = await _look_up(hub, note, arguments.operation)
        except ToolError:
            said = f"{error.message} Whether it was started is unknown: look with list first."
            return ToolResult(said, ok=False, outcome="unknown")
        if made is None:
            await ctx.note({**note, "cost": 0})
            return ToolResult(error.message, ok=False, outcome="failed", cost_micro_usd=0)
    return _started(arguments, note, made)


async def _request(arguments: EndpointArguments, hub: Hub, note: dict[str, Any]) -> Any:
    name, namespace = note["endpoint"], note["namespace"]
    if arguments.operation == "resume":
        return lambda api: api.resume_inference_endpoint(name, namespace=namespace)
    hardware = await hardware_of(note["hardware"], hub, namespace)
    model, _, revision = arguments.model.partition("@")
    return lambda api: api.create_inference_endpoint(
        name,
        namespace=namespace,
        repository=model,
        revision=revision or None,
        framework="pytorch",
        accelerator=hardware.accelerator,
        instance_size=hardware.instance_size,
        instance_type=hardware.instance_type,
        region=hardware.region,
        vendor=hardware.vendor,
        min_replica=0 if arguments.idle else 1,
        max_replica=note["replicas"],
        scale_to_zero_timeout=arguments.idle or None,
        custom_image=_image(arguments.image),
        tags=["ml-agent"],
    )


def _image(url: str) -> dict[str, Any] | None:
    """As the service names it: engines that it manages have their name and port."""
    for engine, (key, port) in ENGINES.items():
        if engine in url:
            return {key: {"url": url, "port": port, "healthRoute": "/health"}}
    return {"url": url, "healthRoute": "/health"} if url else None


async def _look_up(hub: Hub, note: dict[str, Any], operation: str) -> Any:
    """What the call started; None: nothing. Raises ToolError."""
    for pause in LOOKS:
        await asyncio.sleep(pause)
        one = await find(hub, note["namespace"], note["endpoint"])
        if one is not None and (operation == "deploy" or one.status != "paused"):
            return one
    return None


def _started(arguments: EndpointArguments, note: dict[str, Any], one: Any) -> ToolResult:
    verb = "was deployed" if arguments.operation == "deploy" else "was resumed"
    limit = duration(note["until"] - note["at"])
    lines = [
        f"Endpoint {one.name} {verb} on {note['hardware']}: {one.status}. list shows its address.",
        f"{dollars(note['hourly'])} an hour, {dollars(note['ceiling'])} set aside for {limit}; "
        "then it is paused at this session's next step. pause or delete ends it before.",
    ]
    return ToolResult("\n".join(lines), still_costs=True)


async def recovered(
    arguments: EndpointArguments, ctx: ToolContext, note: dict[str, Any]
) -> ToolResult:
    """After a crash: what was started, by its name. Raises NotBegun if nothing was."""
    try:
        made = await _look_up(Hub.of(ctx), note, arguments.operation)
    except ToolError as error:
        said = f"It was begun, and whether it was started is unknown: {error.message}"
        return ToolResult(said, ok=False, outcome="unknown")
    if made is None:
        raise NotBegun
    return _started(arguments, note, made)
