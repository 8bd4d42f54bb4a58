"""How much GPU memory a method needs: an estimate in parts, each with its formula.

GB are 10^9 bytes. s: tokens of a sequence, b: sequences on a GPU at a time, h: width, m: width of
the feed-forward part that a token goes through, L: layers, V: vocabulary, P: parameters.

A step has its peak either when the loss is computed (checkpoints and logits are there, gradients
are not yet), or at the end of the backward pass (the other way round). The larger of the two is
what it needs.

- Full fine-tuning: fp32 weights 4, gradients 4, two moments of AdamW 8 bytes a parameter (or bf16
  weights, bf16 gradients and an fp32 copy, also 16). Rajbhandari et al. 2020, "ZeRO", 3.1. In pure
  bf16: 2, 2, 4. 8-bit optimizers: 1 byte a moment (Dettmers et al. 2022).
- LoRA: the base in bf16, 2 bytes a parameter, frozen; adapters of rank r on all linear layers have
  r x (in + out) parameters each, trained as above. Hu et al. 2021. Experts of a mixture get no
  adapters (PEFT's default targets are the attention's).
- QLoRA: linear layers in NF4 with double quantization, 4.127 bits a parameter; embeddings, output
  layer and norms stay bf16. Dettmers et al. 2023, "QLoRA", section 3. One matrix at a time is
  bf16 again. bitsandbytes on transformers 5 leaves fused experts as they are.
- A layer's activations: s b (17h + 8m) bytes with a gated feed-forward part, s b (17h + 4m)
  without. With m = 4h the latter is Korthikanti et al. 2022, "Reducing Activation Recomputation",
  equation 2 (34 s b h) less a dropout mask and the attention matrix, which flash attention never
  stores. With gradient checkpointing each layer keeps its input, 2 s b h bytes, and one layer at a
  time the rest.
- Logits, as transformers computes the loss: 16 bytes a token and word (bf16 2, fp32 copy 4,
  log-probabilities 4, gradient 4, its bf16 copy 2); measured 15.4 to 17. In chunks (TRL's
  add_fused_lm_head): one tile of 4,096 tokens x 32,768 words.
- Inference: the weights, the KV cache, one layer's activations of the whole prompt, s b (6m + 6h).
  transformers lets the cache grow by concatenation, so that the old blocks stay with the
  allocator: twice the cache; vLLM keeps pages of it, and takes the prompt 8,192 tokens at a time.
- CUDA context and libraries: 0.5 GB. torch's caching allocator: a twentieth of what comes and goes.
"""

from dataclasses import dataclass, replace

from tools.hub.fit.model_shape import Shape
from tools.hub.fit.plan import MemoryEstimate

GB = 1_000_000_000
NF4_BITS = 4.127
BF16, FP32 = 2, 4
#: Bytes of a token and word, with the gradient and without it (a reference model).
NLL, NLL_FROZEN = 16, 10
#: TRL's tile of the fused output layer, and vLLM's share of a prompt.
TILE_TOKENS, TILE_WORDS, VLLM_TOKENS = 4096, 32_768, 8192
CONTEXT = GB / 2
SLACK = 0.05
#: What of a GPU's memory may be planned; from TIGHT on it counts as close.
USABLE, TIGHT = 0.95, 0.85


@dataclass(frozen=True)
class Part:
    """`size` in bytes. `sharded`: spread over the GPUs where there are several."""

    name: str
    size: float
    formula: str
    sharded: bool = False


@dataclass(frozen=True)
class Need:
    """What a method needs, in each phase of a step. `gathered`: bytes that every GPU puts together
    while it computes (sharded training); 0 where the parts stay apart (inference)."""

    phases: tuple[tuple[Part, ...], ...]
    gathered: float = 0

    @property
    def parts(self) -> tuple[Part, ...]:
        """Of the largest phase."""
        return max(self.phases, key=lambda parts: sum(p.size for p in parts))

    @property
    def total(self) -> float:
        """Bytes on one GPU."""
        return self.per_gpu(1)

    def per_gpu(self, count: int) -> float:
        """Bytes on each of `count` GPUs, sharded parts spread evenly."""
        sums = (sum(p.size / (count if p.sharded else 1) for p in one) for one in self.phases)
        return max(sums) + (self.gathered if count > 1 else 0)


