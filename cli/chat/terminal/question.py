"""A question that stands where the prompt was."""

import asyncio
from dataclasses import dataclass

from cli.shared.answers import Accepts


@dataclass
class Question:
    """What the prompt asks for in place of a message.

    Attributes:
        keys: one press of them is the answer. accepts: which lines are one; None: any.
        stays: a line that is none stays in the prompt, and this is said; "": it becomes a message.
        keeps: what stands there when the question is left joins the draft.
        given: what stood in the prompt at first.
        draft: what the user was writing when it came up, given back after it.
        came: when it was drawn first, by the loop's clock; 0: not yet.
        writing: the user has not paused since it came up: what they type belongs to the draft.
    """

    text: str
    answer: asyncio.Future[str | None]
    keys: str = ""
    secret: bool = False
    accepts: Accepts | None = None
    stays: str = ""
    keeps: bool = True
    given: str = ""
    draft: str = ""
    came: float = 0.0
    writing: bool = False
