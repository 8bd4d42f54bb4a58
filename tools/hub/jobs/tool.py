"""hf_jobs: runs on Hugging Face's hardware, launched once, priced before, followed to their end."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from core.effects import Effect
from core.errors import ToolError
from core.hub.connection import Hub
from core.hub.jobs import flavor_of
from core.titles import count_lines
from core.tool import AgentTool, ToolContext, ToolResult
from core.training import training_line
from core.units import dollars, duration
from tools.hub.jobs.again import foreseen, launch_again, recovered_again
from tools.hub.jobs.arguments import JobsArguments
from tools.hub.jobs.folders import folders_in, line_of, look_through
from tools.hub.jobs.launch import launch, limit, recovered, schedule
from tools.hub.jobs.preflight import cannot_pay, preflight
from tools.hub.jobs.reads import read_of
from tools.hub.jobs.spec import image_of, names_file, read_script, spec_of

AGAIN = ("rerun", "trigger")
READS = ("ps", "logs", "inspect", "wait", "metrics", "hardware", "schedules")


class HfJobs(AgentTool):
    name: str = "hf_jobs"
    description: str = (
        "A script or command on Hugging Face hardware (flavor: see hardware), paid by the minute: "
        "run, then wait or logs. Before a long training, smoke: a few steps of it measure memory, "
        "speed and price. Name datasets, model, output and monitoring of a training: the user "
        "sees what hf_dataset inspect and hf_fit said of them. Short work: bash."
    )
    args_schema: type[BaseModel] = JobsArguments

    def title(self, arguments: Mapping[str, Any]) -> str:
        a = {name: value for name, value in arguments.items() if value}
        if a["operation"] not in ("run", "schedule"):
            return super().title(arguments)
        script, command = str(a.get("script", "")), str(a.get("command", ""))
        what = f"script ({count_lines(script)})" if "\n" in script else script or command
        parts = [a.get(name) for name in ("flavor", "timeout", "cron", "name")]
        return " · ".join([f"{a['operation']} {what}", *(str(part) for part in parts if part)])

    def summary(self, text: str) -> str:
        head, _, rest = text.partition("\n")
        line = training_line(rest)
        return f"{head} · {line}" if line else ""

    def effect(self, arguments: JobsArguments, cwd: str) -> Effect:
        a = arguments
        if a.operation in READS:
            return Effect("read")
        # A script's file is sent, so the rules for places hold for it.
        script = [a.script.strip()] if names_file(a.script) else []
        sent = (*script, *(folder.source for folder in folders_in(a.volumes)))
        if a.operation in AGAIN:
            return Effect("spend", preview=f"{a.operation} {a.id}")
        if a.operation in ("run", "smoke"):
            longest = a.timeout or "15m"
            said = f"{a.operation} a job on {a.flavor} for at most {longest}"
            return Effect("spend", paths=sent, preview=said)
        if a.operation == "schedule":
            said = f"schedule a job on {a.flavor}, {a.cron}, each for at most {a.timeout}"
            return Effect("publish", paths=sent, preview=said, always_asks=True)
        verb = {"cancel": "cancel job", "unschedule": "delete the schedule"}.get(
            a.operation, f"{a.operation} the schedule"
        )
        return Effect("publish", preview=f"{verb} {a.id}")

    async def foresee(self, arguments: JobsArguments, ctx: ToolContext) -> Effect:
        """With the live price, what is run, and what was checked."""
        effect = self.effect(arguments, ctx.cwd)
        if arguments.operation in AGAIN:
            price_again, said = await foreseen(arguments, ctx)
            return replace(effect, price_micro_usd=price_again, preview=said)
        if arguments.operation not in ("run", "smoke", "schedule"):
            return effect
        spec = await spec_of(arguments, ctx)
        seconds = spec["timeout"]
        try:
            flavor = await flavor_of(arguments.flavor, Hub.of(ctx))
            limit(arguments, spec, flavor)
            seconds = spec["timeout"]
            price: int | None = flavor.price(seconds)
            cost = (
                f"${flavor.hourly:.2f} an hour × {duration(seconds)} = "
                f"{dollars(flavor.price(seconds))} at most"
            )
            described = f"{flavor.name} ({flavor.described})"
        except ToolError as error:
            if error.message.startswith("flavor: "):
                raise
            price, cost, described = None, f"price unknown: {error.message}", arguments.flavor
        lines = [
            f"{arguments.operation} on {described}",
            cost,
            *([f"repeats: {arguments.cron}"] if arguments.cron else []),
            f"image {image_of(arguments)}"
            + (f", packages {', '.join(arguments.dependencies)}" if arguments.dependencies else ""),
            *([f"secrets {', '.join(arguments.secrets)}"] if arguments.secrets else []),
            *([f"volumes {', '.join(arguments.volumes)}"] if arguments.volumes else []),
            *await _uploads(arguments, ctx),
            *([f"open to the internet: ports {arguments.expose}"] if arguments.expose else []),
            *(["ssh: with the keys of the account"] if arguments.ssh else []),
            *await cannot_pay(Hub.of(ctx)),
            *await preflight(arguments, ctx, spec["env"] or {}),
            "",
            read_script(arguments.script, ctx.cwd) or arguments.command,
        ]
        return replace(
            effect,
            price_micro_usd=price if effect.kind == "spend" else None,
            preview="\n".join(lines),
        )

    async def execute(self, arguments: JobsArguments, ctx: ToolContext) -> ToolResult:
        operation = arguments.operation
        if operation in READS:
            return await read_of(arguments, ctx)
        if operation in ("run", "smoke"):
            return await launch(arguments, ctx)
        if operation == "schedule":
            return await schedule(arguments, ctx)
        if operation in AGAIN:
            return await launch_again(arguments, ctx)
        if not arguments.id:
            raise ToolError(f"{operation} needs id")
        hub = Hub.of(ctx)
        namespace = await hub.payer()
        await ctx.note({"namespace": namespace, "id": arguments.id})

        def change(api: Any) -> None:
            if operation == "cancel":
                api.cancel_job(job_id=arguments.id, namespace=namespace)
                return
            calls = {
                "unschedule": api.delete_scheduled_job,
                "suspend": api.suspend_scheduled_job,
                "resume": api.resume_scheduled_job,
            }
            calls[operation](scheduled_job_id=arguments.id, namespace=namespace)

        await hub.ask(change, again=False)
        done = {"cancel": "was cancelled", "unschedule": "was deleted", "suspend": "is suspended"}
        return ToolResult(f"{arguments.id} {done.get(operation, 'runs on its schedule again')}.")

    async def recover(
        self, arguments: JobsArguments, ctx: ToolContext, note: dict[str, Any]
    ) -> ToolResult | None:
        """Found by the label of the call. The others do the same twice as once."""
        if arguments.operation in ("run", "smoke", "schedule"):
            return await recovered(arguments, ctx, note)
        if arguments.operation in AGAIN:
            return await recovered_again(arguments, ctx, note)
        return await self.execute(arguments, ctx)


async def _uploads(arguments: JobsArguments, ctx: ToolContext) -> list[str]:
    """Raises ToolError for a folder that must not leave this machine."""
    folders = folders_in(arguments.volumes)
    return [
        line_of(folder, files)
        for folder, files in zip(folders, await look_through(folders, ctx.cwd), strict=True)
    ]
