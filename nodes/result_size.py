"""How much of a result the model reads; all of it goes to a file."""

from core.history import Call
from core.tool import ToolResult
from nodes.step import Step

#: A result that goes to the model has at most so many characters...
RESULT_CHARACTERS = 30_000

#: ...and at most this share of the model's window, at four characters a token.
RESULT_SHARE = 0.1

#: Shorter results fit any window, so that no one has to ask how large it is.
SURELY_SHORT = 2_000


async def bounded(step: Step, call: Call, result: ToolResult) -> tuple[str, bool]:
    """(text within the bound, whether anything was left out); the full text goes to a file."""
    if len(result.text) <= SURELY_SHORT:
        return result.text, False
    models = step.services.models
    await models.ready(step.model)
    limit = min(RESULT_CHARACTERS, int(models.window(step.model) * RESULT_SHARE * 4))
    if len(result.text) <= limit:
        return result.text, False
    return await step.services.outputs.bounded(step.thread, call.id, result.text, limit), True
