"""The service of inference endpoints: another host than the Hub, with the Hub's token.

Source: huggingface_hub 2.4.0, hf_api.py and _inference_endpoints.py.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from core.errors import ToolError
from core.hub.connection import Hub, is_hub
from core.hub.refusals import OWN_HOSTS
from core.units import dollars

if TYPE_CHECKING:
    from huggingface_hub import HfApi, InferenceEndpoint
    from huggingface_hub import InferenceEndpointHardware as Hardware

T = TypeVar("T")
#: Characters of a name that the service takes, and of the part that follows from the call.
LONGEST, OWN = 32, 7
#: States in which no replica runs, so that nothing is charged.
FREE = ("paused", "scaledToZero", "failed")


async def ask(hub: Hub, work: Callable[[HfApi], T], *, again: bool = True) -> T:
    """`Hub.ask`, of the service. Raises ToolError: also if the token must not go there."""
    url = hub.settings.endpoints_url.rstrip("/")
    own = (urlsplit(hub.url).hostname or "").endswith(OWN_HOSTS)
    if not own and not is_hub(url, hub.url) and (urlsplit(url).hostname or "").endswith(_OWN):
        raise ToolError(
            f"Cannot use inference endpoints: {hub.url} is another hub, and its token must not go "
            f"to {url}. Unset HF_ENDPOINT and hub_url, or set endpoints_url to its own service."
        )

    def asked(api: HfApi) -> T:
        from huggingface_hub import constants

        # No call of the library takes the address as an argument.
        constants.INFERENCE_ENDPOINTS_ENDPOINT = url
        return work(api)

    return await hub.ask(asked, again=again)


_OWN = ("huggingface.cloud", *OWN_HOSTS)


async def hardware_list(hub: Hub, namespace: str) -> list[Hardware]:
    """What can be rented, the cheapest first. Raises ToolError."""
    found = await ask(hub, lambda api: api.list_inference_endpoints_hardware(namespace=namespace))
    usable = [one for one in found if one.status not in ("not_available", "deprecated")]
    return sorted(usable, key=lambda one: (one.price_per_hour, one.id))


async def hardware_of(name: str, hub: Hub, namespace: str) -> Hardware:
    """Raises ToolError with the names that are near if there is none of this name."""
    known = {one.id: one for one in await hardware_list(hub, namespace)}
    if name not in known:
        near = difflib.get_close_matches(name, known, 3, 0.5) or list(known)[:5]
        raise ToolError(f"hardware: there is no {name!r}; there are {', '.join(near)}, ...")
    return known[name]


async def find(hub: Hub, namespace: str, name: str) -> InferenceEndpoint | None:
    """Raises ToolError."""
    return {one.name: one for one in await endpoints(hub, namespace)}.get(name)


async def endpoints(hub: Hub, namespace: str) -> list[InferenceEndpoint]:
    """Raises ToolError."""
    return await ask(hub, lambda api: api.list_inference_endpoints(namespace=namespace))


async def found(hub: Hub, namespace: str, name: str) -> InferenceEndpoint:
    """Raises ToolError with the names that there are."""
    known = {one.name: one for one in await endpoints(hub, namespace)}
    if name not in known:
        there = ", ".join(known) or "none"
        raise ToolError(f"name: {namespace} has no endpoint {name!r}, only: {there}")
    return known[name]


def name_for(wanted: str, label: str) -> str:
    """A name that follows from the call: the service refuses a second endpoint of one name, so
    that a request which arrives twice makes one."""
    words = re.sub(r"[^a-z0-9]+", "-", wanted.rsplit("/", 1)[-1].lower()).strip("-")
    return f"{words[: LONGEST - OWN - 1].strip('-') or 'endpoint'}-{label[:OWN]}"


def hourly(hardware: Hardware, replicas: int) -> int:
    """Micro-USD for an hour of all replicas."""
    return math.ceil(hardware.price_per_hour * 1e6) * replicas


def described(one: Hardware) -> str:
    memory = f"{one.gpu_memory_gb} GB GPU memory" if one.gpu_memory_gb else f"{one.memory_gb:g} GB"
    scarce = ", scarce" if one.status == "low_availability" else ""
    return (
        f"{one.num_accelerators}× {one.architecture}, {memory}, "
        f"{dollars(one.price_per_hour * 1e6)} an hour{scarce}"
    )


def line(one: InferenceEndpoint) -> str:
    state = one.raw["status"]
    said = f" ({state['message']})" if state.get("message") else ""
    compute: dict[str, Any] = one.raw.get("compute") or {}
    hardware = " ".join(str(compute.get(k, "")) for k in ("instanceType", "instanceSize"))
    where = f" {one.url}" if one.url else ""
    return f"{one.name}: {one.status}{said}, {one.repository} on {hardware}{where}"
