"""What servers say of their models: windows, prices, pictures; and what becomes of them."""

from pathlib import Path
from typing import Any

import pytest

from configs.sections import Price
from configs.settings import Settings
from core.model import AnswerOptions
from core.model_errors import UnknownModel
from core.models.choice import find_local_model
from core.models.client import ChatClient
from core.models.effort import AUTO
from core.models.list_models import check, offers
from core.models.routes import resolve
from core.models.served import Catalogue
from tests.core.models.asking import HELLO
from tests.stand_ins.model_script import Reply, Usage
from tests.stand_ins.model_server import ModelServer
from tests.stand_ins.raw_server import Raw, RawServer

QWEN: dict[str, Any] = {
    "id": "Qwen/Qwen3-Coder",
    "object": "model",
    "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
    "providers": [
        {
            "provider": "novita", "status": "live", "context_length": 262_144,
            "pricing": {"input": 0.3, "output": 1.2}, "supports_tools": True,
        },
        {
            "provider": "together", "status": "live", "context_length": 131_072,
            "pricing": {"input": 2, "output": 2}, "supports_tools": True,
        },
        {"provider": "gone", "status": "staging", "context_length": 1000},
    ],
}  # fmt: skip
TALKER = {"id": "org/talker", "providers": [{"provider": "x", "supports_tools": False}]}
#: As vLLM, LM Studio, llama.cpp and ollama list theirs.
LOCAL = [
    {"id": "vllm", "max_model_len": 40_960},
    {"id": "studio", "max_context_length": 32_768, "loaded_context_length": 8_192},
    {"id": "llama", "meta": {"n_ctx_train": 131_072}},
    {"id": "ollama", "owned_by": "library"},
]


@pytest.fixture
def router(monkeypatch: pytest.MonkeyPatch) -> Any:
    with ModelServer(lambda asked: Reply("hi"), models=[QWEN, TALKER, "org/plain"]) as server:
        monkeypatch.setenv("HF_ROUTER_BASE_URL", server.openai_base)
        monkeypatch.setenv("HF_TOKEN", "hf_stand_in")
        yield server


@pytest.mark.parametrize(
    ("model", "window", "price"),
    [
        ("hf/Qwen/Qwen3-Coder", 131_072, (2.0, 2.0)),
        ("Qwen/Qwen3-Coder:fastest", 131_072, (2.0, 2.0)),
        ("hf/Qwen/Qwen3-Coder:novita", 262_144, (0.3, 1.2)),
        ("hf/Qwen/Qwen3-Coder:together", 131_072, (2.0, 2.0)),
        ("hf/org/plain", 32_000, None),
        ("hf/org/unlisted", 32_000, None),
    ],
)
async def test_the_routers_catalogue(
    router: ModelServer, tmp_path: Path, model: str, window: int, price: Any
) -> None:
    client = ChatClient(Settings(state_dir=str(tmp_path)))
    await client.ready(model)
    assert client.window(model) == window
    assert client.window_is_known(model) is (window != 32_000)
    assert client.price(model) == price
    assert client.sees(model) is ("Qwen" in model)


#: As OpenRouter lists its models.
OPENROUTER = [
    {
        "id": "z-ai/glm-5.3", "context_length": 1_048_576,
        "architecture": {"input_modalities": ["text"]},
        "pricing": {"prompt": "0.0000014", "completion": "0.0000044"},
        "supported_parameters": ["tools", "reasoning", "max_tokens"],
    },
    {
        "id": "openrouter/auto", "context_length": 2_000_000,
        "pricing": {"prompt": "-1", "completion": "-1"}, "supported_parameters": ["tools"],
    },
    {"id": "a/talker", "context_length": 8192, "supported_parameters": ["max_tokens"]},
]  # fmt: skip


async def test_openrouters_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer(
        lambda asked: Reply(str(asked.body.get("reasoning")), usage=Usage(input=1000, output=100)),
        models=OPENROUTER,
    ) as server:
        server.strict = False  # it checks bodies as OpenAI does
        monkeypatch.setenv("OPENROUTER_API_KEY", "k")
        monkeypatch.setenv("OPENROUTER_API_BASE", server.openai_base)
        settings = Settings(state_dir=str(tmp_path))
        found = {o.id: o.describe() for o in await offers(settings)}
        client, auto = ChatClient(settings), AnswerOptions(effort=AUTO)
        for model, effort, cost in (
            ("openrouter/z-ai/glm-5.3:nitro", "{'effort': 'medium'}", 1840),
            ("openrouter/openrouter/auto", "None", None),
        ):
            answer = await client.answer(model, HELLO, [], emit=lambda event: None, options=auto)
            assert (answer.message.text, answer.cost_micro_usd) == (effort, cost)
        assert client.window("openrouter/z-ai/glm-5.3") == 1_048_576
        assert len(server.listings) == 1
        with pytest.raises(UnknownModel, match="did you mean openrouter/z-ai/glm"):
            await check("openrouter/z-ai/glm-5.33", settings)
    assert set(found) == {"openrouter/z-ai/glm-5.3", "openrouter/openrouter/auto"}
    assert "$1.4 in, $4.4 out" in found["openrouter/z-ai/glm-5.3"]


