"""What a command gets of the environment: everything but what it must not see."""

from __future__ import annotations

import pytest

from graph.models import loading
from tools.backend.environment import child_environment

ALLOWED = ["HF_TOKEN", "GITHUB_TOKEN"]


@pytest.mark.parametrize(
    "name",
    [
        "ANTHROPIC_API_KEY",
        "OPENAI_API_KEY",
        "GEMINI_API_KEY",
        "OPENROUTER_API_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_BEARER_TOKEN_BEDROCK",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "HUGGING_FACE_HUB_TOKEN",
        "PGPASSWORD",
        "ML_AGENT_DATABASE_URL",
    ],
)
def test_credentials_are_gone(name: str) -> None:
    assert name not in child_environment(ALLOWED, {name: "secret"})
    assert child_environment([name], {name: "secret"})[name] == "secret"


def test_the_rest_stays() -> None:
    mine = {"PATH": "/bin", "HF_TOKEN": "hf", "GITHUB_TOKEN": "gh", "HF_HOME": "/hf", "A": ""}
    seen = child_environment(ALLOWED, mine)
    assert {name: seen[name] for name in mine} == mine
    assert seen["AI_AGENT"] == "ml-agent"
    assert seen["GIT_TERMINAL_PROMPT"] == "0"


def test_a_setting_can_hold_back_any_token() -> None:
    assert "HF_TOKEN" not in child_environment([], {"HF_TOKEN": "hf"})


def test_variables_that_we_set_for_ourselves_are_not_passed_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in loading._VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LITELLM_MODE", "theirs")
    monkeypatch.setattr(loading, "own_variables", set())
    loading.prepare_environment()
    monkeypatch.setattr("tools.backend.environment.own_variables", loading.own_variables)
    seen = child_environment(ALLOWED)
    assert set(loading._VARIABLES) & set(seen) == {"LITELLM_MODE"}
    assert seen["LITELLM_MODE"] == "theirs"
