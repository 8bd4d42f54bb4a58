"""The logs of a job: server-sent events, the series of metrics that training prints among them.

The stream never says that it ends: it is quiet, and the job's state tells. Source:
GET /api/jobs/{namespace}/{id}/logs, `data: {"timestamp", "data"}`, a comment every 30 s.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from typing import Any

from core.hub.connection import Hub, bearer

#: Seconds without a line after which a look at the logs has them all; seconds to connect.
QUIET, CONNECT = 2.0, 10.0
#: A number with a name, as trainers print them: `{'loss': 1.2}`, `loss=1.2`, `eval_loss: 1.2`.
_FIGURE = re.compile(
    r"""['"]?([A-Za-z][\w/.-]{0,40})['"]?\s*[:=]\s*['"]?(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)\b"""
)
WORTH = ("loss", "acc", "reward", "f1", "bleu", "rouge", "perplexity", "wer", "kl", "score", "lr",
         "learning_rate", "grad_norm")  # fmt: skip


async def events(
    hub: Hub, namespace: str, job: str, route: str = "logs", tail: int | None = None
) -> AsyncGenerator[dict[str, Any], None]:
    """The events of a job's stream as they come. Raises httpx.HTTPError where it breaks off."""
    url = f"{hub.url}/api/jobs/{namespace}/{job}/{route}"
    headers = {"Accept": "text/event-stream", **bearer(await hub.token_for(url))}
    import httpx

    timeout = httpx.Timeout(None, connect=CONNECT)
    params = {"tail": tail} if tail else {}
    async with (
        httpx.AsyncClient(timeout=timeout) as client,
        client.stream("GET", url, params=params, headers=headers) as response,
    ):
        response.raise_for_status()
        async for line in response.aiter_lines():
            if line.startswith("data:"):
                try:
                    data = json.loads(line.removeprefix("data:"))
                except ValueError:
                    continue
                if isinstance(data, dict):
                    yield data


async def so_far(
    hub: Hub,
    namespace: str,
    job: str,
    route: str = "logs",
    *,
    most: int,
    tail: int | None = None,
) -> list[dict[str, Any]]:
    """What a stream holds now: up to `most` events, until it is quiet. [] where there is none."""
    import httpx

    found: list[dict[str, Any]] = []
    stream = events(hub, namespace, job, route, tail)
    try:
        while len(found) < most:
            found.append(await asyncio.wait_for(anext(stream), QUIET if found else CONNECT))
    except (StopAsyncIteration, TimeoutError, httpx.HTTPError):
        pass
    finally:
        await stream.aclose()
    return found


def text_of(event: dict[str, Any]) -> str:
    """A line of log; "" for what the Hub says itself."""
    text = str(event.get("data", "")).rstrip("\n")
    return "" if text.startswith("===== Job started") else text


def series(lines: list[str]) -> list[str]:
    """The metrics that stand in a log: first, last, least and most of each, a line each."""
    found: dict[str, list[float]] = {}
    for line in lines:
        for name, number in _FIGURE.findall(line):
            if any(word in name.lower() for word in WORTH):
                found.setdefault(name, []).append(float(number))
    return [
        f"{name}: {values[0]:g} → {values[-1]:g} over {len(values)} points "
        f"(least {min(values):g}, most {max(values):g})"
        for name, values in sorted(found.items())
        if len(values) > 1
    ]
