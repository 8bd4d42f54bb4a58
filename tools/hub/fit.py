"""hf_fit: which hardware a model fits for a method, with memory and price. See tools/hub/memory.py
for the formulas and where they are from."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from graph.context import AgentTool, ToolResult, ToolRun
from graph.effects import Effect
from graph.errors import ToolError
from tools.hub.connection import ask, get
from tools.hub.hardware import Gpus, flavors, local_gpus
from tools.hub.memory import GB, TIGHT, USABLE, Method, Need, Plan, need
from tools.hub.shape import Shape, from_config, of_size
from tools.hub.words import Repo

#: Types of numbers in which several parameters are packed into one.
PACKED = frozenset({"I32", "U8", "I8", "U32"})


class HfFitArguments(BaseModel):
    model_config = ConfigDict(extra="forbid")

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

    def effect(self, arguments: HfFitArguments, cwd: str) -> Effect:
        return Effect("read")

    async def execute(self, arguments: HfFitArguments, run: ToolRun) -> ToolResult:
        a = arguments
        if not a.model and not a.parameters:
            raise ToolError("name a model (owner/name), or give parameters in billions")
        notes: list[str] = []
        shape = await _shape(a, run, notes)
        plan = Plan(a.method, a.sequence_length, a.batch, a.lora_rank, a.gradient_checkpointing)
        needed = need(shape, plan)
        there, here = await asyncio.gather(_hub(run, notes), _local(notes))
        return ToolResult(_told(a, shape, needed, there, here, notes))


async def _shape(a: HfFitArguments, run: ToolRun, notes: list[str]) -> Shape:
    by_hand = round(a.parameters * GB)
    if not a.model:
        notes.append("no model was named: its shape is that of a common dense one of this size")
        return of_size(by_hand)
    counted = by_hand or await _counted(a.model, run, notes)
    about = Repo(a.model, path="config.json")
    try:
        reply = await get(run, f"/{a.model}/resolve/main/config.json", about=about)
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


async def _counted(model: str, run: ToolRun, notes: list[str]) -> int:
    """Parameters in the model's safetensors; 0 where they do not tell. Raises ToolError."""
    from huggingface_hub.errors import NotASafetensorsRepoError, SafetensorsParsingError

    try:
        found = await ask(
            run, lambda api: api.get_safetensors_metadata(model).parameter_count, Repo(model)
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


async def _hub(run: ToolRun, notes: list[str]) -> list[Gpus]:
    try:
        return await flavors(run)
    except ToolError as error:
        notes.append(f"no flavors and prices: {error}")
        return []


async def _local(notes: list[str]) -> list[Gpus]:
    try:
        return await local_gpus()
    except (ToolError, OSError) as error:
        notes.append(f"this machine's GPUs are unknown: {error}")
        return []


def _told(
    a: HfFitArguments,
    shape: Shape,
    needed: Need,
    there: Sequence[Gpus],
    here: Sequence[Gpus],
    notes: Sequence[str],
) -> str:
    name = a.model or "a model"
    training = a.method != "inference"
    checkpoints = f", gradient checkpointing {'on' if a.gradient_checkpointing else 'off'}"
    fitting = sorted(
        (g for g in there if fits(needed, g)),
        key=lambda g: (g.hourly or 0, -g.memory * g.count),
    )
    lines = [
        f"{name} ({shape.parameters / GB:.2f} billion parameters), {a.method}: about "
        f"{_gb(needed.total)} GB on one GPU at {a.sequence_length:,} tokens x batch {a.batch}"
        f"{checkpoints if training else ''}. An estimate, within a quarter."
    ]
    if fitting:
        lines.append(f"Cheapest flavor that fits: {_flavor(fitting[0], needed, training)}.")
    elif there:
        lines.append(f"No flavor fits. {_smaller(a)}")
    lines += [_this_machine(gpus, needed, training) for gpus in here]
    lines += [f"Note: {note}" for note in notes]
    lines += ["", "Memory (GB, 10^9 bytes)"]
    lines += [f"  {p.name}: {_gb(p.size)} = {p.formula}" for p in needed.parts]
    if fitting:
        lines += ["", "Flavors that fit, cheapest first"]
        lines += [f"  {_flavor(g, needed, training)}" for g in fitting]
    others = [g for g in there if g not in fitting]
    if others:
        lines += ["", f"Do not fit: {', '.join(_short(g, needed) for g in others)}"]
    return "\n".join(lines)


def fits(needed: Need, gpus: Gpus) -> bool:
    """On one of the GPUs, or sharded over all."""
    room = USABLE * _room(gpus)
    return needed.total <= room or (gpus.count > 1 and needed.per_gpu(gpus.count) <= room)


def _room(gpus: Gpus) -> float:
    return gpus.memory if gpus.free is None else min(gpus.memory, gpus.free)


def _flavor(gpus: Gpus, needed: Need, training: bool) -> str:
    price = "" if gpus.hourly is None else f", ${gpus.hourly:.2f}/h"
    return f"{gpus.name}, {_cards(gpus)}{price}: {_how(gpus, needed, training)}"


def _cards(gpus: Gpus) -> str:
    return f"{gpus.count} x {gpus.model} {gpus.memory / GB:.0f} GB"


def _how(gpus: Gpus, needed: Need, training: bool) -> str:
    room = _room(gpus)
    alone = needed.total <= USABLE * room
    each = needed.total if alone else needed.per_gpu(gpus.count)
    said = f"needs {_gb(each)} of {room / GB:.0f} GB" + (" each" if gpus.count > 1 else "")
    if each > TIGHT * room:
        said += ", tight"
    if not alone:
        said += (
            f"; sharded over {gpus.count} (FSDP FULL_SHARD or DeepSpeed ZeRO-3)"
            if training
            else f"; split over {gpus.count} (tensor parallel)"
        )
    elif gpus.count > 1:
        said += f"; one is enough, {gpus.count} multiply the batch (data parallel)"
    return said if gpus.bf16 else f"{said}; no bf16: use fp16"


def _this_machine(gpus: Gpus, needed: Need, training: bool) -> str:
    free = "" if gpus.free is None else f" ({_gb(gpus.free)} GB free)"
    if fits(needed, gpus):
        return f"This machine: {_cards(gpus)}{free}: fits, {_how(gpus, needed, training)}."
    return f"This machine: {_cards(gpus)}{free}: does not fit."


def _short(gpus: Gpus, needed: Need) -> str:
    each = needed.per_gpu(gpus.count)
    return (
        f"{gpus.name} ({_gb(each)} of {gpus.memory / GB:.0f} GB{' each' if gpus.count > 1 else ''})"
    )


def _smaller(a: HfFitArguments) -> str:
    steps = {
        "full": ["lora or qlora instead of full"],
        "lora": ["qlora instead of lora"],
        "qlora": ["a smaller model"],
        "inference": ["a quantized or smaller model"],
    }[a.method]
    if a.method != "inference" and not a.gradient_checkpointing:
        steps.insert(0, "gradient_checkpointing")
    if a.batch > 1:
        steps.append("a smaller batch with gradient accumulation")
    if a.sequence_length > 512:
        steps.append("shorter sequences")
    return f"Try {', '.join(steps)}."


def _gb(size: float) -> str:
    return f"{size / GB:.1f}"
