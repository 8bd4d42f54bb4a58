"""How much a model thinks: asked for where it can, and not again where it was refused."""

import pytest
from langchain_core.messages import AIMessage, ToolMessage

from configs.settings import EFFORTS, Settings
from core.errors import UsageError
from core.models.effort import AUTO
from core.models.list_models import check_effort, efforts_of, offers
from tests.core.models.asking import ANTHROPIC, BOTH, HELLO, OPENAI, asking
from tests.stand_ins.model_script import Asked, Reply


def efforts(asked: Asked) -> bool:
    return bool({"reasoning_effort", "thinking", "output_config"} & set(asked.body))


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("stream", [True, False])
async def test_it_is_asked_for(model: str, stream: bool) -> None:
    with asking(lambda asked: Reply("yes" if efforts(asked) else "no")) as a:
        assert (await a.ask(model, effort="high", stream=stream)).message.text == "yes"
        assert (await a.ask(model, stream=stream)).message.text == "no"


async def test_a_model_that_is_known_not_to_think_is_not_asked() -> None:
    with asking(lambda asked: Reply("yes" if efforts(asked) else "no")) as a:
        assert (await a.ask("openai/gpt-4o", effort="high")).message.text == "no"


@pytest.mark.parametrize("model", ["openai/nobody-knows", ANTHROPIC, f"litellm/{ANTHROPIC}"])
async def test_a_refusal_is_tried_once_without(model: str) -> None:
    with asking(lambda asked: Reply(status=400) if efforts(asked) else Reply("fine")) as a:
        assert (await a.ask(model, effort="high")).message.text == "fine"
        assert len(a.server.requests) == 2
        assert "sent without" in a.logs[0]
        # And from then on it is left out at once.
        assert (await a.ask(model, effort="high")).message.text == "fine"
        assert len(a.server.requests) == 3


async def test_a_request_that_is_refused_either_way_is_final() -> None:
    with asking([Reply(status=400), Reply(status=400)]) as a:
        await a.refused(OPENAI, effort="low")
        assert len(a.server.requests) == 2


@pytest.mark.parametrize(
    ("model", "levels"),
    [
        ("openai/gpt-5.1", "none low medium high"),
        ("openai/gpt-5", "minimal low medium high"),
        ("openai/gpt-6.1-sol", "low medium high xhigh max"),
        ("openai/o3", "low medium high"),
        ("anthropic/claude-sonnet-5-5", "low medium high xhigh max"),
        ("anthropic/claude-haiku-5-5", "none low medium high xhigh max"),
        ("anthropic/claude-haiku-4-5", "none minimal low medium high"),
        ("mistral/mistral-medium-latest", "none high"),
        ("together/moonshotai/Kimi-K3", "low high max"),
        ("deepseek/deepseek-v4-pro", "none high max"),
        ("openrouter/some/new-model", "none minimal low medium high xhigh max"),
        ("ollama/gpt-oss:20b", "low medium high"),
        ("openai/gpt-4o", ""),
        ("xai/grok-4.3", None),
        ("hf/org/model", None),
    ],
)
def test_what_each_model_takes(model: str, levels: str | None) -> None:
    taken = efforts_of(model, Settings())
    assert taken == (levels if levels is None else tuple(levels.split()))


