"""The default models are alive, and `doctor` says so before they are not."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.commands import doctor
from configs.settings import Settings
from core.model_errors import UnknownModel
from core.models import advice, model_info, prices
from core.models.choice import choose_model
from core.models.client import ChatClient
from core.models.defaults import ANTHROPIC, DEFAULTS, GEMINI, ROUTER, DefaultModel, best_listed
from core.models.prices import price_map, switch_off
from core.models.routes import resolve
from core.models.served import Served
from tests.core.models.asking import HELLO
from tests.core.models.wire.refusals import NO_MODEL
from tests.stand_ins.model_server import ModelServer
from tests.stand_ins.raw_server import Raw, RawServer


def listed(name: str, *, tools: bool = True) -> dict[str, Any]:
    offer = {"provider": "novita", "status": "live", "context_length": 262_144}
    return {"id": name, "providers": [{**offer, "supports_tools": tools}]}


#: As the router lists its models.
CATALOGUE = [
    listed("zai-org/GLM-5.2"),
    listed("zai-org/GLM-5.4"),
    listed("zai-org/GLM-9.9", tools=False),
    listed("moonshotai/Kimi-K9"),
    listed("org/talker", tools=False),
]


def shown(path: str, asked: Any) -> Raw:
    """What Ollama says of a model."""
    if asked["model"] == "tool-usr":
        return Raw({"error": "model 'tool-usr' not found"}, 404)
    tools = ["tools"] if asked["model"] == "tool-user" else []
    return Raw({"capabilities": ["completion", *tools]})


#: Days before a switch-off at which another default has to be chosen.
REPLACE_DAYS = 90


@pytest.mark.parametrize("row", DEFAULTS, ids=lambda row: row.model)
def test_no_default_is_switched_off_within_90_days(row: DefaultModel) -> None:
    ends = switch_off(row.model)
    assert ends is None or (ends - date.today()).days > REPLACE_DAYS, (
        f"{row.model} ends on {ends}: choose the newest of its family"
    )


@pytest.mark.parametrize("row", [r for r in DEFAULTS if r is not ROUTER])
def test_litellm_knows_each_default_and_that_it_calls_tools(row: DefaultModel) -> None:
    name = row.model.partition("/")[2]
    known = price_map().get(row.model) or price_map()[name]
    assert known["supports_function_calling"]
    assert known["input_cost_per_token"] > 0


def test_the_table_says_when_each_was_chosen() -> None:
    for row in DEFAULTS:
        assert date(2026, 1, 1) < date.fromisoformat(row.chosen) <= date.today()


def test_a_switch_off_date_is_read_from_the_map() -> None:
    assert switch_off("anthropic/claude-sonnet-4-5-20250929") == date(2026, 11, 30)
    assert switch_off("local/whatever") is None


@pytest.mark.parametrize(
    ("days", "said"), [(61, ""), (60, "in 60 days"), (0, "in 0 days"), (-1, "was switched off")]
)
def test_doctor_warns_60_days_ahead(days: int, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = (date.today() + timedelta(days=days)).isoformat()
    row = {"litellm_provider": "anthropic", "supports_function_calling": True}
    rows = {"claude-x": {**row, "deprecation_date": ends}}
    for module in (prices, advice, model_info):
        monkeypatch.setattr(module, "price_map", lambda: rows)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    found = list(doctor._model("model", "anthropic/claude-x", Settings()))
    assert [mark for mark, _, _ in found] == ["ok", *(["warn"] if said else [])]
    assert said in "".join(what for _, what, _ in found)


@pytest.mark.parametrize(
    ("model", "said", "hint"),
    [
        ("openai/gpt-6.1-soll", "not in LiteLLM's list", "-m openai/gpt-6.1-sol,"),
        ("anthropic/claude-sonnet-4-5", "switched off on 2026-11-30", f"-m {ANTHROPIC.model},"),
        ("openai/gpt-6.1-sol", "", ""),
        ("hf/org/talker", "cannot call tools", "-m hf/zai-org/GLM-5.4,"),
        ("hf/zai-org/GLM-5.5", "not in the list", "-m hf/zai-org/GLM-5.4,"),
        ("ollama/talker", "cannot call tools", "-m ollama/tool-user,"),
        ("ollama/tool-usr", "not in the list", "-m ollama/tool-user,"),
        ("openai/anything", "", ""),
        ("nothing", "unknown model", "use provider/model"),
    ],
)
def test_doctor_warns_of_the_users_own_models(
    model: str, said: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "HF_TOKEN"):
        monkeypatch.setenv(name, "k")
    own = [{"id": "tool-user"}, {"id": "talker"}]
    with ModelServer(models=CATALOGUE) as router, RawServer(shown, models=own) as ollama:
        monkeypatch.setenv("HF_ROUTER_BASE_URL", router.openai_base)
        monkeypatch.setenv("OLLAMA_API_BASE", ollama.root)
        if model == "openai/anything":
            monkeypatch.setenv("OPENAI_BASE_URL", router.openai_base)
        settings = Settings(state_dir=str(tmp_path), model_name=model)
        settings.fallback_model = settings.small_model_name = GEMINI.model
        monkeypatch.setenv("GEMINI_API_KEY", "k")
        found = [row for row in doctor._models(settings) if row[0] == "warn"]
    assert len(found) == (1 if said else 0)
    assert said in "".join(what for _, what, _ in found)
    assert hint in "".join(hint for _, _, hint in found)


async def test_the_routers_default_is_what_it_lists_today(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "k")
    with ModelServer(models=CATALOGUE) as router:
        monkeypatch.setenv("HF_ROUTER_BASE_URL", router.openai_base)
        for _ in range(2):
            chosen = await choose_model(Settings(state_dir=str(tmp_path)))
            assert chosen == "hf/zai-org/GLM-5.4"
        # It is asked once a day, and what it said holds while it is away.
        assert len(router.listings) == 1
    assert await choose_model(Settings(state_dir=str(tmp_path))) == "hf/zai-org/GLM-5.4"
    elsewhere = Settings(state_dir=str(tmp_path / "empty"))
    assert await choose_model(elsewhere) == ROUTER.model


def served(name: str, *, tools: bool | None = True, window: int | None = 200_000) -> Served:
    return Served(name, window=window, tools=tools)


@pytest.mark.parametrize(
    ("listed", "best"),
    [
        ([], ""),
        ([served("org/unheard-of")], ""),
        ([served("moonshotai/Kimi-K2.7-Code"), served("moonshotai/Kimi-K3")], "moonshotai/Kimi-K3"),
        ([served("zai-org/GLM-10"), served("zai-org/GLM-9.5")], "zai-org/GLM-10"),
        # The smaller, faster and seeing variants are not the family's best.
        ([served("zai-org/GLM-6-Flash"), served("zai-org/GLM-5.3")], "zai-org/GLM-5.3"),
        ([served("zai-org/GLM-6", tools=None), served("openai/gpt-oss-120b")],
         "openai/gpt-oss-120b"),
        ([served("zai-org/GLM-6", window=32_000), served("Qwen/Qwen3.8-Max")], "Qwen/Qwen3.8-Max"),
        ([served("deepseek-ai/DeepSeek-V4-Pro"), served("deepseek-ai/DeepSeek-V4-Pro-0813")],
         "deepseek-ai/DeepSeek-V4-Pro-0813"),
    ],
)  # fmt: skip
def test_the_newest_of_the_first_family(listed: list[Served], best: str) -> None:
    assert best_listed(listed) == (f"hf/{best}" if best else "")


def test_the_written_default_of_the_router_is_of_the_first_family() -> None:
    assert best_listed([served(ROUTER.model.removeprefix("hf/"))]) == ROUTER.model


@pytest.mark.parametrize("name", NO_MODEL)
async def test_a_model_that_is_gone_is_replaced(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal says which model to use instead, and how."""
    model, status, body = NO_MODEL[name]
    with RawServer(Raw(body, status), models=CATALOGUE) as server:
        prefix = resolve(model, Settings()).provider.upper()
        monkeypatch.setenv(f"{prefix}_API_KEY", "k")
        variables = {"HF": "HF_ROUTER_BASE_URL", "LM_STUDIO": "LM_STUDIO_API_BASE"}
        monkeypatch.setenv(variables.get(prefix, f"{prefix}_API_BASE"), server.base)
        monkeypatch.setenv("HF_TOKEN", "k")
        client = ChatClient(Settings(state_dir=str(tmp_path)))
        with pytest.raises(UnknownModel) as caught:
            await client.answer(model, HELLO, [], emit=lambda event: None)
    hint = caught.value.hint
    prefix = model.partition("/")[0]
    assert f"ml-agent -m {prefix}/" in hint
    assert f"/model {prefix}/" in hint
    assert f"-m {model}," not in hint
    assert ("ollama pull" in hint) is (prefix == "ollama")
