"""The memory estimate hits published figures, and moves as its formulas say."""

from dataclasses import replace
from typing import Any

import pytest

from tests.tools.hub.fitting import LLAMA_8B, LLAMA_8B_SIZE
from tools.hub.fit.gpu_memory import GB, adapter_parameters, need
from tools.hub.fit.model_shape import from_config, of_size
from tools.hub.fit.plan import MemoryEstimate, Method

EIGHT = from_config(LLAMA_8B)
assert EIGHT is not None


def total(method: Method, tokens: int = 512, **more: Any) -> float:
    return need(EIGHT, MemoryEstimate(method, tokens, **more)).total / GB


def part(name: str, plan: MemoryEstimate) -> float:
    return next(p.size for p in need(EIGHT, plan).parts if p.name == name) / GB


@pytest.mark.parametrize(
    ("method", "tokens", "lowest", "highest"),
    [
        ("lora", 512, 17, 22),
        ("lora", 2048, 17, 23),
        ("qlora", 512, 8, 11),
        ("full", 512, 128, 1.25 * 128),
        ("inference", 512, 16, 1.25 * 16),
    ],
)
def test_figures_of_an_8b_model(method: Method, tokens: int, lowest: float, highest: float) -> None:
    assert lowest <= total(method, tokens) <= highest


def test_nothing_said_of_the_stack_means_the_one_that_takes_most() -> None:
    """What fits then fits with another stack too."""
    assert total("lora") == total("lora", loss="nll")
    for stack, lowest, highest in (("trl", 6, 9), ("unsloth", 6, 9), ("axolotl", 14, 16)):
        plan = MemoryEstimate("qlora", 2048).on(stack)
        assert lowest <= need(EIGHT, plan).total / GB <= highest
    said = MemoryEstimate("qlora", loss="nll")
    assert said.on("trl") == said


def test_a_full_8b_does_not_fit_80_gb_and_eight_cards_share_it() -> None:
    needed = need(EIGHT, MemoryEstimate("full"))
    assert needed.total > 80 * GB
    assert needed.per_gpu(1) == needed.total
    assert 16 * GB < needed.per_gpu(8) < 40 * GB


def test_inference_is_the_weights_and_the_cache() -> None:
    plan = MemoryEstimate("inference", 4096, 3)
    assert part("weights", plan) == pytest.approx(16.06, rel=0.001)
    # 32 layers x 2 x 8 heads x 128 x 2 bytes: 131072 bytes a token.
    assert part("KV cache", plan) == pytest.approx(131072 * 4096 * 3 / GB)


def test_the_nf4_weights() -> None:
    # 6.98 billion at 4.127 bits and 1.05 billion of the embeddings at 2 bytes; bitsandbytes
    # loads the model in 5.7 GB.
    assert part("weights", MemoryEstimate("qlora", loss="chunked")) == pytest.approx(5.7, rel=0.02)


def test_adapters_have_as_many_parameters_as_peft_counts() -> None:
    # PEFT prints 41,943,040 for Llama 3.1 8B with r=16 on all linear layers.
    assert adapter_parameters(EIGHT, 16) == 41_943_040
    assert adapter_parameters(EIGHT, 64) == 4 * 41_943_040


def test_checkpointing_saves_most_activations() -> None:
    plan = MemoryEstimate("lora", 2048, loss="chunked")
    on = part("activations", plan) + part("layer", plan)
    off = part("activations", replace(plan, checkpointing=False))
    assert on == pytest.approx((32 * 2 * 4096 + 17 * 4096 + 8 * 14336) * 2048 / GB)
    assert off == pytest.approx(32 * (17 * 4096 + 8 * 14336) * 2048 / GB)
    assert off > 10 * on


def test_activations_without_a_gate_are_the_published_ones() -> None:
    # Korthikanti et al.: 34 s b h, of which 1 is a dropout mask.
    plain = replace(EIGHT, gated=False, intermediate=4 * 4096, layers=1)
    loss, _ = need(plain, MemoryEstimate("full", 1000, checkpointing=False)).phases
    size = next(p.size for p in loss if p.name == "activations")
    assert size == pytest.approx(33 * 1000 * 4096)


@pytest.mark.parametrize("method", ["full", "lora", "qlora", "inference"])
def test_longer_and_more_sequences_need_more(method: Method) -> None:
    assert total(method, 4096) > total(method, 2048)
    assert total(method, 2048, batch=4) == pytest.approx(total(method, 8192))


def test_sharding_spreads_states_and_keeps_activations() -> None:
    needed = need(EIGHT, MemoryEstimate("full", 2048))
    kept = sum(p.size for p in needed.parts if not p.sharded)
    assert needed.per_gpu(4) == pytest.approx(LLAMA_8B_SIZE * 16 / 4 + kept + needed.gathered)
    assert need(EIGHT, MemoryEstimate("inference")).gathered == 0


CONFIGS: list[tuple[str, dict[str, Any], float]] = [
    ("Llama 3.1 8B", LLAMA_8B, 8.03),
    ("Llama 3.1 70B", {**LLAMA_8B, "num_hidden_layers": 80, "hidden_size": 8192,
                       "num_attention_heads": 64, "intermediate_size": 28672}, 70.55),
    ("Qwen2.5 0.5B", {"model_type": "qwen2", "num_hidden_layers": 24, "hidden_size": 896,
                      "num_attention_heads": 14, "num_key_value_heads": 2,
                      "intermediate_size": 4864, "vocab_size": 151936,
                      "tie_word_embeddings": True}, 0.494),
    ("GPT-2", {"model_type": "gpt2", "n_layer": 12, "n_embd": 768, "n_head": 12,
               "vocab_size": 50257}, 0.124),
    ("Mixtral 8x7B", {"model_type": "mixtral", "num_hidden_layers": 32, "hidden_size": 4096,
                      "num_attention_heads": 32, "num_key_value_heads": 8,
                      "intermediate_size": 14336, "vocab_size": 32000, "num_local_experts": 8,
                      "num_experts_per_tok": 2, "tie_word_embeddings": False}, 46.7),
    ("Qwen3 30B A3B", {"model_type": "qwen3_moe", "num_hidden_layers": 48, "hidden_size": 2048,
                       "num_attention_heads": 32, "num_key_value_heads": 4, "head_dim": 128,
                       "intermediate_size": 6144, "moe_intermediate_size": 768,
                       "num_experts": 128, "num_experts_per_tok": 8, "vocab_size": 151936,
                       "tie_word_embeddings": False}, 30.5),
]  # fmt: skip


@pytest.mark.parametrize(
    ("config", "billions"), [c[1:] for c in CONFIGS], ids=[c[0] for c in CONFIGS]
)
def test_parameters_follow_from_a_config(config: dict[str, Any], billions: float) -> None:
    shape = from_config(config)
    assert shape is not None
    assert shape.parameters / GB == pytest.approx(billions, rel=0.02)


def test_a_config_inside_a_config_and_one_that_tells_nothing() -> None:
    outer = {"model_type": "llava", "text_config": LLAMA_8B}
    inner = from_config(outer)
    assert inner is not None
    assert (inner.hidden, inner.layers) == (4096, 32)
    assert from_config({"model_type": "timm"}) is None


@pytest.mark.parametrize("billions", [0.5, 1, 3, 8, 13, 32, 70])
def test_a_guessed_shape_has_about_its_size(billions: float) -> None:
    shape = of_size(round(billions * GB))
    assert shape.counted() == pytest.approx(billions * GB, rel=0.4)
    assert shape.parameters == billions * GB