@pytest.mark.parametrize(
    ("model", "effort", "said", "hint"),
    [
        ("openai/gpt-5.1", "max", "does not take the effort 'max'", "none, low, medium, high"),
        ("openai/gpt-5.1", "turbo", "does not take the effort 'turbo'", "none, low, medium, high"),
        ("openai/gpt-4o", "low", "does not reason", "leave the effort out"),
        ("hf/org/model", "turbo", "does not take the effort 'turbo'", ", ".join(EFFORTS)),
    ],
)
def test_a_level_that_is_not_taken(model: str, effort: str, said: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_effort(effort, model, Settings())
    assert said in caught.value.message
    assert hint in caught.value.hint


async def test_the_list_of_models_names_the_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    found = {o.id: o.describe() for o in await offers(Settings())}
    assert found["openai/gpt-5.1"].endswith(" · effort none, low, medium, high")
    assert "effort" not in found["openai/gpt-4o"]


def asked_for(asked: Asked) -> object:
    body = asked.body
    level = body.get("output_config", {}).get("effort") or body.get("reasoning_effort")
    return level or body.get("thinking", {}).get("budget_tokens")


@pytest.mark.parametrize(
    ("model", "wanted", "level"),
    [
        # The setting holds for all models: the next higher level, else the highest.
        ("openai/gpt-5", "none", "minimal"),
        ("openai/gpt-5.1", "max", "high"),
        ("anthropic/claude-opus-4-6", "xhigh", "max"),
        # Reasoning is on if a model reasons only when asked.
        ("openai/gpt-5.1", AUTO, "medium"),
        ("anthropic/claude-opus-4-8", AUTO, "high"),
        (ANTHROPIC, AUTO, 2048),
        (f"litellm/{ANTHROPIC}", AUTO, 2048),
        # Others reason by themselves, or never.
        ("openai/gpt-5.1", "turbo", "turbo"),  # a program's: the provider's to refuse
        ("openai/gpt-5", AUTO, None),
        ("anthropic/claude-sonnet-5-5", AUTO, None),
        ("openai/gpt-4o", AUTO, None),
        ("openai/nobody-knows", AUTO, None),
    ],
)
async def test_what_is_sent(model: str, wanted: str, level: object) -> None:
    with asking(lambda asked: Reply(str(asked_for(asked)))) as a:
        assert (await a.ask(model, effort=wanted)).message.text == str(level)


async def test_reasoning_is_switched_off() -> None:
    with asking(lambda asked: Reply("fine")) as a:
        await a.ask("anthropic/claude-opus-4-8", effort="none")
        assert a.server.bodies[0]["thinking"] == {"type": "disabled"}


@pytest.mark.parametrize(
    ("model", "variable", "effort", "fields"),
    [
        (
            "deepseek/deepseek-v4-pro", "DEEPSEEK_API_BASE", "max",
            {"thinking": {"type": "enabled"}, "reasoning_effort": "max"},
        ),
        ("deepseek/x", "DEEPSEEK_API_BASE", "none", {"thinking": {"type": "disabled"}}),
        ("openrouter/x/y", "OPENROUTER_API_BASE", "max", {"reasoning": {"effort": "max"}}),
        ("together/x/y", "TOGETHER_AI_API_BASE", "none", {"reasoning": {"enabled": False}}),
        (
            "vllm/x", "HOSTED_VLLM_API_BASE", "none",
            {"reasoning_effort": "none", "chat_template_kwargs": {"enable_thinking": False}},
        ),
    ],
)  # fmt: skip
async def test_each_providers_own_fields(
    model: str, variable: str, effort: str, fields: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with asking(lambda asked: Reply("fine")) as a:
        a.server.strict = False  # it checks bodies as OpenAI does
        monkeypatch.setenv(variable, a.server.openai_base)
        await a.ask(model, effort=effort)
        sent = a.server.bodies[0]
    assert {name: sent.get(name) for name in fields} == fields
    assert ("reasoning_effort" in sent) == ("reasoning_effort" in fields)


async def test_a_refusal_that_names_the_levels_is_learnt() -> None:
    said = "Unsupported value: 'max' is not supported. Supported values are: 'low' and 'high'."

    def choose(asked: Asked) -> Reply:
        level = asked.body.get("reasoning_effort")
        return Reply(status=400, message=said) if level == "max" else Reply(str(level))

    with asking(choose) as a:
        for _ in range(2):
            assert (await a.ask("openai/nobody-knows", effort="max")).message.text == "high"
        assert len(a.server.requests) == 3
        assert "the effort max: sent with high" in a.logs[0]


async def test_a_refusal_of_every_level_ends() -> None:
    def choose(asked: Asked) -> Reply:
        said = "it must be one of 'low', 'medium', 'high'"
        return Reply(status=400, message=said) if efforts(asked) else Reply("without")

    with asking(choose) as a:
        assert (await a.ask("openai/nobody-knows", effort="max")).message.text == "without"
        assert len(a.server.requests) == 3


async def test_a_claude_does_not_begin_to_think_between_call_and_result() -> None:
    """Anthropic refuses it before adaptive thinking: another model made the call."""
    call = {"name": "bash", "args": {"command": "ls"}, "id": "c1"}
    open_turn = [*HELLO, AIMessage("", tool_calls=[call]), ToolMessage("a", tool_call_id="c1")]
    with asking(lambda asked: Reply("thinks" if efforts(asked) else "does not")) as a:
        assert (await a.ask(ANTHROPIC, open_turn, effort=AUTO)).message.text == "does not"
        then = [*open_turn, AIMessage("done")]
        assert (await a.ask(ANTHROPIC, [*then, HELLO[1]], effort=AUTO)).message.text == "thinks"
