"""What an estimate assumed, what else the stack may do and what that would take, and why an
estimate is rough. docs/memory.md compares the estimates with published measurements."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tools.hub.fit.gpu_memory import GB, need
from tools.hub.fit.model_shape import Shape
from tools.hub.fit.plan import MemoryEstimate

#: What published runs of one setting differ by: 9 of 10 are within this range.
AROUND = (0.8, 1.25)
#: Bytes below which what no formula holds is a tenth and more.
SMALL = 5 * GB


@dataclass(frozen=True)
class Alternative:
    """`total`: bytes on one GPU."""

    name: str
    total: float


@dataclass(frozen=True)
class Certainty:
    """Attributes:
    assumed: what the caller did not say. alternatives: the same run with what else is common.
    rough: reasons to trust the figure less. low, high: bytes, over all alternatives.
    """

    assumed: tuple[str, ...]
    alternatives: tuple[Alternative, ...]
    rough: tuple[str, ...]
    low: float
    high: float

    @property
    def confident(self) -> bool:
        """Nothing that matters is open: the figure is within a quarter."""
        return not self.rough and not self.alternatives


def certainty(shape: Shape, plan: MemoryEstimate) -> Certainty:
    total = need(shape, plan).total
    options = [
        Alternative(name, need(shape, other).total) for name, other in _alternatives(shape, plan)
    ]
    # What changes little decides nothing.
    options = [one for one in options if abs(one.total / total - 1) > 0.05]
    every = [total, *(one.total for one in options)]
    return Certainty(
        tuple(_assumed(shape, plan)),
        tuple(options),
        tuple(_rough(shape, plan)),
        AROUND[0] * min(every),
        AROUND[1] * max(every),
    )


def _assumed(shape: Shape, plan: MemoryEstimate) -> Iterator[str]:
    if plan.method == "inference":
        if not plan.vllm:
            yield "generation by transformers"
        yield "a bf16 KV cache"
        return
    if not shape.head or plan.loss == "none":
        yield "no loss over the vocabulary"
    elif not plan.loss and not plan.unsloth:
        yield "the whole logits (transformers, Axolotl, LLaMA-Factory)"
    if plan.method == "full":
        yield f"{plan.optimizer or 'AdamW'}" + ("" if plan.optimizer else " (torch)")
        if not plan.precision:
            yield "fp32 weights, bf16 autocast"
        if plan.paged:
            yield "the optimizer's states paged out"
    elif plan.method == "lora" and not plan.precision:
        yield "a bf16 base, fp32 adapters"
    if not plan.unsloth:
        yield "flash attention"
    if plan.trainer in ("dpo", "kto"):
        yield "a frozen copy of the model" if plan.reference else "adapters off as the reference"
    if plan.trainer == "grpo":
        yield "beta 0, so no reference model; batch counts completions"


def _alternatives(shape: Shape, plan: MemoryEstimate) -> Iterator[tuple[str, MemoryEstimate]]:
    if plan.method == "inference":
        if not plan.vllm:
            yield "vLLM or llama.cpp", replace(plan, vllm=True)
        return
    if not plan.loss and not plan.unsloth and shape.head and plan.trainer != "reward":
        yield "loss chunked (TRL since 1.7, torchtune)", replace(plan, loss="chunked")
        if plan.method != "full":
            yield "Unsloth", plan.on("unsloth")
    if not plan.precision and plan.method == "lora":
        yield "fp32 base (TRL without dtype)", replace(plan, precision="fp32")
    if plan.method == "full":
        if not plan.precision:
            yield "precision bf16", replace(plan, precision="bf16")
        if not plan.optimizer:
            small = replace(plan, optimizer="adamw_8bit")
            yield "adamw_8bit", small
            if not plan.precision:
                yield "both", replace(small, precision="bf16")
            least = replace(plan.on("torchtune"), optimizer="paged_adamw_8bit_in_backward")
            yield "torchtune's paged 8-bit states, gradients freed at once", least
        if not plan.frees_gradients and not plan.keeps_gradients:
            name = "gradients kept (accumulation, DeepSpeed)"
            yield name, replace(plan, keeps_gradients=True)
        if plan.paged:
            stay = replace(plan, optimizer=plan.optimizer.replace("paged_", ""))
            yield "states that stay on the GPU", stay
    if plan.method == "qlora" and shape.experts and not plan.unsloth and plan.loss:
        yield "4-bit experts (Unsloth)", replace(plan, unsloth=True)


def _rough(shape: Shape, plan: MemoryEstimate) -> Iterator[str]:
    if need(shape, plan).total < SMALL:
        yield "of a model this small, CUDA's own half GB decides"
    if shape.guessed:
        yield "the model's shape is guessed"
    if shape.experts and plan.method != "inference":
        yield "mixtures differ by their kernels"
    if shape.tower and plan.method != "inference":
        yield "what images or audio take besides their tokens is not counted"
    if shape.stateless:
        yield "layers without attention are counted as layers with it"
    if plan.trainer in ("dpo", "kto", "grpo"):
        yield f"few runs of {plan.trainer} were published"
    if plan.unsloth:
        yield "Unsloth's figures differ by its version"
    if plan.method == "qlora" and (plan.bits or shape.stored):
        yield "adapters on a checkpoint that is not NF4"
    if plan.frees_gradients or plan.paged:
        yield "what this optimizer holds depends on the GPU's size"
    if plan.method == "inference" and not plan.vllm and plan.batch > 1:
        yield "transformers' cache of a batch is fragmented"
