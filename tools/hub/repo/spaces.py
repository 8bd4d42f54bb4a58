"""hf_repo's work on a running Space: its state, logs, restart, secrets and hardware."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections import deque
from typing import TYPE_CHECKING, Any

from configs.settings import Settings
from core.effects import Effect
from core.errors import ToolError
from core.hub.connection import Hub, author_of
from core.hub.jobs import flavor_of
from core.hub.leaving_secrets import secrets_of
from core.tool import NotBegun, ToolContext, ToolResult
from core.units import dollars, duration
from tools.hub.endpoints.runs import FREE, end_runs
from tools.hub.repo.arguments import RepoArguments
from tools.hub.repo.change import Change, Seen, needed, page

if TYPE_CHECKING:
    from huggingface_hub import HfApi

#: Lines of a log that are read, of which the last are shown.
MOST = 5000


def check_space(arguments: RepoArguments) -> None:
    if arguments.type != "space":
        raise ToolError(f"{arguments.operation} is for Spaces: say type=space")


async def status(arguments: RepoArguments, hub: Hub) -> ToolResult:
    check_space(arguments)
    repo = arguments.about

    def work(api: HfApi) -> str:
        from huggingface_hub.errors import HfHubHTTPError

        runtime = api.get_space_runtime(repo.id)
        lines = [f"{repo}: {_line(runtime)}"]
        with contextlib.suppress(HfHubHTTPError):  # only for who may write there
            lines.append(f"secrets: {', '.join(api.get_space_secrets(repo.id)) or 'none'}")
        error = runtime.raw.get("errorMessage")
        return "\n".join([*lines, *([f"error: {error}"] if error else [])])

    return ToolResult(await hub.ask(work, repo))


def _line(runtime: Any) -> str:
    wanted = runtime.requested_hardware
    changes = f", {wanted} requested" if wanted not in (None, runtime.hardware) else ""
    sleeps = f", sleeps after {duration(runtime.sleep_time)}" if runtime.sleep_time else ""
    return f"{runtime.stage} on {runtime.hardware or 'no hardware'}{changes}{sleeps}"


async def logs(arguments: RepoArguments, hub: Hub) -> ToolResult:
    """Of the build while it builds, or if it failed; else of the run."""
    check_space(arguments)
    repo = arguments.about

    def work(api: HfApi) -> str:
        runtime = api.get_space_runtime(repo.id)
        build = str(runtime.stage) in ("BUILDING", "BUILD_ERROR", "CONFIG_ERROR")
        lines = itertools.islice(api.fetch_space_logs(repo.id, build=build), MOST)
        shown = "".join(f"{line.rstrip()}\n" for line in deque(lines, arguments.limit))
        what = "build" if build else "run"
        return f"{repo}: {_line(runtime)}; log of the {what}\n{shown or 'It is empty.'}"

    return ToolResult(await hub.ask(work, repo))


def restart(arguments: RepoArguments) -> Change:
    """Restart or pause, by the operation."""
    check_space(arguments)
    repo = arguments.about

    def before(api: HfApi) -> Seen:
        author_of(api)
        return {"stage": str(api.get_space_runtime(repo.id).stage)}

    def do(api: HfApi, seen: Seen) -> str:
        call = api.pause_space if arguments.operation == "pause" else api.restart_space
        return f"{repo}: {_line(call(repo.id))}. {page(api, repo)}"

    # A second time does the same again.
    return Change(before, do, lambda api, seen: None)


def secret(arguments: RepoArguments, settings: Settings) -> Change:
    """Set or removed; its value is that of the variable of its name, and is in no record."""
    check_space(arguments)
    repo, name = arguments.about, arguments.name
    needed(name, "secret", "a name")

    def before(api: HfApi) -> Seen:
        author_of(api)
        if not arguments.remove:
            secrets_of([name], settings)
        return {}

    def do(api: HfApi, seen: Seen) -> str:
        if arguments.remove:
            api.delete_space_secret(repo.id, name)
            return f"Removed the secret {name} of {repo}."
        api.add_space_secret(repo.id, name, secrets_of([name], settings)[name])
        return f"Set the secret {name} of {repo}; it restarts with it."

    return Change(before, do, lambda api, seen: None)


# --- hardware: rented by the hour ---


async def _plan(arguments: RepoArguments, ctx: ToolContext) -> dict[str, Any]:
    check_space(arguments)
    needed(arguments.name, "hardware", "a name, the flavor")
    flavor = await flavor_of(arguments.name, Hub.of(ctx), spaces=True)
    if flavor.per_minute and not arguments.hours:
        raise ToolError("hardware needs hours: they cap the price")
    hourly, now = math.ceil(flavor.per_minute * 60), ctx.services.clock()
    return {
        "endpoint": arguments.repo, "namespace": "", "hardware": flavor.name, "hourly": hourly,
        "ceiling": math.ceil(hourly * arguments.hours), "at": now,
        "until": now + arguments.hours * 3600, "described": flavor.described,
    }  # fmt: skip


async def foresee_hardware(arguments: RepoArguments, ctx: ToolContext) -> Effect:
    note = await _plan(arguments, ctx)
    limit = duration(arguments.hours * 3600)
    lines = [
        f"space {arguments.repo} on {note['hardware']} ({note['described']})",
        f"{dollars(note['hourly'])} an hour × {limit} = {dollars(note['ceiling'])} set aside",
        f"the Hub has no time limit: this session puts it back on {FREE} after {limit}, at its "
        "next step; if no program has the session open then, it costs money until you do",
        "undo does not end it: hardware cpu-basic, or pause, does",
    ]
    paid = bool(note["hourly"])
    preview = "\n".join(lines if paid else lines[:1])
    return Effect("spend", price_micro_usd=note["ceiling"], preview=preview, always_asks=paid)


async def rent(arguments: RepoArguments, ctx: ToolContext) -> ToolResult:
    """Raises ToolError if nothing was changed."""
    hub, note, repo = Hub.of(ctx), await _plan(arguments, ctx), arguments.about
    await ctx.note(note)
    name: Any = arguments.name
    try:
        await hub.ask(lambda api: api.request_space_hardware(repo.id, name), repo, again=False)
    except ToolError as error:
        try:
            if await _is_on(arguments, hub):
                return await _rented(arguments, ctx, note)
        except ToolError:
            said = f"{error.message} Whether the hardware changed is unknown: look with status."
            return ToolResult(said, ok=False, outcome="unknown")
        await ctx.note({**note, "cost": 0})
        return ToolResult(error.message, ok=False, outcome="failed", cost_micro_usd=0)
    return await _rented(arguments, ctx, note)


async def recovered_rent(
    arguments: RepoArguments, ctx: ToolContext, note: dict[str, Any]
) -> ToolResult:
    """After a crash. Raises NotBegun if the hardware is another one."""
    if not await _is_on(arguments, Hub.of(ctx)):
        raise NotBegun
    return await _rented(arguments, ctx, note)


async def _is_on(arguments: RepoArguments, hub: Hub) -> bool:
    runtime = await hub.ask(lambda api: api.get_space_runtime(arguments.repo), arguments.about)
    return arguments.name == (runtime.requested_hardware or runtime.hardware)


async def _rented(arguments: RepoArguments, ctx: ToolContext, note: dict[str, Any]) -> ToolResult:
    cost = await ended(arguments, ctx, but=ctx.call_id)
    if not note["hourly"]:
        await ctx.note({**note, "cost": 0})
        return ToolResult(f"{arguments.about} moves to {note['hardware']}.{cost}", cost_micro_usd=0)
    text = (
        f"{arguments.about} moves to {note['hardware']}: {dollars(note['hourly'])} an hour, "
        f"{dollars(note['ceiling'])} set aside; then it is put back on {FREE} at this session's "
        f"next step.{cost}"
    )
    return ToolResult(text, still_costs=True)


async def ended(arguments: RepoArguments, ctx: ToolContext, but: str = "") -> str:
    """What rented hardware came to, once it is given back; "" if there was none."""
    return await end_runs(ctx.services, ctx.thread, arguments.repo, but=but)