async def test_a_setting_wins(router: ModelServer, tmp_path: Path) -> None:
    given = Settings(
        state_dir=str(tmp_path), context_window=9_000, vision=False, price=Price(input=1, output=3)
    )
    client = ChatClient(given)
    await client.ready("hf/Qwen/Qwen3-Coder")
    found = (client.window("hf/Qwen/Qwen3-Coder"), client.price("hf/Qwen/Qwen3-Coder"))
    assert found == (9_000, (1.0, 3.0))
    assert not client.sees("hf/Qwen/Qwen3-Coder")


async def test_an_answers_cost_by_the_catalogue(router: ModelServer, tmp_path: Path) -> None:
    router.choose = lambda asked: Reply("hi", usage=Usage(input=1000, output=100))
    client = ChatClient(Settings(state_dir=str(tmp_path)))
    for model, cost in (("hf/Qwen/Qwen3-Coder:novita", 420), ("hf/org/plain", None)):
        answer = await client.answer(model, HELLO, [], emit=lambda event: None)
        assert answer.cost_micro_usd == cost


async def test_it_is_asked_once_a_day_and_kept(router: ModelServer, tmp_path: Path) -> None:
    for _ in range(3):
        client = ChatClient(Settings(state_dir=str(tmp_path)))
        await client.ready("hf/Qwen/Qwen3-Coder")
        await client.ready("hf/Qwen/Qwen3-Coder")
        assert client.window("hf/Qwen/Qwen3-Coder") == 131_072
    assert [r.path for r in router.listings] == ["/v1/models"]
    assert router.listings[0].headers["authorization"] == "Bearer hf_stand_in"
    router.stop()
    client = ChatClient(Settings(state_dir=str(tmp_path)))
    await client.ready("hf/Qwen/Qwen3-Coder")
    assert client.window("hf/Qwen/Qwen3-Coder") == 131_072


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data": [1, {"id": 2}, {"x": 1}]}', b"<html>"])
async def test_a_catalogue_that_cannot_be_read_is_none(body: bytes, tmp_path: Path) -> None:
    from tests.stand_ins.fixed_server import fixed

    with fixed(body) as base:
        catalogue = Catalogue(base, folder=tmp_path)
        await catalogue.load()
        assert catalogue.of("x") is None


async def test_who_pays_the_router(router: ModelServer, tmp_path: Path) -> None:
    for payer in ("", "acme"):
        client = ChatClient(Settings(state_dir=str(tmp_path), bill_to=payer))
        await client.answer("hf/org/plain", HELLO, [], emit=lambda event: None)
        assert router.requests[-1].headers.get("x-hf-bill-to", "") == payer


