"""hf_fit: which hardware a model fits for a method, with memory and price. See gpu_memory.py for
the formulas and where they are from."""

import asyncio

from pydantic import BaseModel, Field

from core.effects import Effect
from core.errors import ToolError
from core.hub.connection import Hub
from core.hub.refusals import Repo
from core.tool import AgentTool, ToolContext, ToolResult
from tools.hub.fit.gpu_memory import GB, MemoryEstimate, Method, need
from tools.hub.fit.hardware import Gpus, flavors, local_gpus
from tools.hub.fit.model_shape import Shape, from_config, of_size
from tools.hub.fit.report import fits, told

#: Types of numbers in which several parameters are packed into one.
PACKED = frozenset({"I32", "U8", "I8", "U32"})


class HfFitArguments(BaseModel, extra="forbid"):
    method: Method
    model: str = Field("", description="owner/name")
    parameters: float = Field(0, ge=0, description="billions")
    sequence_length: int = Field(2048, ge=1)
    batch: int = Field(1, ge=1, description="per GPU")
    lora_rank: int = Field(16, ge=1)
    gradient_checkpointing: bool = True


class HfFit(AgentTool):
    name: str = "hf_fit"
    description: str = (
        "Before choosing hardware: which job flavors and local GPUs a model fits for a method, "
        "with memory, price per hour (cheapest first) and sharding. Estimates, within a quarter."
    )
    args_schema: type[BaseModel] = HfFitArguments
    looks_up: bool = True

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
            a.method, a.sequence_length, a.batch, a.lora_rank, a.gradient_checkpointing
        )
        needed = need(shape, plan)
        there, here = await asyncio.gather(_hub(hub, notes), _local(notes))
        fitting = [gpus.name for gpus in there if fits(needed, gpus)]
        # The evidence of a job's preflight.
        await ctx.note(
            {"model": a.model, "method": a.method, "flavors": fitting, "at": ctx.services.clock()}
        )
        return ToolResult(told(plan, a.model, shape, needed, [*there, *here], notes))


async def _shape(a: HfFitArguments, hub: Hub, notes: list[str]) -> Shape:
    by_hand = round(a.parameters * GB)
    if not a.model:
        notes.append("no model was named: its shape is that of a common dense one of this size")
        return of_size(by_hand)
    counted = by_hand or await _counted(a.model, hub, notes)
    about = Repo(a.model, path="config.json")
    try:
        reply = await hub.get(f"/{a.model}/resolve/main/config.json", about=about)
        config = reply.json()
    except ToolError as error:
        if not counted:
            raise ToolError(f"{error} Or give parameters (in billions).") from None
        notes.append(f"its shape is guessed from its size: {error}")
        return of_size(counted)
    shape = from_config(config, counted) if isinstance(config, dict) else None
    if shape is not None:
        if not counted:
            notes.append(
                "parameters as they follow from config.json: no plain safetensors to count"
            )
        return shape
    if not counted:
        raise ToolError(
            f"{a.model} has neither safetensors to count nor a config.json that tells its size: "
            "give parameters (in billions)"
        )
    notes.append("its config.json does not tell its shape: it is guessed from its size")
    return of_size(counted)


async def _counted(model: str, hub: Hub, notes: list[str]) -> int:
    """Parameters in the model's safetensors; 0 where they do not tell. Raises ToolError."""
    from huggingface_hub.errors import NotASafetensorsRepoError, SafetensorsParsingError

    try:
        found = await hub.ask(
            lambda api: api.get_safetensors_metadata(model).parameter_count, Repo(model)
        )
    except (NotASafetensorsRepoError, SafetensorsParsingError):
        return 0
    if PACKED & set(found):
        kinds = ", ".join(sorted(found))
        notes.append(
            f"{model} is stored quantized ({kinds}): the estimate is for its plain weights"
        )
        return 0
    return sum(found.values())


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
