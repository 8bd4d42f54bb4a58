"""How much GPU memory a method needs: an estimate in parts, each with its formula.

GB are 10^9 bytes. s: tokens of a sequence, b: sequences on a GPU at a time, h: width, m: width of
the feed-forward part, L: layers, V: vocabulary.

- Full fine-tuning, mixed precision, AdamW: 16 bytes a parameter (bf16 weights 2, gradients 2, fp32
  copy 4, two moments 8). Rajbhandari et al. 2020, "ZeRO", section 3.1.
- LoRA: the base in bf16, 2 bytes a parameter, frozen; adapters of rank r on all linear layers have
  r x (in + out) parameters each, with 16 bytes (fp32 weights 4, gradients 4, moments 8). Hu et al.
  2021; the layers as in Dettmers et al. 2023. Experts of a mixture get no adapters (PEFT's default
  targets are the attention's).
- QLoRA: linear layers in NF4 with double quantization, 4.127 bits a parameter; embeddings, output
  layer and norms stay bf16. Dettmers et al. 2023, "QLoRA", section 3.
- Activations of a layer: s b (17h + 8m) bytes with a gated feed-forward part, s b (17h + 4m)
  without. With m = 4h the latter is Korthikanti et al. 2022, "Reducing Activation Recomputation",
  equation 2 (34 s b h) less a dropout mask and the attention matrix, which flash attention never
  stores. With gradient checkpointing each layer keeps its input, 2 s b h bytes, and one layer at a
  time the rest.
- Logits: s b V x 10 bytes (bf16 2, fp32 copy 4, its gradient 4), as transformers computes the loss.
- Inference: 2 bytes a parameter and the KV cache: L x 2 x KV heads x head size x 2 bytes x s b.
- CUDA context, kernels' workspace and fragmentation: 1 GB, an experience, no formula.

Real runs differ by up to a quarter: kernels, fragmentation, the trainer's own copies.
"""

from dataclasses import dataclass
from typing import Literal

from tools.hub.fit.model_shape import Shape

Method = Literal["full", "lora", "qlora", "inference"]

GB = 1_000_000_000
NF4_BITS = 4.127
TRAINED, ADAPTER, BF16 = 16, 16, 2
LOGITS = 10
CONTEXT = GB
#: What of a GPU's memory may be planned; from TIGHT on it is said to be close.
USABLE, TIGHT = 0.95, 0.85


@dataclass(frozen=True)
class Part:
    """`size` in bytes. `sharded`: spread over the GPUs where there are several."""

    name: str
    size: float
    formula: str
    sharded: bool


@dataclass(frozen=True)
class Need:
    """What a method needs. `gathered`: bytes of a layer that every GPU puts together while it
    computes with it (sharded training); 0 where the parts stay apart (inference)."""

    parts: tuple[Part, ...]
    gathered: float = 0

    @property
    def total(self) -> float:
        """Bytes on one GPU."""
        return sum(part.size for part in self.parts)

    def per_gpu(self, count: int) -> float:
        """Bytes on each of `count` GPUs, sharded parts spread evenly."""
        if count == 1:
            return self.total
        spread = sum(part.size / (count if part.sharded else 1) for part in self.parts)
        return spread + self.gathered


@dataclass(frozen=True)
class MemoryEstimate:
    """`batch`: sequences on each GPU at a time."""

    method: Method
    tokens: int = 2048
    batch: int = 1
    rank: int = 16
    checkpointing: bool = True


def need(shape: Shape, plan: MemoryEstimate) -> Need:
    billions = f"{shape.parameters / GB:.2f} billion parameters"
    if plan.method == "inference":
        return Need((_weights(shape, billions), _kv_cache(shape, plan), _context()))
    layer = max(0, shape.parameters - shape.embeddings) / shape.layers
    if plan.method == "full":
        said = f"{billions} x {TRAINED} bytes (bf16 2, gradients 2, fp32 copy 4, AdamW 8)"
        states = [Part("weights and optimizer", shape.parameters * TRAINED, said, True)]
    elif plan.method == "lora":
        states = [_weights(shape, billions), _adapters(shape, plan)]
    else:
        states = [_quantized(shape), _adapters(shape, plan)]
    bytes_of_layer = layer * (NF4_BITS / 8 if plan.method == "qlora" else BF16)
    # The next layer is fetched while one computes.
    return Need((*states, _activations(shape, plan), _logits(shape, plan), _context()),
                2 * bytes_of_layer)  # fmt: skip


def adapter_parameters(shape: Shape, rank: int) -> int:
    """Parameters of LoRA adapters on all linear layers."""
    matrices = shape.attention + ([] if shape.experts else shape.feed_forward)
    return shape.layers * sum(rank * (a + b) for a, b in matrices)


def _weights(shape: Shape, billions: str) -> Part:
    return Part("weights", shape.parameters * BF16, f"{billions} x 2 bytes (bf16)", True)


def _quantized(shape: Shape) -> Part:
    kept = min(shape.embeddings, shape.parameters)
    small = shape.parameters - kept
    size = small * NF4_BITS / 8 + kept * BF16
    said = (
        f"{small / GB:.2f} billion parameters x {NF4_BITS} bits (NF4), "
        f"{kept / GB:.2f} billion of the embeddings x 2 bytes"
    )
    return Part("weights", size, said, True)


def _adapters(shape: Shape, plan: MemoryEstimate) -> Part:
    count = adapter_parameters(shape, plan.rank)
    where = "attention" if shape.experts else "all linear layers"
    said = f"{count / 1e6:.1f} million of rank {plan.rank} on {where} x {ADAPTER} bytes"
    return Part("adapters and optimizer", count * ADAPTER, said, True)


def _activations(shape: Shape, plan: MemoryEstimate) -> Part:
    tokens = plan.tokens * plan.batch
    wide = shape.intermediate * shape.active
    factor = 8 if shape.gated else 4
    layer = tokens * (17 * shape.hidden + factor * wide)
    if plan.checkpointing:
        size = shape.layers * 2 * tokens * shape.hidden + layer
        said = (
            f"checkpoints: {shape.layers} layers x 2 s b h, and one layer's s b (17h + {factor}m)"
        )
    else:
        size = shape.layers * layer
        said = f"no checkpointing: {shape.layers} layers x s b (17h + {factor}m)"
    return Part("activations", size, f"{said}; s b = {tokens:,}, h = {shape.hidden}", False)


def _logits(shape: Shape, plan: MemoryEstimate) -> Part:
    tokens = plan.tokens * plan.batch
    said = f"{tokens:,} tokens x {shape.vocabulary:,} words x {LOGITS} bytes"
    return Part("logits", tokens * shape.vocabulary * LOGITS, said, False)


def _kv_cache(shape: Shape, plan: MemoryEstimate) -> Part:
    a_token = shape.layers * 2 * shape.kv_heads * shape.head_size * BF16
    tokens = plan.tokens * plan.batch
    said = (
        f"{shape.layers} layers x 2 x {shape.kv_heads} heads x {shape.head_size} x 2 bytes x "
        f"{tokens:,} tokens"
    )
    return Part("KV cache", a_token * tokens, said, True)


def _context() -> Part:
    return Part("CUDA and fragmentation", CONTEXT, "an allowance", False)
