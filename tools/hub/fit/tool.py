"""hf_fit: which hardware a model fits for a method, with memory and price. See gpu_memory.py for
the formulas and where they are from."""

import asyncio
import re

from pydantic import BaseModel, Field

from core.effects import Effect
from core.errors import ToolError
from core.hub.connection import Hub
from core.tool import AgentTool, ToolContext, ToolResult
from tools.hub.fit.assumptions import certainty
from tools.hub.fit.gpu_memory import GB, need
from tools.hub.fit.hardware import Gpus, flavors, local_gpus
from tools.hub.fit.model_shape import Shape, of_size
from tools.hub.fit.plan import Loss, MemoryEstimate, Method, Precision, Stack, Trainer
from tools.hub.fit.published import published_shape
from tools.hub.fit.report import described, fits


class HfFitArguments(BaseModel, extra="forbid"):
    method: Method
    model: str = Field("", description="owner/name")
    parameters: float = Field(0, ge=0, description="billions")
    sequence_length: int = Field(2048, ge=1)
    batch: int = Field(1, ge=1, description="per GPU")
    lora_rank: int = Field(16, ge=1)
    gradient_checkpointing: bool = True
    activation_offloading: bool = False
    trainer: Trainer = "sft"
    loss: Loss = Field("", description="chunked: no whole logits")
    optimizer: str = Field("", description="adamw_8bit, adafactor, ...")
    precision: Precision = Field("", description="of the trained")
    stack: Stack = Field("", description="sets loss, precision")
    unsloth: bool = False
    vllm: bool = Field(False, description="serves, or in grpo")
    weight_bits: float = Field(0, ge=0, le=32, description="quantized")


class HfFit(AgentTool):
    name: str = "hf_fit"
    description: str = (
        "Before choosing hardware: job flavors and local GPUs that a model fits for a method, "
        "with memory, price, sharding. An estimate: say what you know of the stack."
    )
    args_schema: type[BaseModel] = HfFitArguments
    looks_up: bool = True
    titled_by: tuple[str, ...] = ("method", "model")

    def summary(self, text: str) -> str:
        found = re.search(r"about ([\d.]+ GB) on one GPU", text)
        cheapest = re.search(r"^Cheapest flavor that fits: (.+)\.$|^(No flavor fits)", text, re.M)
        if found is None or cheapest is None:
            return ""
        return f"about {found[1]} · {cheapest[1] or cheapest[2].lower()}"

    def effect(self, arguments: HfFitArguments, cwd: str) -> Effect:
        return Effect("read")

    async def execute(self, arguments: HfFitArguments, ctx: ToolContext) -> ToolResult:
        a = arguments
        if not a.model and not a.parameters:
            raise ToolError("name a model (owner/name), or give parameters in billions")
        notes: list[str] = []
        hub = Hub.of(ctx)
        shape = await _shape(a, hub, notes)
        plan = MemoryEstimate(
            a.method, a.sequence_length, a.batch, a.lora_rank, a.gradient_checkpointing,
            a.trainer, a.loss, a.optimizer, a.precision, a.activation_offloading, a.unsloth,
            a.vllm, a.weight_bits,
        ).on(a.stack)  # fmt: skip
        if not plan.is_known_optimizer:
            notes.append(f"optimizer {a.optimizer} is not known: counted as AdamW")
        needed = need(shape, plan)
        there, here = await asyncio.gather(_hub(hub, notes), _local(notes))
        fitting = [gpus.name for gpus in there if fits(needed, gpus)]
        # The evidence of a job's preflight.
        await ctx.note(
            {"model": a.model, "method": a.method, "flavors": fitting, "at": ctx.services.clock()}
        )
        return ToolResult(
            described(
                plan, a.model, shape, (needed, certainty(shape, plan)), [*there, *here], notes
            )
        )


async def _shape(a: HfFitArguments, hub: Hub, notes: list[str]) -> Shape:
    by_hand = round(a.parameters * GB)
    if a.model:
        return await published_shape(a.model, by_hand, hub, notes)
    notes.append("no model was named: its shape is that of a common dense one of this size")
    return of_size(by_hand)


async def _hub(hub: Hub, notes: list[str]) -> list[Gpus]:
    try:
        return await flavors(hub)
    except ToolError as error:
        notes.append(f"no flavors and prices: {error}")
        return []


async def _local(notes: list[str]) -> list[Gpus]:
    try:
        return await local_gpus()
    except (ToolError, OSError) as error:
        notes.append(f"this machine's GPUs are unknown: {error}")
        return []
