"""Trackio: the variables that send a job's figures to a Space, and what the Space has of them.

A Space of Trackio answers POST /api/NAME with {"data": ...} (trackio 0.20 and later). The token
stays here: a private Space is opened with a JWT that the Hub makes for it, as its own pages do.
"""

import asyncio
import json
import re
from typing import Any

from core.errors import ToolError
from core.http import certificates
from core.hub.connection import Hub
from core.hub.jobs import Job
from core.hub.refusals import Repo
from core.tool import ToolContext
from tools.hub.jobs.arguments import JobsArguments
from tools.hub.jobs.log import Figures

SPACE, PROJECT = "TRACKIO_SPACE_ID", "TRACKIO_PROJECT"
#: transformers' project if none is set.
PLAIN_PROJECT = "huggingface"
_TRACKIO = re.compile(r"\s*trackio\b\W*([\w.-]+/[\w.-]+)?", re.IGNORECASE)
#: Runs, metrics and alerts that are shown. Seconds for an answer. Bytes of it.
RUNS, METRICS, ALERTS, PATIENCE, MOST = 3, 20, 10, 20.0, 20_000_000
#: A loss that ends above its least value by this factor has diverged.
DIVERGED = 1.5
_NOT_METRICS = ("step", "epoch", "timestamp", "global_step")


async def tracking(arguments: JobsArguments, ctx: ToolContext) -> dict[str, str]:
    """The variables of a job whose `monitoring` is Trackio; a smoke run is not tracked."""
    found = _TRACKIO.match(arguments.monitoring)
    if found is None or arguments.operation == "smoke":
        return {}
    space = found[1] or f"{await Hub.of(ctx).payer()}/trackio"
    project = arguments.name or arguments.output.rpartition("/")[2] or "ml-agent"
    return {SPACE: space, PROJECT: project}


def tracked_line(env: dict[str, str], secrets: list[str]) -> str:
    """The Space of the figures, for the approval; "" if Trackio is not set up."""
    if SPACE not in env:
        return ""
    said = f"monitoring: trackio to the Space {env[SPACE]}, project {env.get(PROJECT)}; "
    if "HF_TOKEN" not in secrets:
        return said + "without HF_TOKEN among the secrets the job cannot write there"
    return said + "a new Space is public, if the account's default is"


async def tracked(job: Job, hub: Hub) -> list[str]:
    """The figures and alerts of a job's runs in its Space. [] if it has none."""
    space, project = job.environment.get(SPACE), job.environment.get(PROJECT, PLAIN_PROJECT)
    if not space:
        return []
    try:
        return await _read(space, project, job, hub)
    except ToolError as error:
        return [f"Trackio: cannot read {space}: {error.message}"]


async def _read(space: str, project: str, job: Job, hub: Hub) -> list[str]:
    info = await hub.ask(lambda api: api.space_info(space), Repo(space, "space"))
    if not info.host:
        raise ToolError("the Space does not run yet. Try again when it does.")
    door = {}
    if info.private:
        reply = await hub.get(f"/api/spaces/{space}/jwt")
        door = {"__sign": str(reply.json()["token"])}
    url = info.host.rstrip("/")
    runs = await _asked(url, door, "get_runs_for_project", {"project": project})
    # Runs of other jobs are in the same project: only those since this job began count.
    newest = sorted(runs, key=lambda run: str(run.get("created_at") or ""), reverse=True)
    mine = [run for run in newest if _since(run, job)][:RUNS]
    if not mine:
        return [f"Trackio: {space} has no run of this job in project {project} yet."]
    lines = []
    for run in mine:
        wanted = {"project": project, "run": run.get("name"), "run_id": run.get("id")}
        logs, alerts = await asyncio.gather(
            _asked(url, door, "get_logs", wanted), _asked(url, door, "get_alerts", wanted)
        )
        lines += [f"Trackio run {run.get('name')}: {len(logs)} points, {url}/?project={project}"]
        lines += [f"  {line}" for line in [*_figures(logs), *_alerts(alerts)]]
    return lines


def _since(run: dict[str, Any], job: Job) -> bool:
    began = str(run.get("created_at") or "")[:16].replace("T", " ")
    return not job.created or not began or began >= job.created


async def _asked(url: str, door: dict[str, str], name: str, wanted: dict[str, Any]) -> list[Any]:
    """What the Space answers. Raises ToolError."""
    import httpx

    try:
        async with httpx.AsyncClient(timeout=PATIENCE, verify=certificates()) as client:
            reply = await client.post(f"{url}/api/{name}", params=door, json={"kwargs": wanted})
    except httpx.HTTPError as error:
        raise ToolError(f"no answer ({type(error).__name__}). It may be asleep.") from None
    if reply.status_code == 404:
        raise ToolError("its Trackio has no HTTP API. Update the Space, or read logs.")
    try:
        data = json.loads(reply.content[:MOST])["data"] if reply.is_success else None
    except (ValueError, KeyError, TypeError):
        data = None
    if not isinstance(data, list):
        raise ToolError(f"status {reply.status_code} to {name}.")
    return [one for one in data if isinstance(one, dict)]


def _figures(logs: list[dict[str, Any]]) -> list[str]:
    """A line for each metric, with a word about one that ends badly."""
    series: dict[str, Figures] = {}
    broken: dict[str, Any] = {}
    for point in logs:
        for name, value in point.items():
            if name in _NOT_METRICS or isinstance(value, bool):
                continue
            if value is None:  # the Space has no other JSON for NaN and infinity
                broken.setdefault(name, point.get("step"))
            elif isinstance(value, int | float) and name in series:
                series[name].add(float(value))
            elif isinstance(value, int | float):
                series[name] = Figures(value, value, value, value)
    named = sorted(series, key=lambda name: ("loss" not in name, name))[:METRICS]
    lines = [f"{name} is not a number since step {step}" for name, step in broken.items()]
    for name in named:
        figures = series[name]
        rose = "loss" in name and figures.last > DIVERGED * max(figures.least, 0.05)
        lines.append(f"{name}: {figures}" + (", it diverges" if rose else ""))
    return lines


def _alerts(alerts: list[dict[str, Any]]) -> list[str]:
    """The newest first, as the Space sends them."""
    lines = []
    for one in alerts[:ALERTS]:
        at = "" if one.get("step") is None else f" at step {one['step']}"
        text = f": {one['text']}" if one.get("text") else ""
        lines.append(
            f"alert {str(one.get('level', '')).upper()}{at}: {one.get('title')}{text}"[:300]
        )
    more = len(alerts) - ALERTS
    return [*lines, f"and {more} more alerts"] if more > 0 else lines
