"""What the chat shows of a session that it opens again."""

import re
import time
from typing import Any

from cli.chat.state import Chat
from cli.shared.render import MARKS, duration, money
from configs.visible import inline

#: Lines of an answer, and of a message, that are shown again.
ANSWER, MESSAGE = 6, 3
#: Lines of Markdown that show nothing: fences, the rule below a table's head.
NO_TEXT = re.compile(r"\s*(?:```|~~~)|\s*\|[\s:|-]+\|\s*$")


async def recall(chat: Chat) -> None:
    """Title, turns, cost and age; the last message and answer; the open plan."""
    session, row = chat.session, chat.session.thread
    spent = (await session.cost())["thread"]
    cost = f"{money(spent.amount)}{'+' if spent.unknown else ''}"
    turns = f"{row.turns} turn{'' if row.turns == 1 else 's'}"
    parts = [f'"{inline(row.title)}"' if row.title else "", turns, cost, age_of(row.updated)]
    chat.lines.line(" · ".join(part for part in parts if part), "1")
    for text in ending(await session.history()):
        chat.lines.line(f"  {text}", "2")
    plan = await session.plan()
    if any(item["status"] != "completed" for item in plan):
        for item in plan:
            chat.lines.line(f"  {MARKS[item['status']]} {item['text']}", "2")


def ending(messages: list[Any]) -> list[str]:
    """The last words of both, without secrets."""
    from core.history import is_note, said_by_person
    from core.secrets.redaction import redacted

    asked = [m for m in messages if m.type == "human" and not is_note(m)]
    answers = [m for m in messages if m.type == "ai" and m.text.strip()]
    said = said_by_person(asked[-1]).strip().split("\n") if asked else []
    found = [f"> {text}" for text in said[:MESSAGE]]
    found += [f"[{len(said) - MESSAGE} more lines]"] if len(said) > MESSAGE else []
    answer = answers[-1].text.strip().split("\n") if answers else []
    answer = [line for line in answer if not NO_TEXT.match(line)]
    found += [f"[{len(answer) - ANSWER} lines before]"] if len(answer) > ANSWER else []
    return [redacted(text) for text in [*found, *answer[-ANSWER:]]]


def age_of(moment: float) -> str:
    """`2 h 5 min ago`, `3 days ago`."""
    seconds = max(0.0, time.time() - moment)
    days = int(seconds // 86_400)
    if days:
        return f"{days} day{'' if days == 1 else 's'} ago"
    return (
        "just now" if seconds < 60 else f"{duration(60 * (seconds // 60)).removesuffix(' 0 s')} ago"
    )
