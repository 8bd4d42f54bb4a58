"""hf_eval: how good a model is, next to its base: in a priced job or here, told as one table."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from core.effects import Effect
from core.errors import ToolError
from core.hub.card import rows_to_publish
from core.hub.connection import Hub
from core.hub.jobs import flavor_of
from core.hub.refusals import Repo
from core.tool import AgentTool, ToolContext, ToolResult
from core.units import dollars, duration, seconds_of
from tools.hub.evaluate.arguments import EvalArguments
from tools.hub.evaluate.plan import PINNED, job_of, local_command, overlaps, plan
from tools.hub.evaluate.publish import write
from tools.hub.evaluate.results import Found, is_job, ordered, read_results, table
from tools.hub.jobs.launch import launch, recovered


class HfEval(AgentTool):
    name: str = "hf_eval"
    description: str = (
        "Evaluate a trained model next to its base: job (paid) or local (a command for bash), "
        "then results (one table), publish (into its card)."
    )
    args_schema: type[BaseModel] = EvalArguments
    foresees: tuple[str, ...] = ("publish",)

    def title(self, arguments: Mapping[str, Any]) -> str:
        a = arguments
        parts = [
            ", ".join(a.get("tasks") or ()),
            a.get("flavor"),
            a.get("timeout"),
            a.get("source"),
        ]
        head = f"{a['operation']} {a.get('model', '')}"
        return " · ".join([head, *(str(part) for part in parts if part)])

    def effect(self, arguments: EvalArguments, cwd: str) -> Effect:
        a = arguments
        read = (a.source,) if a.source and not is_job(a.source) else ()
        if a.operation == "job":
            said = f"evaluate {a.model} on {a.flavor} for at most {a.timeout}"
            return Effect("spend", preview=said)
        if a.operation == "publish":
            said = f"write evaluation results into the card of {a.model}"
            return Effect("publish", paths=read, preview=said)
        return Effect("read", paths=read)

    async def foresee(self, arguments: EvalArguments, ctx: ToolContext) -> Effect:
        """With price and overlap of the job, or the rows that are published."""
        effect, a = self.effect(arguments, ctx.cwd), arguments
        if a.operation == "publish":
            rows = rows_to_publish(await _found(a, ctx))
            shown = [f"{r['task']} {r['metric']}: {r['value']:.4f}" for r in rows]
            preview = "\n".join([effect.preview, *shown])
            return Effect("publish", paths=effect.paths, preview=preview)
        if a.operation != "job":
            return effect
        spec, train = await plan(a, ctx)
        job_of(a, spec)
        seconds, price = seconds_of(a.timeout), None
        try:
            flavor = await flavor_of(a.flavor, Hub.of(ctx))
            price = flavor.price(seconds)
            cost = (
                f"{flavor.name} ({flavor.described}): ${flavor.hourly:.2f} an hour × "
                f"{duration(seconds)} = {dollars(price)} at most"
            )
        except ToolError as error:
            if error.message.startswith("flavor: "):
                raise
            cost = f"price unknown: {error.message}"
        limit = f", {a.limit} samples each" if a.limit else ""
        lines = [
            f"evaluate {' and '.join(one['model'] for one in spec['models'])}",
            cost,
            f"tasks {', '.join(spec['tasks'])}{limit}",
            f"packages {', '.join(PINNED[a.harness])}",
            "secrets HF_TOKEN",
            *([] if len(spec["models"]) > 1 else ["base: none known, nothing to compare with"]),
            *await overlaps(a, train, ctx),
        ]
        return Effect("spend", price_micro_usd=price, preview="\n".join(lines))

    async def execute(self, arguments: EvalArguments, ctx: ToolContext) -> ToolResult:
        a = arguments
        if a.operation == "job":
            spec, _ = await plan(a, ctx)
            result = await launch(job_of(a, spec), ctx)
            return _with_next_step(result, a)
        if a.operation == "local":
            spec, train = await plan(a, ctx)
            lines = [*await overlaps(a, train, ctx), "", "For bash (it needs uv):",
                     local_command(spec), "", "Then results with source evals."]  # fmt: skip
            return ToolResult("\n".join(lines))
        if a.operation == "results":
            found = ordered(await read_results(a.source, ctx), a.model)
            kept = json.loads(json.dumps(found[0]))
            await ctx.note({"model": a.model, "found": kept, "at": ctx.services.clock()})
            return ToolResult(table(found), ok=not found[0].get("error"))
        return await self._publish(a, ctx)

    async def _publish(self, a: EvalArguments, ctx: ToolContext) -> ToolResult:
        found = await _found(a, ctx)
        rows_to_publish(found)
        # A second time it changes nothing: the same files make no commit.
        await ctx.note({"published": a.model, "at": ctx.services.clock()})
        date = datetime.fromtimestamp(ctx.services.clock(), UTC).date().isoformat()
        said = await Hub.of(ctx).ask(
            lambda api: write(api, a.model, found, date), Repo(a.model), again=False
        )
        return ToolResult(said)

    async def recover(
        self, arguments: EvalArguments, ctx: ToolContext, note: dict[str, Any]
    ) -> ToolResult | None:
        if arguments.operation != "job":
            return await self.execute(arguments, ctx)
        spec: dict[str, Any] = {}
        result = await recovered(job_of(arguments, spec), ctx, note)
        return _with_next_step(result, arguments)


def _with_next_step(result: ToolResult, a: EvalArguments) -> ToolResult:
    if result.ok:
        result.text += f"\nWhen it has ended: hf_eval results of {a.model}, source the job's id."
    return result


async def _found(a: EvalArguments, ctx: ToolContext) -> Found:
    """The results of the model: of the source, else the newest of this session."""
    if a.source:
        return ordered(await read_results(a.source, ctx), a.model)[0]
    notes = await ctx.services.journal.notes(ctx.thread, "hf_eval")
    kept = [note["found"] for _, note in notes if note.get("found") and note["model"] == a.model]
    if not kept:
        raise ToolError(f"publish needs source: this session has read no results of {a.model}")
    return dict(kept[-1])
