"""Reads a config.json: the same number under the names of many families, in the part of the config
that describes the language model."""

from collections.abc import Iterator, Mapping
from typing import Any

Config = Mapping[str, Any]

NAMES: dict[str, tuple[str, ...]] = {
    "layers": ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "encoder_layers", "depth"),
    "decoder_layers": ("num_decoder_layers", "decoder_layers"),
    "hidden": ("hidden_size", "n_embd", "d_model", "dim", "word_embed_proj_dim", "embed_dim"),
    "heads": ("num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads"),
    "kv_heads": ("num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num",
                 "kv_n_heads"),
    "head_size": ("head_dim", "kv_channels"),
    "intermediate": ("intermediate_size", "n_inner", "ffn_dim", "d_ff", "ffn_hidden_size",
                     "encoder_ffn_dim", "hidden_dim"),
    "vocabulary": ("vocab_size", "padded_vocab_size"),
    "experts": ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"),
    "active": ("num_experts_per_tok", "num_experts_per_token", "top_k_experts", "moe_top_k"),
    "expert_size": ("moe_intermediate_size", "expert_ffn_hidden_size"),
    "shared_size": ("shared_expert_intermediate_size",),
    "shared": ("n_shared_experts", "num_shared_experts"),
    "dense_layers": ("first_k_dense_replace", "num_dense_layers"),
    "expert_step": ("interleave_moe_layer_step", "decoder_sparse_step"),
    "dense_size": ("intermediate_size_mlp", "intermediate_size"),
    "window": ("sliding_window", "attention_chunk_size", "sliding_window_size"),
    "query_rank": ("q_lora_rank",),
    "kv_rank": ("kv_lora_rank",),
    "rope_size": ("qk_rope_head_dim",),
    "nope_size": ("qk_nope_head_dim",),
    "value_size": ("v_head_dim",),
}  # fmt: skip
#: Parts of a config that do not describe the language model.
OTHER = (
    "vision",
    "visual",
    "vit",
    "audio",
    "speech",
    "talker",
    "token2wav",
    "projector",
    "aligner",
)
#: Every how many layers one sees the whole text, as transformers 5.24 sets it if the config says
#: nothing; the others see a window (or keep a state of fixed size).
FULL_EVERY = {
    "gemma2": 2, "gemma3": 6, "gemma3_text": 6, "gemma4_text": 6, "gemma3n_text": 5, "gpt_oss": 2,
    "cohere2": 4, "olmo3": 4, "llama4_text": 4, "qwen3_next": 4, "qwen3_5_text": 4,
    "qwen3_5_moe_text": 4,
}  # fmt: skip
#: Windows that their config class sets.
WINDOWS = {"gpt_oss": 128, "gemma2": 4096, "cohere2": 4096, "llama4_text": 8192, "olmo3": 4096,
           "gemma3_text": 4096, "gemma3n_text": 512, "gemma4_text": 512}  # fmt: skip
LINEAR = ("linear", "mamba", "conv", "recurrent", "moe", "mlp", "-", "M", "E")


def number(config: Config, name: str) -> int:
    """The first of the names that holds a whole number; 0 if none does."""
    found = (config.get(key) for key in NAMES[name])
    return next((v for v in found if isinstance(v, int) and not isinstance(v, bool)), 0)


def language_part(config: Config) -> dict[str, Any] | None:
    """The config, or the part of it, that has layers, width and heads; None if none has. Parts
    such as `attn_config` (DBRX, MPT) are read as a part of the whole."""
    parts = [value for value in config.values() if isinstance(value, Mapping)]
    flat = {key: value for part in parts for key, value in part.items() if key != "model_type"}
    whole = dict(config)
    if number(config, "layers") and number(config, "hidden") and number(config, "heads"):
        inner = [config.get(key) or {} for key in ("attn_config", "ffn_config")]
        return {**inner[0], **inner[1], **whole} if flat else whole
    for key, part in config.items():
        if isinstance(part, Mapping) and not any(word in key for word in OTHER):
            found = language_part(part)
            if found is not None:
                outer = {k: v for k, v in whole.items() if not isinstance(v, Mapping)}
                return {**outer, **found}
    return None


def other_parts(config: Config) -> Iterator[Config]:
    """The configs of vision and audio towers, also inside other parts."""
    for key, part in config.items():
        if isinstance(part, Mapping):
            if any(word in key for word in OTHER[:5]):
                yield part
            else:
                yield from other_parts(part)


def layer_kinds(config: Config, layers: int) -> list[str]:
    """What each layer keeps of the text: `full`, `window` or `none`."""
    kind = str(config.get("model_type"))
    told = next(
        (config[k] for k in ("layer_types", "layers_block_type", "block_types") if config.get(k)),
        config.get("hybrid_override_pattern"),
    )
    every = next(
        (config[k] for k in ("full_attention_interval", "_sliding_window_pattern",
                             "sliding_window_pattern", "global_attn_every_n_layers")
         if isinstance(config.get(k), int)),
        FULL_EVERY.get(kind, 0),
    )  # fmt: skip
    windowed = "none" if "full_attention_interval" in config or kind.startswith("qwen3_") else (
        "window"
    )  # fmt: skip
    if told:
        found = [_kind_of(str(one)) for one in told]
    elif config.get("attn_layer_period"):
        period, offset = config["attn_layer_period"], config.get("attn_layer_offset", 0)
        found = ["full" if i % period == offset else "none" for i in range(layers)]
    elif isinstance(config.get("attn_layer_indices"), list):
        found = ["full" if i in config["attn_layer_indices"] else "none" for i in range(layers)]
    elif every and window_of(config) + (windowed == "none"):
        found = ["full" if (i + 1) % every == 0 else windowed for i in range(layers)]
    else:
        # One number for all layers (Mistral 7B v0.1); Qwen2 carries one and does not use it.
        uses = config.get("sliding_window") and config.get("use_sliding_window", True)
        found = ["window" if uses else "full"] * layers
    shared = config.get("num_kv_shared_layers") or 0
    return found[: len(found) - shared]


def window_of(config: Config) -> int:
    """Tokens that a windowed layer keeps; 0 if there is no window."""
    return number(config, "window") or WINDOWS.get(str(config.get("model_type")), 0)


def _kind_of(word: str) -> str:
    if "sliding" in word or "chunked" in word:
        return "window"
    return "none" if word.startswith(LINEAR) else "full"
