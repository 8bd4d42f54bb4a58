"""What hf_fit says: the verdict, the parts of the memory, the hardware by price."""

from collections.abc import Sequence

from tools.hub.fit.assumptions import Certainty
from tools.hub.fit.gpu_memory import GB, TIGHT, USABLE, Need
from tools.hub.fit.hardware import Gpus
from tools.hub.fit.model_shape import Shape
from tools.hub.fit.plan import MemoryEstimate


def described(
    plan: MemoryEstimate,
    model: str,
    shape: Shape,
    estimate: tuple[Need, Certainty],
    gpus: Sequence[Gpus],
    notes: Sequence[str],
) -> str:
    """`gpus`: the Hub's flavors, and this machine's own, which have no price."""
    needed, certain = estimate
    name = model or "a model"
    there = [one for one in gpus if one.hourly is not None]
    here = [one for one in gpus if one.hourly is None]
    training = plan.method != "inference"
    checkpoints = f", gradient checkpointing {'on' if plan.checkpointing else 'off'}"
    fitting = sorted(
        (g for g in there if fits(needed, g)), key=lambda g: (g.hourly or 0, -g.memory * g.count)
    )
    lines = [
        f"{name} ({shape.parameters / GB:.2f} billion parameters), {_named(plan)}: about "
        f"{_gb(needed.total)} GB on one GPU at {plan.tokens:,} tokens x batch {plan.batch}"
        f"{checkpoints if training else ''}. {_range(certain)}",
        *_assumptions(certain),
    ]
    if fitting:
        lines.append(f"Cheapest flavor that fits: {_flavor(fitting[0], needed, training)}.")
    elif there:
        lines.append(f"No flavor fits. {_smaller(plan)}")
    lines += [_this_machine(one, needed, training) for one in here]
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


def _named(plan: MemoryEstimate) -> str:
    return plan.method if plan.trainer == "sft" else f"{plan.trainer} with {plan.method}"


def _range(certain: Certainty) -> str:
    if certain.confident:
        return "An estimate: 9 of 10 published runs lie within a quarter."
    return f"A rough estimate: {_gb(certain.low)} to {_gb(certain.high)} GB, as the stack decides."


def _assumptions(certain: Certainty) -> list[str]:
    lines = [f"Assumed: {'; '.join(certain.assumed)}."] if certain.assumed else []
    if certain.alternatives:
        others = (f"{one.name} {_gb(one.total)} GB" for one in certain.alternatives)
        lines.append(f"With something else: {'; '.join(others)}.")
    if certain.rough:
        lines.append(f"Rough: {'; '.join(certain.rough)}.")
    return lines


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
            f"; sharded over {gpus.count} (FSDP FULL_SHARD or DeepSpeed ZeRO-3), rougher"
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


def _smaller(plan: MemoryEstimate) -> str:
    steps = {
        "full": ["lora or qlora instead of full"],
        "lora": ["qlora instead of lora"],
        "qlora": ["a smaller model"],
        "inference": ["a quantized or smaller model"],
    }[plan.method]
    if plan.method != "inference" and not plan.checkpointing:
        steps.insert(0, "gradient_checkpointing")
    if plan.batch > 1:
        steps.append("a smaller batch with gradient accumulation")
    if plan.tokens > 512:
        steps.append("shorter sequences")
    return f"Try {', '.join(steps)}."


def _gb(size: float) -> str:
    return f"{size / GB:.1f}"
