"""The report of a stored thread: what reproduces its run."""

from langchain_core.messages import AIMessage

from core.report.collect import Report, collect
from core.store import Store, ThreadRow
from graph.thread import Thread


async def report_of(store: Store, row: ThreadRow, call: str = "") -> Report:
    """From the record alone; nothing runs. `call`: only what was before the answer with this call,
    so that it is the same before the call is approved and while it runs."""
    messages = await Thread(store, row.id).whole_history()
    holds = (n for n, m in enumerate(messages) if isinstance(m, AIMessage) and _has(m, call))
    messages = messages[: next(holds, None)]
    notes = await store.journal.notes(row.id, "bash")
    kinds = await store.ledger.by_kind(row.id)
    experiment = await store.experiments.get(row.id)
    trials = await store.experiments.trials(row.id) if experiment else []
    return collect(
        messages,
        {call: note["facts"] for call, note in notes if "facts" in note},
        folder=row.cwd,
        model=row.model,
        cost={
            "by_kind": {
                kind: {"micro_usd": spent.amount, "known": not spent.unknown}
                for kind, spent in kinds.items()
            },
            "tokens": await store.ledger.tokens(row.id),
        },
        experiment=(experiment, trials) if experiment else None,
    )


def _has(message: AIMessage, call: str) -> bool:
    return any(each["id"] == call for each in message.tool_calls)
