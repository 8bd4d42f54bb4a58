"""From an id to a route, and which model answers where no one said."""

import asyncio
from pathlib import Path

import pytest
from huggingface_hub import constants

from configs.settings import Settings
from core.model_errors import NotAuthenticated, UnknownModel
from core.models import defaults
from core.models.choice import choose_model, find_local_model
from core.models.routes import resolve
from tests.core.models.asking import BOTH, HELLO, KEY, Asking, asking
from tests.stand_ins.model_script import Reply
from tests.stand_ins.model_server import ModelServer


@pytest.fixture(autouse=True)
def no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library reads the token file's place once, when it is imported."""
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))


@pytest.mark.parametrize(
    ("model", "provider", "litellm_model", "key_name"),
    [
        ("anthropic/claude-x", "anthropic", "anthropic/claude-x", "ANTHROPIC_API_KEY"),
        ("claude-x", "anthropic", "anthropic/claude-x", "ANTHROPIC_API_KEY"),
        ("openai/gpt-x", "openai", "openai/gpt-x", "OPENAI_API_KEY"),
        ("gpt-5.1", "openai", "openai/gpt-5.1", "OPENAI_API_KEY"),
        ("o3", "openai", "openai/o3", "OPENAI_API_KEY"),
        ("gemini/gemini-x", "gemini", "gemini/gemini-x", "GEMINI_API_KEY"),
        ("openrouter/a/b", "openrouter", "openrouter/a/b", "OPENROUTER_API_KEY"),
        ("together_ai/a/b", "together_ai", "together_ai/a/b", "TOGETHERAI_API_KEY"),
        ("groq/llama", "groq", "groq/llama", "GROQ_API_KEY"),
        ("hf/org/model", "hf", "openai/org/model", "HF_TOKEN"),
        ("hf/org/model:novita", "hf", "openai/org/model:novita", "HF_TOKEN"),
        ("Qwen/Qwen3-32B", "hf", "openai/Qwen/Qwen3-32B", "HF_TOKEN"),
        ("meta-llama/Llama:fast", "hf", "openai/meta-llama/Llama:fast", "HF_TOKEN"),
        ("huggingface/org/model", "huggingface", "huggingface/org/model", "HF_TOKEN"),
    ],
)
def test_routes(model: str, provider: str, litellm_model: str, key_name: str) -> None:
    route = resolve(model, Settings())
    assert (route.provider, route.litellm_model, route.key_name) == (
        provider,
        litellm_model,
        key_name,
    )
    with pytest.raises(NotAuthenticated) as caught:
        route.check()
    assert key_name in caught.value.hint


