"""The default models are alive, and `doctor` says so before they are not."""

from datetime import date, timedelta

import pytest

from cli.commands import doctor
from core.models import choice, prices
from core.models.choice import DEFAULTS
from core.models.prices import price_map, switch_off

#: Days before a switch-off at which another default has to be chosen.
REPLACE_DAYS = 90


@pytest.mark.parametrize("row", DEFAULTS, ids=lambda row: row.model)
def test_no_default_is_switched_off_within_90_days(row: choice.DefaultModel) -> None:
    ends = switch_off(row.model)
    assert ends is None or (ends - date.today()).days > REPLACE_DAYS, (
        f"{row.model} ends on {ends}: choose the newest of its family"
    )


@pytest.mark.parametrize("row", [r for r in DEFAULTS if r is not choice.ROUTER])
def test_litellm_knows_each_default_and_that_it_calls_tools(row: choice.DefaultModel) -> None:
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
    monkeypatch.setattr(prices, "price_map", lambda: {"claude-x": {"deprecation_date": ends}})
    found = list(doctor._switch_off("anthropic/claude-x"))
    assert [mark for mark, _, _ in found] == (["warn"] if said else [])
    assert said in "".join(what for _, what, _ in found)
