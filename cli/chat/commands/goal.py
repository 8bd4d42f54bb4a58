"""/goal: set, show, pause, resume or clear the goal of the session. The chat pursues it."""

import time

from cli.chat.state import Chat
from cli.chat.threads import ensure_open
from core.errors import UsageError
from core.store.goals import Terms, goal_line, left_words, until_words

USAGE = "/goal TEXT --until CMD; then /goal, /goal pause, /goal resume, /goal clear"
#: Turns that a goal may take.
TURNS = 50


async def goal(chat: Chat, word: str) -> None:
    text, until, check = word.partition("--until")
    if not await ensure_open(chat):
        return
    session = chat.session
    if until:
        cap = session.cap()
        await session.set_goal(text.strip(), _unquoted(check), Terms("", cap, max_turns=TURNS))
    elif word == "pause":
        await session.pause_goal()
    elif word == "resume":
        await session.resume_goal()
    elif word == "clear":
        await session.clear_goal()
    elif word:
        raise UsageError("Cannot set the goal: its check is missing.", USAGE)
    row, view = await session.goal(), await session.goal_view()
    if row is None or view is None:
        chat.lines.line(f"no goal; {USAGE}")
        return
    chat.lines.line(goal_line(view), "33")
    left = left_words(row, view["spent_micro_usd"] or 0, time.time())
    chat.lines.line(f"until: {until_words(row)} · left: {left}", "2")


async def words(chat: Chat) -> list[tuple[str, str]]:
    return [("pause", "no further turn begins"), ("resume", "continue"), ("clear", "remove")]


def _unquoted(check: str) -> str:
    """A check without the quotes around all of it."""
    check = check.strip()
    quote = check[:1]
    is_quoted = quote in ("'", '"') and check.endswith(quote) and check.count(quote) == 2
    return check[1:-1] if is_quoted else check
