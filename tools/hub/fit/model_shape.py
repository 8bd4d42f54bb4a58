"""A model's shape: the numbers of its config that memory follows from."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tools.hub.fit.model_config import (
    language_part,
    layer_kinds,
    number,
    other_parts,
    window_of,
)

#: Encoders: what trains them does not use the vocabulary's head, except for masked words.
ENCODERS = frozenset(
    {
        "albert", "bert", "camembert", "deberta", "deberta-v2", "distilbert", "electra", "ernie",
        "modernbert", "mpnet", "nomic_bert", "roberta", "xlm-roberta", "xlm-roberta-xl",
    }
)  # fmt: skip
#: Families whose feed-forward part is two matrices instead of three (no gate).
NOT_GATED = ENCODERS - {"modernbert", "nomic_bert"} | {
    "bart", "bloom", "falcon", "gpt2", "gpt_bigcode", "gpt_neo", "gpt_neox", "gptj", "mpt", "opt",
    "phi", "starcoder2", "t5", "vit", "whisper",
}  # fmt: skip
#: Families whose output layer is the embeddings, if the config does not say it.
TIED = NOT_GATED | {"cohere", "cohere2", "gemma", "gemma2", "gemma3_text", "gemma3n_text"}
#: Endings of architectures that put out a word for each token.
HEADS = ("LMHeadModel", "ForCausalLM", "ForConditionalGeneration", "ForMaskedLM", "ForPreTraining")


@dataclass(frozen=True)
class Shape:
    """Attributes:
    parameters: of the whole model. intermediate: width of the feed-forward part (of one expert
        where there are experts). active: experts that a token goes through.
    tied: input and output embeddings are one matrix.
    shared: width of the experts that every token goes through. dense: layers without experts;
        dense_size: their width.
    latent: of multi-head latent attention (DeepSeek): ranks of query and of key and value, sizes
        of a head with and without position, and of a value.
    windowed: layers that keep `window` tokens. stateless: layers whose state has a fixed size.
    head: it puts out a word for each token. encoder: it is trained without that head.
    tower: parameters of vision and audio parts. stored: bytes of the published weights if they
        are quantized.
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
    shared: int = 0
    dense: int = 0
    dense_size: int = 0
    latent: tuple[int, int, int, int, int] | None = None
    window: int = 0
    windowed: int = 0
    stateless: int = 0
    head: bool = True
    encoder: bool = False
    tower: int = 0
    stored: int = 0
    guessed: bool = False

    @property
    def embeddings(self) -> int:
        """Parameters of the embeddings, output included."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def attention(self) -> list[tuple[int, int]]:
        """(in, out) of a layer's attention matrices: query, key, value, output."""
        if self.latent:
            query, kv, rope, nope, value = self.latent
            up = (query or self.hidden, self.heads * (nope + rope))
            return [
                *([(self.hidden, query)] if query else []), up, (self.hidden, kv + rope),
                (kv, self.heads * (nope + value)), (self.heads * value, self.hidden),
            ]  # fmt: skip
        wide, key = self.heads * self.head_size, self.kv_heads * self.head_size
        return [(self.hidden, wide), (self.hidden, key), (self.hidden, key), (wide, self.hidden)]

    @property
    def feed_forward(self) -> list[tuple[int, int]]:
        """(in, out) of a layer's feed-forward matrices, of one expert."""
        return self._forward(self.intermediate)

    def _forward(self, width: int) -> list[tuple[int, int]]:
        return [*[(self.hidden, width)] * (2 if self.gated else 1), (width, self.hidden)]

    @property
    def width(self) -> int:
        """Of the feed-forward part that one token goes through."""
        return self.intermediate * self.active + self.shared

    @property
    def expert_parameters(self) -> int:
        """In the experts of all layers."""
        return (self.layers - self.dense) * self.experts * _size(self.feed_forward)

    @property
    def kv_width(self) -> int:
        """Numbers that a layer keeps of one token."""
        if self.latent:
            return self.latent[1] + self.latent[2]
        return 2 * self.kv_heads * self.head_size

    def counted(self) -> int:
        """Parameters as they follow from the other numbers."""
        forward = _size(self.feed_forward) * max(1, self.experts) + self.hidden * self.experts
        forward += _size(self._forward(self.shared)) if self.shared else 0
        layer = _size(self.attention) + 2 * self.hidden
        dense = self.dense * _size(self._forward(self.dense_size))
        layers = self.layers * layer + (self.layers - self.dense) * forward + dense
        return self.embeddings + layers + self.hidden + self.tower


def _size(matrices: list[tuple[int, int]]) -> int:
    return sum(a * b for a, b in matrices)


def from_config(config: Mapping[str, Any], parameters: int = 0) -> Shape | None:
    """The shape that a config.json tells; None where it lacks the numbers.

    `parameters`: as counted in the weights; 0: as they follow from the config.
    """
    whole = language_part(config)
    if whole is None:
        return None
    kind = str(whole.get("model_type") or config.get("model_type"))
    made = replace(
        _sizes(whole, kind),
        parameters=parameters,
        head=_has_head(config, kind),
        encoder=kind in ENCODERS,
        tower=sum(_tower(part) for part in other_parts(config)),
    )
    return made if parameters else replace(made, parameters=made.counted())


def _sizes(whole: Mapping[str, Any], kind: str) -> Shape:
    def value(name: str) -> int:
        return number(whole, name)

    hidden, heads, experts = value("hidden"), value("heads"), value("experts")
    layers = value("layers") + (value("decoder_layers") if whole.get("is_encoder_decoder") else 0)
    width = (value("expert_size") if experts else 0) or value("intermediate") or 4 * hidden
    # Qwen 1 gives the width of both halves of its gate together.
    width //= 2 if kind == "qwen" else 1
    size = value("head_size") or hidden // heads
    kinds = layer_kinds(whole, layers)
    shared = value("shared_size") or value("shared") * width
    step = value("expert_step")
    sparse = layers // step if step > 1 else layers
    nope, rank = value("nope_size") or size, value("kv_rank")
    one_kv = bool(whole.get("multi_query")) and not value("kv_heads")
    return Shape(
        parameters=0,
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=1 if one_kv else value("kv_heads") or heads,
        head_size=size,
        intermediate=width,
        vocabulary=value("vocabulary"),
        tied=bool(whole.get("tie_word_embeddings", kind in TIED)),
        gated=kind not in NOT_GATED,
        experts=experts,
        active=max(1, value("active")) if experts else 1,
        # Llama 4 has one shared expert, which its config does not count.
        shared=(shared or (width if kind == "llama4_text" else 0)) if experts else 0,
        dense=(value("dense_layers") or layers - sparse) if experts else 0,
        dense_size=value("dense_size"),
        latent=(value("query_rank"), rank, value("rope_size"), nope, value("value_size") or size)
        if rank
        else None,
        window=window_of(whole),
        windowed=kinds.count("window"),
        stateless=layers - len(kinds) + kinds.count("none"),
    )


def _has_head(config: Mapping[str, Any], kind: str) -> bool:
    named = [str(one) for one in config.get("architectures") or ()]
    return any(one.endswith(HEADS) for one in named) if named else kind not in ENCODERS


def _tower(config: Mapping[str, Any]) -> int:
    layers, hidden = number(config, "layers"), number(config, "hidden")
    width = number(config, "intermediate") or round((config.get("mlp_ratio") or 4) * hidden)
    return layers * (4 * hidden * hidden + 2 * hidden * width)


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
        guessed=True,
    )
