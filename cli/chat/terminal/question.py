"""A question that stands where the prompt was."""

import asyncio
from dataclasses import dataclass

from cli.shared.answers import Asked


@dataclass
class Question:
    """What the prompt asks for in place of a message.

    Attributes:
        text: as it is shown. draft: what the user was writing when it came up, given back after it.
        came: when it was drawn first, by the loop's clock; 0: not yet.
        writing: the user has not paused since it came up: what they type belongs to the draft.
    """

    asked: Asked
    text: str
    answer: asyncio.Future[str | None]
    draft: str = ""
    came: float = 0.0
    writing: bool = False
