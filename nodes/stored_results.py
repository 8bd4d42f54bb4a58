"""Drops what the journal and the run directories keep of calls whose results are stored."""

from collections.abc import Sequence

from langchain_core.messages import AnyMessage

from core.history import results_of
from core.quick import quickly
from core.store.runs import remove_told
from nodes.step import Step


async def drop_stored(step: Step, messages: Sequence[AnyMessage]) -> None:
    """`messages`: of the checkpoint that this step began from, which is on disk after this."""
    call_ids = list(results_of(messages))
    await step.services.journal.drop_results(step.thread, call_ids)
    if step.context.services is not None:  # else a server writes checkpoints when it likes
        folders = [step.services.outputs.run(step.thread, call_id) for call_id in call_ids]
        await quickly(remove_told, folders)
