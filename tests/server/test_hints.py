"""The page never tells a user to type what only a terminal takes."""

import pytest

from core import credentials, errors
from core.hub.refusals import Repo, Said, refusal
from server.hints import TERMINAL, hint_for


def all_errors(kind: type[errors.AgentError] = errors.AgentError) -> list[type[errors.AgentError]]:
    return [kind, *(one for each in kind.__subclasses__() for one in all_errors(each))]


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("hint", ["", "run hf auth login", "set HF_TOKEN", "ml-agent -m x"])
def test_no_hint_of_a_space_names_a_terminal(
    monkeypatch: pytest.MonkeyPatch, kind: type[errors.AgentError], hint: str
) -> None:
    monkeypatch.setattr(credentials, "_shared", True)
    error = kind("it failed", hint)
    assert not TERMINAL.search(hint_for(error.kind, error.hint))


def test_what_the_page_can_do_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hint_for("not_authenticated", "run hf auth login") == "run hf auth login"
    assert "list below" in hint_for("unknown_model", "ml-agent -m list WORD finds models")
    monkeypatch.setattr(credentials, "_shared", True)
    assert hint_for("too_many", "try again in a minute") == "try again in a minute"
    assert "https://huggingface.co/settings/billing" in hint_for("payment_required", "pay")


SAID = {
    "expired": Said(401, {}, '{"error": "Invalid credentials in Authorization header"}'),
    "scope": Said(403, {}, '{"error": "missing scope jobs"}'),
    "gated": Said(401, {"x-error-code": "GatedRepo"}, ""),
    "private": Said(401, {}, ""),
    "limit": Said(429, {}, ""),
    "credit": Said(402, {}, ""),
}


@pytest.mark.parametrize("name", SAID)
def test_a_refusal_of_the_hub_says_what_a_browsers_user_can_do(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(credentials, "_shared", True)
    for about in (None, Repo("ann/reviews", "dataset")):
        said = refusal(SAID[name], "https://huggingface.co", False, about)
        assert not TERMINAL.search(said), said
        way = "settings/billing" if name == "credit" else "sign out of this page and sign in again"
        assert way in said
