"""What a session came to, in the words of the protocol: tokens, cost, title."""

import logging

from acp.schema import Cost, SessionInfoUpdate, Usage, UsageUpdate

from core.errors import AgentError
from graph.session import Session
from server.acp.editor import Editor

log = logging.getLogger(__name__)


def usage_of(session: Session) -> Usage | None:
    """Tokens of the newest turn."""
    used = session.summary().get("usage")
    if not used:
        return None
    return Usage(
        input_tokens=used["input"],
        output_tokens=used["output"],
        total_tokens=used["input"] + used["output"],
        cached_read_tokens=used["cached"],
        thought_tokens=used["reasoning"],
    )


async def tell_figures(session: Session, editor: Editor) -> None:
    """Context, cost and title. Counting tokens takes a moment, so no turn waits for it."""
    thread = session.thread.id
    try:
        await session.refresh()
        use, cost = await session.context_use(), (await session.cost())["thread"]
    except AgentError as error:
        log.warning("cannot measure %s: %s", thread, error.message)
        return
    spent = None if cost.unknown else Cost(amount=cost.amount / 1e6, currency="USD")
    figures = UsageUpdate(
        session_update="usage_update", used=use.total, size=use.window, cost=spent
    )
    title = SessionInfoUpdate(session_update="session_info_update", title=session.thread.title)
    for update in (figures, title):
        await editor.update(thread, update)
