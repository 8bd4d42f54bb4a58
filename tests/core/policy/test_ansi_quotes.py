r"""`$'...'` is read as the bash of this machine reads it."""

import random
import subprocess

import pytest

from core.policy.ansi_quotes import unquoted
from core.policy.shell import parsed

PIECES = [
    *"aZ09 {}?/.é日",
    r"\a", r"\b", r"\e", r"\E", r"\f", r"\n", r"\r", r"\t", r"\v", r"\\", r"\'", r"\"", r"\?",
    r"\1", r"\12", r"\123", r"\555", r"\777", r"\0", r"\00", r"\8", r"\x", r"\x4", r"\x41",
    r"\xff", r"\xC3\xA9", r"\x{41}", r"\x{141}", r"\x{4", r"\x00", r"\u", r"\u4", r"\u00e9",
    r"\u0", r"\u20AC", r"\U0001F600", r"\U41", r"\ud83d", r"\U110000", r"\U7fffffff", r"\cA",
    r"\ca", r"\c@", r"\c?", r"\c[", r"\c\\", r"\N", r"\q", r"\é", r"\ ", r"\U800", r"\U7ff",
]  # fmt: skip


def by_bash(inside: list[str]) -> list[str]:
    lines = "".join(f"printf '%s\\0' $'{each}'\n" for each in inside)
    done = subprocess.run(
        ["bash"], input=lines.encode(), capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}
    )
    return [each.decode("utf-8", "replace") for each in done.stdout.split(b"\0")[:-1]]


def test_each_escape_and_random_ones_after_each_other() -> None:
    rng = random.Random(7)
    mixed = ["".join(rng.choices(PIECES, k=rng.randint(2, 8))) for _ in range(2000)]
    for inside, said in zip([*PIECES, *mixed], by_bash([*PIECES, *mixed]), strict=True):
        assert unquoted(inside) == said, inside


@pytest.mark.parametrize(
    ("word", "text"),
    [(r"$'.en\566'", ".env"), (r"$'.env\0x'", ".env"), (r"$'.git/c\557nfig'", ".git/config")],
)
def test_a_word_of_a_line(word: str, text: str) -> None:
    (command,) = parsed(f"cat {word}").commands
    assert command.texts == ["cat", text]
