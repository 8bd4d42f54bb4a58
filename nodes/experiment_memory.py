"""What the model reads about its experiment, from the store, when a turn begins and after a
compaction. The same record gives the same message, which is not sent a second time while it is in
the history: a prompt cache holds."""

import hashlib
from collections.abc import Sequence

from langchain_core.messages import BaseMessage, HumanMessage

from core.experiments.words import memory
from core.history import note
from core.secrets.redaction import redacted
from core.state import Turn
from nodes.step import Step


async def experiment_words(
    step: Step, turn: Turn, messages: Sequence[BaseMessage]
) -> list[HumanMessage]:
    """The note with the best, the last trials and dead ends; [] if none is due."""
    iterations = turn.get("iterations", 0)
    is_due = iterations == 0 or turn.get("compacted") == iterations
    if not is_due or step.services.inside is not None:
        return []
    experiment = await step.services.experiments.get(step.thread)
    if experiment is None:
        return []
    trials = await step.services.experiments.trials(step.thread)
    text = redacted(memory(experiment, trials))
    told = note(text, f"experiment-{hashlib.sha256(text.encode()).hexdigest()[:16]}")
    return [] if any(m.id == told.id for m in messages) else [told]
