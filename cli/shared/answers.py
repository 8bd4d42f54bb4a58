"""What counts as an answer to a question of the chat: its exact words. Anything else is what the
user wants to say, and becomes a message. Imports the standard library, nothing else."""

import re
from collections.abc import Callable

#: Whether a line that was typed answers the question that stands.
Accepts = Callable[[str], bool]

_YES, _NO = ("y", "yes"), ("n", "no")
#: What is surely no credential: a command, several words, a word of letters alone.
_SAID = re.compile(r"[/!@].*|\S+\s.*|[^\W\d_]{1,11}[.?!]*", re.DOTALL)


def is_yes(text: str, *, default: bool = False) -> bool:
    """Whether an answer that `yes_or_no` accepts is a yes; `default`: what Enter alone is."""
    word = text.strip().lower()
    return word in _YES or (default and not word)


def yes_or_no(text: str) -> bool:
    return text.strip().lower() in ("", *_YES, *_NO)


def amount(text: str) -> bool:
    """USD, or Enter."""
    return not text.strip() or dollars_of(text) is not None


def dollars_of(text: str) -> float | None:
    """The USD of `5`, `$5` or `0.5`; None: it is no amount."""
    found = re.fullmatch(r"\$?(\d+(?:\.\d+)?|\.\d+)", text.strip())
    return float(found[1]) if found else None


def one_of(words: list[str]) -> Accepts:
    """Accepts these words, and Enter."""
    return lambda text: text.strip() in ("", *words)


def secret(text: str) -> bool:
    """What may be a credential, also a wrong one: it is never taken as a message, which would show
    it. Enter, too."""
    return not text.strip() or _SAID.fullmatch(text.strip()) is None
