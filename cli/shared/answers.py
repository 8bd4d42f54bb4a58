"""Questions of the chat, and what counts as an answer: its exact words. Anything else is what the
user needs to say, and becomes a message. Imports the standard library, nothing else."""

import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

#: Whether a line that was typed answers the question that stands.
Accepts = Callable[[str], bool]


@dataclass(frozen=True)
class Asked:
    """A question.

    Attributes:
        accepts: which lines answer it; None: any. keys: one press of them is an answer, where the
            terminal gives single keys. default: what is in the prompt, and what Enter means.
        stays: what is said of a line that is not an answer; the question stays. "": it leaves.
        again: it is the question before, asked again. secret: what is typed is not shown.
        more: one press of these begins the answer, and asks for its rest with other words.
        keeps: what is in the prompt when the question is left joins the draft.
    """

    text: str
    accepts: Accepts | None = None
    keys: str = ""
    default: str = ""
    stays: str = ""
    again: bool = False
    secret: bool = False
    keeps: bool = True
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Edit:
    """Arguments to be changed in the user's editor; the answer is what they became, or None."""

    arguments: dict[str, Any]


#: Questions one after the other: is sent each answer (None: the question was left), and returns
#: what came of them. Each frontend asks in its own way.
Dialog = Generator[Asked | Edit, Any, Any]

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
    """The USD of `5`, `$5` or `0.5`; None: it is not an amount."""
    found = re.fullmatch(r"\$?(\d+(?:\.\d+)?|\.\d+)", text.strip())
    return float(found[1]) if found else None


def one_of(words: list[str]) -> Accepts:
    """Accepts these words, and Enter."""
    return lambda text: text.strip() in ("", *words)


def secret(text: str) -> bool:
    """What may be a credential, also a wrong one: it is never taken as a message, which would show
    it. Enter, too."""
    return not text.strip() or _SAID.fullmatch(text.strip()) is None