@pytest.mark.parametrize(
    ("name", "window"),
    [("vllm", 40_960), ("studio", 8_192), ("llama", 131_072), ("ollama", 32_000)],
)
@pytest.mark.parametrize(
    ("prefix", "variable"),
    [
        ("vllm", "HOSTED_VLLM_API_BASE"),
        ("lmstudio", "LM_STUDIO_API_BASE"),
        ("llamacpp", "LLAMACPP_API_BASE"),
    ],
)
async def test_servers_of_ones_own(
    prefix: str, variable: str, name: str, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ModelServer(lambda asked: Reply("hi"), models=LOCAL) as server:
        monkeypatch.setenv(variable, server.openai_base)
        client = ChatClient(Settings())
        await client.ready(f"{prefix}/{name}")
        assert client.window(f"{prefix}/{name}") == window
        answer = await client.answer(f"{prefix}/{name}", HELLO, [], emit=lambda event: None)
        assert answer.message.text == "hi"
        assert server.violations == []
        assert (await check(f"{prefix}/{name}", Settings())).base_url == server.openai_base
        with pytest.raises(UnknownModel, match=rf"did you mean {prefix}/{name}"):
            await check(f"{prefix}/{name}x", Settings())


async def test_llamacpp_answers_to_any_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """It lists its one model under the path of the file."""
    one = [{"id": "/models/tiny.gguf", "meta": {"n_ctx": 8_192, "n_ctx_train": 131_072}}]
    with ModelServer(models=one) as server:
        monkeypatch.setenv("LLAMACPP_API_BASE", server.openai_base)
        client = ChatClient(Settings())
        await client.ready("llamacpp/tiny")
        assert client.window("llamacpp/tiny") == 8_192
        assert (await check("llamacpp/tiny", Settings())).provider == "llamacpp"


@pytest.mark.parametrize(
    ("entry", "window"),
    [
        ({"id": "/m.gguf", "meta": {"n_ctx": 8_192}}, 8_192),
        ({"id": "m", "max_model_len": 40_960}, 40_960),
        ({"id": "m"}, 32_000),
    ],
)
async def test_openais_format_at_a_private_address(
    entry: dict[str, Any], window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ModelServer(models=[entry]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.openai_base)
        client = ChatClient(Settings())
        await client.ready("openai/m")
        assert client.window("openai/m") == window
        assert (await check("openai/anything", Settings())).is_direct


#: What servers of yours tell beside /v1/models, and the window that follows for the model m.
BESIDE: dict[str, tuple[str, Any, int]] = {
    "llama.cpp, old": (
        "/props", {"default_generation_settings": {"n_ctx": 8_192}, "total_slots": 1}, 8_192,
    ),
    "LM Studio": (
        "/api/v0/models",
        {"data": [
            {"id": "other", "state": "loaded", "loaded_context_length": 4_096},
            {"id": "m", "state": "loaded", "max_context_length": 131_072,
             "loaded_context_length": 16_384},
        ]},
        16_384,
    ),
    "LM Studio, not loaded": (
        "/api/v0/models",
        {"data": [{"id": "m", "state": "not-loaded", "max_context_length": 131_072}]},
        131_072,
    ),
    "Ollama": (
        "/api/ps", {"models": [{"name": "m", "model": "m", "context_length": 4_096}]}, 4_096,
    ),
    "Ollama, not loaded": ("/api/ps", {"models": []}, 131_072),
    "none of them": ("/elsewhere", {}, 131_072),
}  # fmt: skip


@pytest.mark.parametrize("name", BESIDE)
@pytest.mark.parametrize(
    ("model", "variable"),
    [("openai/m", "OPENAI_BASE_URL"), ("lmstudio/m", "LM_STUDIO_API_BASE")],
)
async def test_what_a_server_of_yours_really_serves(
    name: str, model: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its list has at most what the model was trained for."""
    path, body, window = BESIDE[name]

    def answer(asked: str, _: Any) -> Raw:
        return Raw(body) if asked == path else Raw({"error": "not found"}, 404)

    trained = [{"id": "m", "meta": {"n_ctx_train": 131_072}}]
    with RawServer(answer, models=trained) as server:
        server.answers_gets = True
        monkeypatch.setenv(variable, server.base)
        client = ChatClient(Settings())
        await client.ready(model)
        assert (client.window(model), client.window_is_known(model)) == (window, True)


async def test_openai_itself_is_not_asked_what_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.models.model_info import catalogue_base

    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert catalogue_base(resolve("openai/gpt-5.1", Settings())) == ""
    monkeypatch.setenv("OPENAI_BASE_URL", "https://proxy.example.com/v1")
    assert catalogue_base(resolve("openai/gpt-5.1", Settings())) == ""


async def test_what_can_be_chosen(
    router: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ModelServer(models=LOCAL) as local:
        monkeypatch.setenv("HOSTED_VLLM_API_BASE", local.openai_base)
        for name in ("OLLAMA_API_BASE", "LM_STUDIO_API_BASE", "LLAMACPP_API_BASE"):
            monkeypatch.setenv(name, "http://127.0.0.1:9/v1")
        monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
        found = {o.id: o.describe() for o in await offers(Settings(state_dir=str(tmp_path)))}
    assert {"vllm/vllm", "vllm/llama", "hf/Qwen/Qwen3-Coder", "hf/org/plain"} < set(found)
    assert "hf/org/talker" not in found
    assert any(name.startswith("anthropic/claude-") for name in found)
    assert not any(name.startswith("openai/") for name in found)
    assert found["hf/Qwen/Qwen3-Coder"].endswith(
        "131,072 tokens · $2 in, $2 out per million tokens"
    )


@pytest.mark.parametrize(
    ("variable", "found"),
    [
        ("OLLAMA_API_BASE", "ollama_chat/vllm"),
        ("LM_STUDIO_API_BASE", "lmstudio/vllm"),
        ("HOSTED_VLLM_API_BASE", "vllm/vllm"),
        ("LLAMACPP_API_BASE", "llamacpp/vllm"),
    ],
)
async def test_a_server_that_runs_is_found(
    variable: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ModelServer(models=LOCAL) as server:
        for name in ("OLLAMA_API_BASE", "LM_STUDIO_API_BASE", "HOSTED_VLLM_API_BASE"):
            monkeypatch.setenv(name, "http://127.0.0.1:9/v1")
        base = server.openai_base
        monkeypatch.setenv(variable, base.removesuffix("/v1") if "OLLAMA" in variable else base)
        assert await find_local_model() == found
        assert resolve(found, Settings()).provider