def need(shape: Shape, plan: MemoryEstimate) -> Need:
    if plan.method == "inference":
        return Need((_with_slack(_inference(shape, plan)),))
    states = _states(shape, plan)
    beside = [*_reference(shape, plan), *_generation(shape, plan)]
    kept, layer = _activations(shape, plan)
    loss = _loss(shape, plan, kept)
    # The base of adapters is frozen: their gradients are small, and counted with them.
    gradients = _gradients(shape, plan)
    early = [gradients] if plan.keeps_gradients else []
    phases = (
        [*states, *beside, *early, kept, max(loss, layer, key=lambda part: part.size)],
        [*states, *beside, gradients, layer],
    )
    bits = (plan.bits or NF4_BITS) if plan.method == "qlora" else 16
    one_layer = max(0, shape.parameters - shape.embeddings) / shape.layers * bits / 8
    # The next layer is fetched while one computes; the embeddings' unit stays together.
    gathered = 2 * one_layer + shape.embeddings * BF16
    return Need(tuple(_with_slack([p for p in one if p.size]) for one in phases), gathered)


def adapter_parameters(shape: Shape, rank: int) -> int:
    """Parameters of LoRA adapters on all linear layers."""
    matrices = shape.attention + ([] if shape.experts else shape.feed_forward)
    return shape.layers * sum(rank * (a + b) for a, b in matrices)


def weights(shape: Shape, plan: MemoryEstimate) -> Part:
    """The weights as they are loaded, without what trains them."""
    count = shape.parameters
    if plan.method == "inference" and not plan.bits and shape.stored:
        return Part("weights", shape.stored, "as they are stored, quantized", True)
    if plan.method == "inference" and plan.bits:
        return Part("weights", count * plan.bits / 8, f"{_b(count)} x {plan.bits:g} bits", True)
    if plan.method == "qlora":
        # Experts of a mixture are one tensor of three dimensions, which bitsandbytes skips.
        whole = 0 if plan.unsloth else shape.expert_parameters
        kept = min(shape.embeddings + whole + shape.tower, count)
        each = FP32 if plan.prepared else BF16
        bits, kind = plan.bits or NF4_BITS, "" if plan.bits else " (NF4)"
        said = f"{_b(count - kept)} x {bits:g} bits{kind}, {_b(kept)} x {each} bytes"
        what = ["embeddings", *(["experts"] if whole else []), *(["vision"] if shape.tower else [])]
        size = (count - kept) * bits / 8 + kept * each
        return Part("weights", size, f"{said} ({', '.join(what)})", True)
    each = FP32 if plan.method != "inference" and plan.precision == "fp32" else BF16
    if plan.method == "full" and plan.precision != "bf16":
        each = FP32
    said = "bf16" if each == BF16 else "fp32"
    return Part("weights", count * each, f"{_b(count)} x {each} bytes ({said})", True)


def kv_cache(shape: Shape, plan: MemoryEstimate) -> Part:
    """All layers' keys and values: layers with a window stop growing, others have none."""
    full = shape.layers - shape.windowed - shape.stateless
    windowed = min(plan.tokens, shape.window)
    size = (full * plan.tokens + shape.windowed * windowed) * shape.kv_width * BF16 * plan.batch
    said = [f"{full} layers x {plan.tokens:,} tokens"] if full else []
    said += [f"{shape.windowed} layers x {windowed:,} tokens"] if shape.windowed else []
    which = (
        f"{shape.kv_width} (latent)"
        if shape.latent
        else f"2 x {shape.kv_heads} heads x {shape.head_size}"
    )
    told = f"({' + '.join(said) or 'no layer'}) x {which} x 2 bytes x batch {plan.batch}"
    return Part("KV cache", size, told, True)


def _inference(shape: Shape, plan: MemoryEstimate) -> list[Part]:
    cache = kv_cache(shape, plan)
    tokens = plan.tokens * plan.batch
    at_once = min(tokens, VLLM_TOKENS) if plan.vllm else tokens
    said = f"one layer's s b (6m + 6h); s b = {at_once:,}"
    prompt = Part("prompt", at_once * 6 * (shape.width + shape.hidden), said)
    growth = Part("cache that grew", cache.size, "old blocks of the KV cache (transformers)", True)
    return [weights(shape, plan), cache, *([] if plan.vllm else [growth]), prompt]


def _states(shape: Shape, plan: MemoryEstimate) -> list[Part]:
    base = weights(shape, plan)
    if plan.method == "full":
        return [base, _moments(shape.parameters, plan)]
    count = adapter_parameters(shape, plan.rank)
    each = 2 * plan.trained + plan.moments
    where = "attention" if shape.experts else "all linear layers"
    said = f"{count / 1e6:.1f} million of rank {plan.rank} on {where} x {each:g} bytes"
    return [base, Part("adapters and optimizer", count * each, said, True)]


