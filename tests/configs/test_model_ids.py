"""A model's id names a model. It is never an address, a path upwards, or a query."""

from pathlib import Path

import pytest

from configs.layers import load
from configs.model_ids import problem_of
from configs.problems import SettingsProblem
from configs.settings import Settings
from core.model_errors import UnknownModel
from core.models.prices import price_map
from core.models.routes import resolve

HOSTILE = (
    "oobabooga/http://evil.example/v1", "huggingface/https://evil.example", "openai/HTTPS://evil",
    "oobabooga/https:evil.example", "oobabooga/http:/evil.example", "oobabooga/https/evil.example",
    "a/http%3A%2F%2Fevil", "a/%2e%2e/b", "a/\uff48ttp\uff1a//evil", "a/wss://evil", "a/unix:/x",
    "a/file:/etc/passwd", "replicate/../../x", "a/..", "a/./b", "a/b/../c", "gemini/x?key=y",
    "gemini/x#y", "a/b\\c", "a/b c", "a/b\n", "a/b\x00", "a/b\u200b", "a/$HOME", "a/~/x", "a/`id`",
    "azure/x@evil.example/y", "a/x@localhost:80/y", "a/x@@y",
    "bedrock/arn:aws:bedrock:x@evil.example/:1:y", "bedrock/arn:aws:bedrock:a.b/c:1:model/x",
    "bedrock/arn:aws:s3:us-east-1:1:x", "sagemaker/arn:evil", "a/" + "x" * 400, "///evil.example/x",
    "hf//evil.example//x", "local///etc",
)  # fmt: skip
FINE = (
    "anthropic/claude-sonnet-5-5", "gpt-6.1-sol", "hf/Qwen/Qwen3-Coder-480B-A35B-Instruct:cheapest",
    "org/model", "ollama/llama3.1:8b-instruct-q4_K_M", "vllm//data/models/llama.gguf", "local/m",
    "vertex_ai/claude-opus-4-5@20251101", "cloudflare/@cf/meta/llama-2-7b-chat-fp16",
    "openrouter/x/y:free", "ft:gpt-3.5-turbo:my-org:custom:id", "hf/org/http-parser", "org/data",
    "fireworks_ai/accounts/fireworks/models/x", "replay/demo", "replay/../other/file.jsonl",
    "bedrock/arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.x-v1:0",
)  # fmt: skip


@pytest.mark.parametrize("model", HOSTILE)
def test_what_is_no_id_is_refused_everywhere(model: str, workdir: Path) -> None:
    assert problem_of(model)
    with pytest.raises(UnknownModel):
        resolve(model, Settings(local_base_url="http://127.0.0.1:1/v1"))
    for key in ("model_name", "small_model_name", "fallback_model"):
        with pytest.raises(SettingsProblem, match="not a model id") as problem:
            load(cwd=workdir, environ={f"ML_AGENT_{key.upper()}": model})
        assert str(problem.value).isprintable()


@pytest.mark.parametrize("model", FINE)
def test_ids_as_providers_have_them(model: str) -> None:
    assert problem_of(model) == ""


def test_every_id_that_litellm_knows_is_one() -> None:
    assert [m for m in price_map() if "*" not in m and problem_of(m)] == []
