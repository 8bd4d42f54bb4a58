"""hf_fit's estimates next to published measurements, and docs/memory.md that shows them."""

from dataclasses import replace

import pytest

from docs.print_memory import TARGET, page
from tests.tools.hub.measurements import measurements, shape_of
from tools.hub.fit.assumptions import certainty
from tools.hub.fit.gpu_memory import GB, kv_cache, need
from tools.hub.fit.model_shape import from_config
from tools.hub.fit.plan import MemoryEstimate

ROWS = measurements()


def test_nine_of_ten_lie_within_a_quarter() -> None:
    assert len(ROWS) >= 74
    assert sum(one.is_close for one in ROWS) >= 0.9 * len(ROWS)


def test_each_method_does() -> None:
    """No method lives on another's rows."""
    for method in ("full", "lora", "qlora", "inference"):
        those = [one.is_close for one in ROWS if one.row["method"] == method]
        assert sum(those) >= 0.85 * len(those), method


def test_what_lies_outside_is_not_said_with_confidence() -> None:
    assert [one.row for one in ROWS if not one.is_close and one.confident] == []


@pytest.mark.parametrize(("told", "close"), [("stack", 0.75), ("nothing", 0.7)])
def test_who_says_less_gets_a_range_that_holds(told: str, close: float) -> None:
    rows = measurements(told)
    assert sum(one.is_close for one in rows) >= close * len(rows)
    alone = [one for one in rows if one.row["gpus"] == "1"]
    assert sum(one.is_in_range for one in alone) >= 0.95 * len(alone)
    assert [one.row for one in rows if not one.is_close and one.confident] == []


def test_the_page_shows_them() -> None:
    assert TARGET.read_text() == page(ROWS), "uv run python -m docs.print_memory"


@pytest.mark.parametrize(
    ("model", "tokens", "gigabytes"),
    [
        ("Llama-3.1-8B", 128_000, 16.78),  # 15.62 GiB, as Hugging Face published it
        ("DeepSeek-V3", 32_768, 2.30),  # 70,272 bytes a token, by its paper
        ("gemma-3-27b", 131_072, 11.17),
        ("gpt-oss-20b", 131_072, 3.22),
    ],
)
def test_the_kv_cache(model: str, tokens: int, gigabytes: float) -> None:
    """Latent attention keeps a rank, layers with a window keep the window."""
    cache = kv_cache(shape_of(model), MemoryEstimate("inference", tokens))
    assert cache.size / GB == pytest.approx(gigabytes, abs=0.01)


def total(model: str, plan: MemoryEstimate) -> float:
    return need(shape_of(model), plan).total / GB


def test_the_loss_decides() -> None:
    plan = MemoryEstimate("lora", 2048, 8)
    chunked, whole = (total("Qwen3-1.7B", replace(plan, loss=one)) for one in ("chunked", "nll"))
    assert total("Qwen3-1.7B", plan) == whole
    # 2,048 x 8 tokens x 151,936 words x 16 bytes
    assert whole - chunked == pytest.approx(39.8, rel=0.1)
    other = certainty(shape_of("Qwen3-1.7B"), plan)
    assert other.low / GB < chunked
    assert not other.confident


def test_models_without_a_vocabulary_head_have_no_logits() -> None:
    config = {
        "model_type": "bert", "architectures": ["BertModel"], "num_hidden_layers": 6,
        "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536,
        "vocab_size": 30522,
    }  # fmt: skip
    shape = from_config(config)
    assert shape is not None
    plan = MemoryEstimate("full", 256, 256, loss="nll")
    assert not [part for part in need(shape, plan).parts if part.name == "logits"]


def test_a_reference_model_and_vllm_beside_the_trainer() -> None:
    sft = MemoryEstimate("full", 1024, 2)
    weights = 8.03 * 4
    assert total("Llama-3.1-8B", replace(sft, trainer="dpo")) > total("Llama-3.1-8B", sft) + weights
    # GRPO's beta is 0: no reference.
    grpo = replace(sft, trainer="grpo")
    assert total("Llama-3.1-8B", grpo) == pytest.approx(total("Llama-3.1-8B", sft))
    beside = total("Llama-3.1-8B", replace(grpo, vllm=True))
    assert beside - total("Llama-3.1-8B", grpo) == pytest.approx(16.06 + 0.27, abs=0.01)


def test_bitsandbytes_leaves_a_mixtures_experts() -> None:
    plan = MemoryEstimate("qlora")
    assert total("Qwen3-30B-A3B", plan) > 58
    assert total("Qwen3-30B-A3B", replace(plan, unsloth=True)) < 20


@pytest.mark.parametrize(
    ("config", "billions"),
    [
        ({"model_type": "dbrx", "d_model": 6144, "n_heads": 48, "n_layers": 40,
          "vocab_size": 100352, "tie_word_embeddings": False,
          "attn_config": {"kv_n_heads": 8, "model_type": ""},
          "ffn_config": {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4}}, 131.6),
        ({"model_type": "llama4", "vision_config": {"hidden_size": 1408, "num_hidden_layers": 34,
          "num_attention_heads": 16, "intermediate_size": 5632},
          "text_config": {"model_type": "llama4_text", "num_hidden_layers": 48,
          "hidden_size": 5120, "num_attention_heads": 40, "num_key_value_heads": 8,
          "head_dim": 128, "intermediate_size": 8192, "intermediate_size_mlp": 16384,
          "num_local_experts": 16, "num_experts_per_tok": 1, "vocab_size": 202048,
          "interleave_moe_layer_step": 1, "tie_word_embeddings": False}}, 108.6),
        ({"model_type": "qwen2_5_omni", "thinker_config": {"text_config": {
          "model_type": "qwen2_5_omni_text", "num_hidden_layers": 28, "hidden_size": 3584,
          "num_attention_heads": 28, "num_key_value_heads": 4, "intermediate_size": 18944,
          "vocab_size": 152064, "tie_word_embeddings": False}}}, 7.6),
        ({"model_type": "deepseek_vl_v2", "language_config": {"model_type": "deepseek_v2",
          "num_hidden_layers": 27, "hidden_size": 2048, "num_attention_heads": 16,
          "intermediate_size": 10944, "n_routed_experts": 64, "moe_intermediate_size": 1408,
          "n_shared_experts": 2, "first_k_dense_replace": 1, "num_experts_per_tok": 6,
          "vocab_size": 102400, "kv_lora_rank": 512, "qk_rope_head_dim": 64,
          "qk_nope_head_dim": 128, "v_head_dim": 128}}, 15.7),
        ({"model_type": "qwen", "num_hidden_layers": 32, "hidden_size": 4096,
          "num_attention_heads": 32, "intermediate_size": 22016, "vocab_size": 151936,
          "kv_channels": 128, "tie_word_embeddings": False}, 7.7),
        ({"model_type": "chatglm", "num_layers": 40, "hidden_size": 4096,
          "num_attention_heads": 32, "multi_query_group_num": 2, "ffn_hidden_size": 13696,
          "kv_channels": 128, "padded_vocab_size": 151552, "tie_word_embeddings": False}, 9.4),
    ],
    ids=lambda value: value["model_type"] if isinstance(value, dict) else "",
)  # fmt: skip
def test_shapes_that_other_families_write(config: dict[str, object], billions: float) -> None:
    shape = from_config(config)
    assert shape is not None
    assert shape.vocabulary
    assert shape.parameters / GB == pytest.approx(billions, rel=0.01)
