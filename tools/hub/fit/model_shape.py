"""A model's shape: the numbers of its config that memory follows from."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

#: Families whose feed-forward part is two matrices instead of three (no gate).
NOT_GATED = frozenset(
    {
        "albert", "bart", "bert", "bloom", "deberta", "deberta-v2", "distilbert", "electra",
        "falcon", "gpt2", "gpt_bigcode", "gpt_neo", "gpt_neox", "gptj", "mpt", "opt", "phi",
        "roberta", "starcoder2", "t5", "vit", "whisper", "xlm-roberta",
    }
)  # fmt: skip
#: The same number under the names that families give it.
NAMES: dict[str, tuple[str, ...]] = {
    "layers": ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "encoder_layers"),
    "hidden": ("hidden_size", "n_embd", "d_model", "dim", "word_embed_proj_dim"),
    "heads": ("num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads"),
    "kv_heads": ("num_key_value_heads", "num_kv_heads", "n_head_kv"),
    "head_size": ("head_dim", "kv_channels"),
    "intermediate": ("intermediate_size", "n_inner", "ffn_dim", "d_ff", "ffn_hidden_size",
                     "encoder_ffn_dim", "hidden_dim"),
    "vocabulary": ("vocab_size",),
    "experts": ("num_local_experts", "num_experts", "n_routed_experts"),
    "active": ("num_experts_per_tok", "num_experts_per_token", "top_k_experts"),
    "expert_size": ("moe_intermediate_size",),
}  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """Attributes:
    parameters: of the whole model. intermediate: width of the feed-forward part (of one expert
        where there are experts). active: experts that a token goes through.
    tied: input and output embeddings are one matrix.
    """

    parameters: int
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_size: int
    intermediate: int
    vocabulary: int
    tied: bool = False
    gated: bool = True
    experts: int = 0
    active: int = 1

    @property
    def embeddings(self) -> int:
        """Parameters of the embeddings, output included."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def attention(self) -> list[tuple[int, int]]:
        """(in, out) of a layer's attention matrices: query, key, value, output."""
        query, key = self.heads * self.head_size, self.kv_heads * self.head_size
        return [(self.hidden, query), (self.hidden, key), (self.hidden, key), (query, self.hidden)]

    @property
    def feed_forward(self) -> list[tuple[int, int]]:
        """(in, out) of a layer's feed-forward matrices, of one expert."""
        up = [(self.hidden, self.intermediate)] * (2 if self.gated else 1)
        return [*up, (self.intermediate, self.hidden)]

    def counted(self) -> int:
        """Parameters as they follow from the other numbers."""
        attention = sum(a * b for a, b in self.attention)
        forward = sum(a * b for a, b in self.feed_forward) * max(1, self.experts)
        router = self.hidden * self.experts
        layer = attention + forward + router + 2 * self.hidden
        return self.embeddings + self.layers * layer + self.hidden


def from_config(config: Mapping[str, Any], parameters: int = 0) -> Shape | None:
    """The shape that a config.json tells; None where it lacks the numbers.

    `parameters`: as counted in the weights; 0: as they follow from the config.
    """
    inner = config.get("text_config") or config.get("llm_config") or {}
    whole = {**config, **inner} if isinstance(inner, Mapping) else dict(config)

    def value(name: str) -> int:
        found = (whole.get(key) for key in NAMES[name])
        return next((v for v in found if isinstance(v, int) and not isinstance(v, bool)), 0)

    layers, hidden, heads = value("layers"), value("hidden"), value("heads")
    if not (layers > 0 and hidden > 0 and heads > 0):
        return None
    experts = value("experts")
    one_kv = bool(whole.get("multi_query")) and not value("kv_heads")
    made = Shape(
        parameters=parameters,
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=1 if one_kv else value("kv_heads") or heads,
        head_size=value("head_size") or hidden // heads,
        intermediate=(value("expert_size") if experts else 0)
        or value("intermediate")
        or 4 * hidden,
        vocabulary=value("vocabulary"),
        tied=bool(whole.get("tie_word_embeddings", str(whole.get("model_type")) in NOT_GATED)),
        gated=str(whole.get("model_type")) not in NOT_GATED,
        experts=experts,
        active=max(1, value("active")) if experts else 1,
    )
    return made if parameters else replace(made, parameters=made.counted())


def of_size(parameters: int) -> Shape:
    """A dense model of this size as they are commonly built, where nothing else is known.

    Width 128 times the depth and 12 width² parameters a layer, the proportions of Llama, Qwen and
    Mistral models between 1 and 70 billion.
    """
    hidden = max(128, round((128 * parameters / 12) ** (1 / 3) / 128) * 128)
    return Shape(
        parameters=parameters,
        layers=max(1, round(hidden / 128)),
        hidden=hidden,
        heads=hidden // 128,
        kv_heads=max(1, hidden // 128 // 4),
        head_size=128,
        intermediate=round(3.5 * hidden),
        vocabulary=128_000 if parameters > 500_000_000 else 32_000,
        tied=parameters < 2_000_000_000,
    )