@pytest.mark.parametrize(
    "model", ["", " ", "nothing", "hf/", "local/", "hf", "openai/", "/x", "a/"]
)
def test_what_is_no_id(model: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        resolve(model, Settings())
    assert caught.value.hint


@pytest.mark.parametrize(
    ("model", "base"),
    [
        ("ollama/llama3", "http://localhost:11434"),
        ("ollama_chat/llama3", "http://localhost:11434"),
        ("lm_studio/x", "http://localhost:1234/v1"),
        ("hosted_vllm/org/x", "http://localhost:8000/v1"),
    ],
)
def test_servers_of_ones_own_need_no_key(model: str, base: str) -> None:
    route = resolve(model, Settings())
    assert (route.base_url, route.litellm_model) == (base, model)
    route.check()


def test_ollamas_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_BASE", "http://gpu:11434")
    assert resolve("ollama/llama3", Settings()).base_url == "http://gpu:11434"


def test_local_needs_its_address() -> None:
    with pytest.raises(UnknownModel) as caught:
        resolve("local/x", Settings())
    assert "local_base_url" in caught.value.hint
    route = resolve("local/org/x", Settings(local_base_url="http://gpu:8000/v1"))
    assert (route.litellm_model, route.base_url) == ("openai/org/x", "http://gpu:8000/v1")
    route.check()


@pytest.mark.parametrize("name", ["OPENAI_API_BASE", "OPENAI_BASE_URL"])
async def test_both_names_of_a_base_url(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer([Reply(text="here")]) as server:
        monkeypatch.setenv(name, server.openai_base)
        # On one's own machine, so without a key.
        answer = await Asking(server).ask("openai/stand-in")
        assert answer.message.text == "here"


@pytest.mark.parametrize("name", ["ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"])
async def test_both_names_of_anthropics(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer([Reply(text="here")]) as server:
        monkeypatch.setenv(name, server.anthropic_base)
        assert (await Asking(server).ask("claude-x")).message.text == "here"


@pytest.mark.parametrize(
    ("base", "needed"),
    [
        ("http://localhost:8000/v1", False),
        ("http://127.0.0.1:1/v1", False),
        ("http://[::1]:1/v1", False),
        ("http://192.168.1.7/v1", False),
        ("http://10.0.0.7/v1", False),
        ("http://172.20.0.2/v1", False),
        ("http://100.64.3.4/v1", False),
        ("http://gpu:8000/v1", False),
        ("http://gpu.local:8000/v1", False),
        ("https://models.team.internal/v1", False),
        ("https://8.8.8.8/v1", True),
        ("https://10.example.com/v1", True),
        ("https://127.example.com/v1", True),
        ("https://api.example.com/v1", True),
    ],
)
def test_who_asks_for_no_key(base: str, needed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", base)
    assert resolve("openai/x", Settings()).needs_key is needed


@pytest.mark.parametrize("model", [*BOTH, "hf/org/model", "org/model", "gemini/x", "groq/x"])
async def test_no_key_is_said_before_any_request(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asking([]) as a:
        for name in ("OPENAI", "ANTHROPIC"):
            monkeypatch.delenv(f"{name}_API_KEY")
        monkeypatch.setenv("OPENAI_BASE_URL", "https://api.example.com")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://api.example.com")
        error = await a.refused(model)
        assert isinstance(error, NotAuthenticated)
        assert resolve(model, Settings()).key_name in error.hint
        assert a.server.requests == []


async def test_the_router_gets_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer([Reply(text="routed")], api_key="hf_secret_token") as server:
        monkeypatch.setenv("HF_ROUTER_BASE_URL", server.openai_base)
        monkeypatch.setenv("HF_TOKEN", "hf_secret_token")
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        answer = await Asking(server).ask("hf/org/model:novita", HELLO)
        assert answer.message.text == "routed"
        assert server.bodies[0]["model"] == "org/model:novita"


async def test_openais_key_does_not_go_to_a_server_of_ones_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with ModelServer([Reply(text="x")] * 2) as server:
        await Asking(server, Settings(local_base_url=server.openai_base)).ask("local/x")
        monkeypatch.setenv("HF_ROUTER_BASE_URL", server.openai_base)
        await Asking(server).ask("hf/org/x")
        assert not [r for r in server.requests if KEY in str(r.headers)]


def test_a_key_that_is_set_later_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not resolve("gpt-5.1", Settings()).api_key
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert resolve("gpt-5.1", Settings()).api_key == KEY


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("hf/org/model:fast", "org/model:fast over the Hugging Face router"),
        ("claude-x", "anthropic/claude-x"),
    ],
)
def test_a_route_in_words(model: str, words: str) -> None:
    assert resolve(model, Settings()).describe() == words


async def test_which_model_answers_where_nobody_said(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [
        ("GEMINI_API_KEY", defaults.GEMINI.model),
        ("OPENAI_API_KEY", defaults.OPENAI.model),
        ("HF_TOKEN", defaults.ROUTER.model),
        ("ANTHROPIC_API_KEY", defaults.ANTHROPIC.model),
    ]
    for name, model in expected:  # each comes before those that are set already
        monkeypatch.setenv(name, "key")
        assert await choose_model(Settings()) == model
    assert await choose_model(Settings(model_name="groq/x")) == "groq/x"


def test_a_token_from_the_login_counts() -> None:
    Path(constants.HF_TOKEN_PATH).write_text("hf_from_login")
    assert asyncio.run(choose_model(Settings())) == defaults.ROUTER.model
    assert resolve("org/model", Settings()).api_key == "hf_from_login"


async def test_no_credential_and_no_server() -> None:
    if await find_local_model():
        return  # someone's own server runs on this machine
    with pytest.raises(NotAuthenticated) as caught:
        await choose_model(Settings())
    assert "ANTHROPIC_API_KEY" in caught.value.hint
    assert caught.value.exit_code == 5
