"""Which route goes over our own wire, where its requests go, and what they are like."""

import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from configs.settings import Settings
from core.models.routes import resolve
from core.models.wire.providers import PROVIDERS, chat_url
from tests.core.models.asking import ANTHROPIC, HELLO, Asking, asking, bash
from tests.core.models.wire.asking_raw import asking_raw
from tests.stand_ins.model_script import Reply
from tests.stand_ins.raw_server import Raw, RawServer, chunk, piece, say, stream

AUTO, LITELLM = Settings(), Settings(wire="litellm")


@pytest.mark.parametrize(
    "model",
    [
        "openai/gpt-5.1", "gpt-5.1", "anthropic/claude-x", "claude-x", "hf/org/m", "org/m",
        "vllm/m", "lmstudio/m", "llamacpp/m", "ollama/m", "ollama_chat/m", "openrouter/a/b",
        "groq/m", "together/a/b", "fireworks/a/b", "deepseek/m", "mistral/m", "xai/m",
        "together_ai/a/b", "fireworks_ai/a/b", "hosted_vllm/m", "lm_studio/m",
    ],
)  # fmt: skip
def test_who_is_asked_directly(model: str) -> None:
    assert resolve(model, AUTO).is_direct
    assert not resolve(model, LITELLM).is_direct
    through = resolve(f"litellm/{model}", AUTO)
    assert not through.is_direct
    assert through.id == f"litellm/{model}"
    assert through.litellm_model == resolve(model, AUTO).litellm_model


@pytest.mark.parametrize(
    "model",
    ["gemini/m", "bedrock/m", "azure/m", "vertex_ai/m", "cohere_chat/m", "huggingface/org/m",
     "openai/gpt-5.1-codex", "openai/o3-pro", "openai/responses/gpt-5.1"],
)  # fmt: skip
def test_who_is_asked_through_litellm(model: str) -> None:
    assert not resolve(model, AUTO).is_direct