def _moments(count: int, plan: MemoryEstimate) -> Part:
    # Paged states leave when the GPU is full: the least that it takes is without them.
    each = 0 if plan.paged else plan.moments
    said = f"{_b(count)} x {each:g} bytes ({plan.optimizer or 'AdamW'})"
    return Part("optimizer", count * each, said, True)


def _gradients(shape: Shape, plan: MemoryEstimate) -> Part:
    if plan.method != "full":
        return Part("gradients", 0, "")
    count, said = shape.parameters, _b(shape.parameters)
    if plan.frees_gradients:
        count = max(shape.vocabulary * shape.hidden, *(a * b for a, b in shape.feed_forward))
        said = f"the largest one, {_b(count)}"
    each = plan.trained
    return Part("gradients", count * each, f"{said} x {each} bytes", True)


def _activations(shape: Shape, plan: MemoryEstimate) -> tuple[Part, Part]:
    """What the forward pass keeps, and what one layer takes besides in the backward pass."""
    tokens = plan.tokens * plan.sequences
    factor = 8 if shape.gated else 4
    layer = tokens * (17 * shape.hidden + factor * shape.width)
    said = f"s b = {tokens:,}, h = {shape.hidden}, m = {shape.width}"
    if not plan.checkpointing:
        told = f"no checkpointing: {shape.layers} layers x s b (17h + {factor}m); {said}"
        return Part("activations", shape.layers * layer, told), Part("layer", 0, "")
    largest = max((a * b for a, b in shape.feed_forward), default=0) * BF16
    layer += largest if plan.method == "qlora" else 0
    one = Part("layer", layer, f"one layer's s b (17h + {factor}m); {said}")
    # With offloading, the CPU holds all but the checkpoints on their way.
    layers = 2 if plan.offload or plan.unsloth else shape.layers
    size = layers * plan.stream * tokens * shape.hidden
    return Part(
        "activations", size, f"checkpoints: {layers} layers x {plan.stream} s b h; {said}"
    ), one


def _loss(shape: Shape, plan: MemoryEstimate, kept: Part) -> Part:
    tokens = plan.tokens * plan.sequences
    if plan.loss == "none" or not shape.head or plan.trainer == "reward":
        return Part("logits", 0, "")
    if plan.whole_logits:
        frozen = NLL_FROZEN if plan.trainer in ("dpo", "kto") else 0
        said = f"{tokens:,} tokens x {shape.vocabulary:,} words x {NLL} bytes"
        said += f" + {frozen} for the reference" if frozen else ""
        return Part("logits", tokens * shape.vocabulary * (NLL + frozen), said)
    rows, words = min(tokens, TILE_TOKENS), min(shape.vocabulary, TILE_WORDS)
    head = shape.vocabulary * shape.hidden * FP32 if plan.method == "full" else 0
    said = f"in tiles of {rows:,} tokens x {words:,} words x {BF16} bytes"
    said += ", and the output layer's gradient x 4 bytes" if head else ""
    return Part("logits", rows * words * BF16 + head, said)


def _reference(shape: Shape, plan: MemoryEstimate) -> list[Part]:
    if not plan.reference:
        return []
    count = shape.parameters
    # TRL loads it as it loads the model: fp32, unless dtype says otherwise.
    return [replace(weights(shape, plan), name="reference model", formula=f"{_b(count)}, frozen")]


def _generation(shape: Shape, plan: MemoryEstimate) -> list[Part]:
    """vLLM on the trainer's GPUs: its weights and its cache. (Generation by transformers is over
    before the loss is computed, and its cache is gone.)"""
    if plan.trainer != "grpo" or not plan.vllm:
        return []
    serving = replace(plan, method="inference", bits=0)
    own = replace(weights(replace(shape, stored=0), serving), name="vLLM's weights")
    return [own, replace(kv_cache(shape, serving), name="vLLM's KV cache")]


def _with_slack(parts: list[Part]) -> tuple[Part, ...]:
    moving = sum(p.size for p in parts if not p.sharded)
    said = f"context 0.5 GB, {SLACK:.0%} of what comes and goes"
    return (*parts, Part("CUDA and allocator", CONTEXT + SLACK * moving, said))


def _b(count: float) -> str:
    return f"{count / GB:.2f} billion"
