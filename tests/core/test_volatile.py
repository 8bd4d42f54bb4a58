"""What another run would change is left out of a comparison; bare numbers never are."""

import pytest

from core.volatile import steady


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("at 2026-11-21 05:10:16 ok", "at 2027-01-02T17:00:00.5Z ok"),
        ("05:10:16 started", "17:11:09,123 started"),
        ("took 3.2 s", "took 11 s"),
        ("[12ms]", "[3 ms]"),
        ("done in 2 minutes", "done in 14 minutes"),
        ("/tmp/abc123/x.py: error", "/tmp/zzz/y.py: error"),
        ("pid 4711 runs", "pid 12 runs"),
        ("<obj at 0x7f00deadbeef>", "<obj at 0x7fffcafe1234>"),
    ],
)
def test_another_run_is_the_same(one: str, other: str) -> None:
    assert steady(one) == steady(other) != one


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("epoch 3 loss 0.52", "epoch 4 loss 0.51"),
        ("3 rows", "4 rows"),
        ("step 100/300", "step 200/300"),
        ("exit code 0", "exit code 1"),
        ("0x1f", "0x2f"),
        ("12 samples", "13 samples"),
    ],
)
def test_a_number_is_a_difference(one: str, other: str) -> None:
    assert steady(one) != steady(other)