@pytest.mark.parametrize(
    ("model", "direct"),
    [("gpt-5.1", True), ("gpt-5.4", False), ("gpt-5.12", False), ("gpt-6.1-sol", False)],
)
def test_models_that_take_no_tools_over_chat_completions(
    model: str, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenAI refuses tools next to reasoning there; a server of one's own does not."""
    assert resolve(f"openai/{model}", AUTO).is_direct is direct
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.openai.com/v1")
    assert resolve(f"openai/{model}", AUTO).is_direct is direct
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1")
    assert resolve(f"openai/{model}", AUTO).is_direct


@pytest.mark.parametrize(
    ("model", "variables"),
    [
        ("together/a/b", ["TOGETHERAI_API_KEY", "TOGETHER_API_KEY"]),
        ("fireworks/a/b", ["FIREWORKS_AI_API_KEY", "FIREWORKS_API_KEY"]),
    ],
)
def test_every_name_of_a_key(
    model: str, variables: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in variables:
        monkeypatch.setenv(name, f"key of {name}")
        assert resolve(model, AUTO).api_key == f"key of {name}"
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("provider", "base", "url"),
    [
        ("openai", "https://api.openai.com/v1/", "https://api.openai.com/v1/chat/completions"),
        ("openai", "http://h/v1/chat/completions", "http://h/v1/chat/completions"),
        ("anthropic", "https://api.anthropic.com", "https://api.anthropic.com/v1/messages"),
        ("anthropic", "http://h/v1", "http://h/v1/messages"),
        ("anthropic", "http://h/v1/messages", "http://h/v1/messages"),
        ("ollama", "http://h:11434/v1", "http://h:11434/api/chat"),
    ],
)
def test_addresses(provider: str, base: str, url: str) -> None:
    assert chat_url(PROVIDERS[provider], base) == url


def test_every_provider_has_an_address_or_is_the_users() -> None:
    own = {"hf", "local", "hosted_vllm", "lm_studio", "llamacpp", "ollama", "ollama_chat"}
    for name, provider in PROVIDERS.items():
        assert provider.base.startswith("https://") is (name not in own)


async def test_a_wire_is_a_langchain_chat_model() -> None:
    from core.models.wire.chat import WireChat
    from core.models.wire.requests import Target

    body = stream(chunk({"reasoning_content": "hm"}), piece(0, "a", "bash", '{"command": "ls"}'),
                  chunk({"content": "hi"}), chunk({}, "tool_calls"))  # fmt: skip
    with RawServer(body) as server:
        target = Target("openai", "openai", f"{server.base}/chat/completions", "m")
        chunks = [c async for c in WireChat(target=target).astream("hello")]
        whole = chunks[0]
        for more in chunks[1:]:
            whole = whole + more
    assert whole.text == "hi"
    assert [(c["name"], c["args"]) for c in whole.tool_calls] == [("bash", {"command": "ls"})]
    assert whole.response_metadata["finish_reason"] == "tool_calls"


async def test_a_connection_serves_the_next_request() -> None:
    ports = []

    def answer(path: str, body: Any) -> bytes:
        return say("hi")

    with asking_raw(answer) as a:
        handler = a.server._server.RequestHandlerClass  # type: ignore[attr-defined]
        setup = handler.setup

        def noted(self: Any) -> None:
            ports.append(self.client_address[1])
            setup(self)

        handler.setup = noted
        await a.ask("openai/m")
        # The first one also asks the server for its window, on connections of their own.
        ports.clear()
        for _ in range(3):
            await a.ask("openai/m")
    # A server may close one in between; a client that keeps none makes three.
    assert len(ports) < 3


async def test_a_proxy_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with asking_raw(say("hi")) as a:
        assert (await a.ask("openai/m")).message.text == "hi"


async def test_how_much_a_claude_thinks() -> None:
    with asking([Reply("x")] * 3) as a:
        await a.ask(ANTHROPIC, effort="high")
        await a.ask("anthropic/claude-sonnet-5-5", effort="xhigh")
        await a.ask("anthropic/claude-sonnet-5-5")
        old, new, plain = a.server.bodies
    assert old["thinking"] == {"type": "enabled", "budget_tokens": 4096}
    assert new["thinking"]["type"] == "adaptive"
    assert new["output_config"] == {"effort": "xhigh"}
    assert "thinking" not in plain


# --- Ollama ------------------------------------------------------------------------------------

SHOWN = {"model_info": {"general.architecture": "qwen3", "qwen3.context_length": 262_144}}
HISTORY = [
    SystemMessage("s"),
    HumanMessage([{"type": "text", "text": "q"},
                  {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]),
    AIMessage("", tool_calls=[{"name": "bash", "args": {"command": "ls"}, "id": "c"}]),
    ToolMessage("r", tool_call_id="c", name="bash"),
]  # fmt: skip


def line(**message: Any) -> bytes:
    return json.dumps({"model": "m", "message": message, "done": False}).encode() + b"\n"


def end(reason: str = "stop") -> bytes:
    told = {"model": "m", "message": {"content": ""}, "prompt_eval_count": 70, "eval_count": 5}
    return json.dumps({**told, "done": True, "done_reason": reason}).encode() + b"\n"


def ollama(*lines: bytes, shown: Any = SHOWN) -> Any:
    def answer(path: str, body: Any) -> Raw:
        return Raw(shown) if path == "/api/show" else Raw(b"".join(lines))

    return answer


@pytest.fixture
def asking_ollama(monkeypatch: pytest.MonkeyPatch) -> Any:
    def made(step: Any, **options: Any) -> tuple[RawServer, Asking]:
        server = RawServer(step)
        monkeypatch.setenv("OLLAMA_API_BASE", server.root)
        return server, Asking(server, **options)  # type: ignore[arg-type]

    return made


@pytest.mark.parametrize("prefix", ["ollama", "ollama_chat", "litellm/ollama_chat"])
@pytest.mark.parametrize(("set_", "sent"), [(16_000, 16_000), (None, 32_768)])
async def test_ollama_is_told_the_window(
    asking_ollama: Any, prefix: str, set_: int | None, sent: int
) -> None:
    server, a = asking_ollama(ollama(line(content="hi"), end()))
    a.settings.context_window = set_
    with server:
        answer = await a.ask(f"{prefix}/m", tools=[bash])
        assert answer.message.text == "hi"
        (asked,) = (body for path, body in server.requests if path == "/api/chat")
        assert asked["options"]["num_ctx"] == sent == a.client.window(f"{prefix}/m")


async def test_ollamas_own_chat(asking_ollama: Any) -> None:
    call = {"function": {"name": "bash", "arguments": {"command": "ls"}}}
    lines = (line(thinking="hm"), line(content="I look"), line(tool_calls=[call, call]), end())
    server, a = asking_ollama(ollama(*lines))
    a.settings.vision = True
    with server:
        answer = await a.ask("ollama/m", HISTORY, tools=[bash])
        sent = server.requests[-1][1]["messages"]
    assert [c["args"] for c in answer.message.tool_calls] == [{"command": "ls"}] * 2
    assert answer.bad_calls == ()
    assert answer.finish_reason == "tool_calls"
    assert answer.message.text == "I look"
    assert answer.message.additional_kwargs == {"reasoning_content": "hm"}
    assert answer.message.usage_metadata["input_tokens"] == 70  # type: ignore[index]
    assert sent[1] == {"role": "user", "content": "q", "images": ["AAAA"]}
    assert sent[2]["tool_calls"][0]["function"]["arguments"] == {"command": "ls"}
    assert sent[3] == {"role": "tool", "content": "r", "tool_name": "bash"}


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ((line(content="half"),), "without a finish reason"),
        ((line(content="half"), b'{"error": "llama runner process has terminated"}\n'), "runner"),
        ((b'{"model": "m", "mess',), "cut off"),
    ],
)
async def test_ollamas_stream_that_breaks(
    asking_ollama: Any, lines: tuple[bytes, ...], error: str
) -> None:
    server, a = asking_ollama(ollama(*lines))
    with server:
        refused = await a.refused("ollama/m")
        assert error in str(refused)
        assert refused.attempts == 4


async def test_what_only_speaks_openais_format_at_ollamas_address(asking_ollama: Any) -> None:
    def answer(path: str, body: Any) -> Raw:
        return Raw(b"404 page not found", 404) if path == "/api/show" else Raw(say("hi"))

    server, a = asking_ollama(answer)
    with server:
        assert (await a.ask("ollama/m")).message.text == "hi"
        assert server.requests[-1][0] == "/v1/chat/completions"


async def test_a_model_that_ollama_does_not_have(asking_ollama: Any) -> None:
    missing = Raw({"error": "model 'm' not found"}, 404)
    server, a = asking_ollama(missing)
    with server:
        refused = await a.refused("ollama/m", messages=HELLO)
        assert "does not know this model" in str(refused)
        assert server.requests[-1][0] == "/api/chat"
