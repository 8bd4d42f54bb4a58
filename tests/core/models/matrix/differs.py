"""Where a route differs from what a row wants: what comes instead, in words and as an outcome."""

from dataclasses import dataclass

from tests.core.models.matrix.outcome import Outcome
from tests.core.models.matrix.routes import Over
from tests.core.models.matrix.rows import SAID, Row


@dataclass(frozen=True)
class Differs:
    """What comes of a row over a route. `words`: the cell of the page."""

    words: str
    wanted: Outcome


_THINKING = "LiteLLM drops `reasoning_content`, keeps `reasoning`"
#: (name of a row, of a route) → what comes instead.
DIFFERS = {
    ("thinking, told apart", "litellm/openrouter/"): Differs(_THINKING, SAID),
    ("thinking only", "litellm/openrouter/"): Differs(_THINKING, Outcome()),
    ("thinking in the text (`<think>`)", "litellm/ollama_chat/"): Differs(
        "LiteLLM leaves a part of it in the text",
        Outcome("nd two</think>\n\nThe answer is four.", "two a"),
    ),
}


def differs(row: Row, over: Over) -> Differs | None:
    return DIFFERS.get((row.name, over.name))
