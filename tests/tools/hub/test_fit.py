"""hf_fit against the stand-in Hub: models, flavors with prices, this machine's GPUs."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stand_ins import hub_errors as errors
from tests.stand_ins.model_server import closed_port
from tests.tools.bench import Bench
from tests.tools.hub.fitting import (
    LLAMA_8B,
    LLAMA_8B_SIZE,
    FlavorHub,
    model_files,
    safetensors,
)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlavorHub]:
    # The machine that runs the tests may have its own GPU.
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with FlavorHub() as hub:
        hub.add("meta/llama", files=model_files(LLAMA_8B_SIZE, LLAMA_8B))
        yield hub
    assert not hub.violations


def nvidia_smi(tmp_path: Path, script: str) -> None:
    program = tmp_path / "bin" / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


async def fit(bench: Bench, method: str, **arguments: Any) -> str:
    result = await bench.call("hf_fit", method=method, **arguments)
    assert result.ok, result.text
    return result.text


async def test_lora_of_an_8b_model(bench: Bench, hub: FlavorHub) -> None:
    lines = (await fit(bench, "lora", model="meta/llama")).splitlines()
    assert lines[0] == (
        "meta/llama (8.03 billion parameters), lora: about 22.2 GB on one GPU at 2,048 tokens x "
        "batch 1, gradient checkpointing on. A rough estimate: 14.1 to 48.5 GB, as the stack "
        "decides."
    )
    assert lines[1:4] == [
        "Assumed: the whole logits (transformers, Axolotl, LLaMA-Factory); a bf16 base, fp32 "
        "adapters; flash attention.",
        "With something else: loss chunked (TRL since 1.7, torchtune) 18.2 GB; Unsloth 17.7 GB; "
        "fp32 base (TRL without dtype) 38.8 GB.",
        "Cheapest flavor that fits: l4x1, 1 x L4 24 GB, $0.80/h: needs 22.2 of 24 GB, tight.",
    ]
    first = lines.index("Flavors that fit, cheapest first") + 1
    prices = [float(line.split("$")[1].split("/h")[0]) for line in lines[first:first + 10]
              if "$" in line]  # fmt: skip
    assert len(prices) == 10
    assert prices == sorted(prices)
    assert lines[-1] == "Do not fit: t4-small (22.2 of 16 GB)"


async def test_a_full_8b_is_sharded_or_goes_to_a_larger_card(bench: Bench, hub: FlavorHub) -> None:
    text = await fit(bench, "full", model="meta/llama")
    assert "Cheapest flavor that fits: h200, 1 x H200 141 GB" in text
    assert "a100-large (129.4 of 80 GB)" in text
    assert "a100x4, 4 x A100 80 GB, $10.00/h: needs" in text
    line = next(line for line in text.splitlines() if line.startswith("  a100x4"))
    assert line.endswith("GB each; sharded over 4 (FSDP FULL_SHARD or DeepSpeed ZeRO-3), rougher")


async def test_the_parts_and_their_formulas(bench: Bench, hub: FlavorHub) -> None:
    short = {"model": "meta/llama", "sequence_length": 1024, "lora_rank": 32}
    text = await fit(bench, "qlora", **short, stack="trl")
    assert (await fit(bench, "qlora", **short, loss="chunked")) == text
    assert "weights: 5.7 = 6.98 billion x 4.127 bits (NF4)" in text
    assert "83.9 million of rank 32 on all linear layers x 8 bytes" in text
    nll = await fit(bench, "qlora", model="meta/llama", sequence_length=4096, loss="nll")
    assert "logits: 8.4 = 4,096 tokens x 128,256 words x 16 bytes" in nll
    assert "An estimate: 9 of 10 published runs lie within a quarter." in nll
    assert "t4-small, 1 x T4 16 GB, $0.40/h" in text
    assert "no bf16: use fp16" in text


async def test_inference(bench: Bench, hub: FlavorHub) -> None:
    text = await fit(bench, "inference", model="meta/llama", sequence_length=16384, batch=4)
    assert "gradient checkpointing" not in text
    assert (
        "KV cache: 8.6 = (32 layers x 16,384 tokens) x 2 x 8 heads x 128 x 2 bytes x batch 4"
        in text
    )
    assert "l4x4, 4 x L4 24 GB, $3.80/h: needs" in text
    assert "split over 4 (tensor parallel)" in text


async def test_nothing_fits(bench: Bench, hub: FlavorHub) -> None:
    text = await fit(
        bench, "full", parameters=400, gradient_checkpointing=False, sequence_length=8192, batch=8
    )
    assert "No flavor fits. Try gradient_checkpointing, lora or qlora instead of full" in text
    assert "a smaller batch" in text


async def test_a_size_given_by_hand(bench: Bench, hub: FlavorHub) -> None:
    text = await fit(bench, "lora", parameters=8)
    assert text.startswith("a model (8.00 billion parameters), lora: about 22.3 GB")
    assert "Note: no model was named: its shape is that of a common dense one" in text
    assert hub.asked("/api/jobs/hardware")
    nothing = await bench.call("hf_fit", method="lora")
    assert "name a model (owner/name), or give parameters" in nothing.text
    assert not nothing.ok


async def test_a_sharded_model(bench: Bench, hub: FlavorHub) -> None:
    index = {"metadata": {}, "weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}
    hub.add(
        "ann/two",
        files={
            "model.safetensors.index.json": json.dumps(index),
            "one.safetensors": safetensors({"a": ("BF16", [3_000_000_000])}),
            "two.safetensors": safetensors({"b": ("F32", [5, 1_000_000])}),
            "config.json": json.dumps(LLAMA_8B),
        },
    )
    assert (await fit(bench, "lora", model="ann/two")).startswith("ann/two (3.00 billion")


async def test_without_safetensors_the_config_tells(bench: Bench, hub: FlavorHub) -> None:
    hub.add("ann/bin", files={"config.json": json.dumps(LLAMA_8B), "pytorch_model.bin": b"x"})
    text = await fit(bench, "lora", model="ann/bin")
    assert text.startswith("ann/bin (8.03 billion parameters)")
    assert "Note: parameters as they follow from config.json" in text


async def test_a_quantized_model_is_counted_by_its_config(bench: Bench, hub: FlavorHub) -> None:
    packed = safetensors({"q": ("I32", [1_000_000_000]), "s": ("F16", [1_000_000])})
    hub.add("ann/gptq", files={"model.safetensors": packed, "config.json": json.dumps(LLAMA_8B)})
    text = await fit(bench, "lora", model="ann/gptq")
    assert text.startswith("ann/gptq (8.03 billion parameters)")
    assert "it is stored quantized: 4.0 GB" in text
    assert "weights: 4.0 = as they are stored, quantized" in await fit(
        bench, "inference", model="ann/gptq", vllm=True
    )


async def test_without_a_config_the_shape_is_guessed(bench: Bench, hub: FlavorHub) -> None:
    hub.add("ann/bare", files=model_files(LLAMA_8B_SIZE))
    odd = {"model_type": "own", "architectures": ["OwnForCausalLM"]}
    hub.add("ann/odd", files=model_files(LLAMA_8B_SIZE, odd))
    assert "guessed from its size: it has no config.json" in await fit(
        bench, "lora", model="ann/bare"
    )
    assert "its config.json does not tell its shape" in await fit(bench, "lora", model="ann/odd")


async def test_a_model_that_tells_nothing(bench: Bench, hub: FlavorHub) -> None:
    hub.add("ann/none", files={"README.md": "x"})
    result = await bench.call("hf_fit", method="lora", model="ann/none")
    assert not result.ok
    assert "Give parameters (in billions)" in result.text


VIT = {
    "model_type": "vit", "architectures": ["ViTForImageClassification"], "hidden_size": 768,
    "num_hidden_layers": 12, "num_attention_heads": 12,
}  # fmt: skip


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"model_index.json": "{}", "unet/model.safetensors": "x"}, "a diffusers pipeline"),
        ({"adapter_config.json": "{}"}, "an adapter"),
        ({"model.xgb": "x"}, "an XGBoost model"),
        ({"config.json": '{"model_type": "timm"}'}, "timm, by its config.json"),
        ({"config.json": json.dumps(VIT)}, "vit, by its config.json"),
    ],
)
async def test_what_is_not_a_language_model(
    bench: Bench, hub: FlavorHub, files: dict[str, str], kind: str
) -> None:
    """Not even if a size is given: the formulas are not about it."""
    hub.add("ann/other", files=files)
    result = await bench.call("hf_fit", method="lora", model="ann/other", parameters=3.9)
    assert not result.ok
    assert f"it is not a language model ({kind})" in result.text


async def test_gguf_files_count_as_they_are(bench: Bench, hub: FlavorHub) -> None:
    sizes = {"m-Q2_K.gguf": 3_000_000, "m-Q4_K_M.gguf": 5_000_000, "m-Q8_0.gguf": 8_000_000}
    files = {name: b"x" * size for name, size in sizes.items()}
    hub.add("ann/gguf", files={**files, "config.json": json.dumps(LLAMA_8B)})
    text = await fit(bench, "inference", model="ann/gguf", sequence_length=1)
    assert "GGUF: m-Q4_K_M.gguf is counted" in text
    assert "weights: 0.0 = as they are stored, quantized" in text


async def test_a_gated_model_and_a_missing_one(bench: Bench, hub: FlavorHub) -> None:
    hub.add("bob/gated", files=model_files(LLAMA_8B_SIZE, LLAMA_8B), gated="manual")
    gated = await bench.call("hf_fit", method="lora", model="bob/gated")
    assert f"must ask for access at {hub.url}/bob/gated" in gated.text
    by_hand = await fit(bench, "lora", model="bob/gated", parameters=8.03)
    assert by_hand.startswith("bob/gated (8.03 billion parameters)")
    assert "its shape is guessed from its size" in by_hand
    missing = await bench.call("hf_fit", method="lora", model="meta/lama")
    assert not missing.ok
    assert "The Hub has no model meta/lama" in missing.text


async def test_the_estimate_comes_without_prices(bench: Bench, hub: FlavorHub) -> None:
    hub.misbehave(errors.BROKEN_NOW, path="/api/jobs/hardware")
    text = await fit(bench, "lora", model="meta/llama")
    assert "about 22.2 GB" in text
    assert "Note: no flavors and prices: The Hub fails at the moment (500)" in text
    bench.services.settings.hub_url = f"http://127.0.0.1:{closed_port()}"
    assert "cannot be reached" in await fit(bench, "lora", parameters=8)


async def test_the_gpus_of_this_machine(bench: Bench, hub: FlavorHub, tmp_path: Path) -> None:
    nvidia_smi(
        tmp_path,
        'test "$1" = "--query-gpu=name,memory.total,memory.free" || exit 9\n'
        'echo "NVIDIA GeForce RTX 4090, 24564, 23900"\n'
        'echo "NVIDIA GeForce RTX 4090, 24564, 9000"\n'
        'echo "NVIDIA GB10, [N/A], [N/A]"',
    )
    qlora = await fit(bench, "qlora", model="meta/llama", sequence_length=512, stack="trl")
    assert (
        "This machine: 2 x NVIDIA GeForce RTX 4090 26 GB (9.4 GB free): fits, needs 6.9 of 9 GB"
        in qlora
    )
    assert "This machine: 2 x NVIDIA GeForce RTX 4090 26 GB (9.4 GB free): does not fit." in (
        await fit(bench, "full", model="meta/llama")
    )


@pytest.mark.parametrize("script", ["exit 6", "echo nonsense", "kill -9 $$"])
async def test_a_broken_nvidia_smi_is_no_gpu(
    bench: Bench, hub: FlavorHub, tmp_path: Path, script: str
) -> None:
    nvidia_smi(tmp_path, script)
    assert "This machine" not in await fit(bench, "lora", model="meta/llama")


async def test_a_hanging_nvidia_smi_is_left(
    bench: Bench, hub: FlavorHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.hub.fit.hardware.PATIENCE", 0.3)
    nvidia_smi(tmp_path, "exec /bin/sleep 60")
    text = await fit(bench, "lora", model="meta/llama")
    assert "Note: this machine's GPUs are unknown: nvidia-smi did not answer" in text
