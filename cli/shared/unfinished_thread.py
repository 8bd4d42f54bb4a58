"""What a chat offers first: this folder's newest thread, where it is not at an end."""

from pathlib import Path
from typing import Any

#: By the state of the last turn: how the question tells it.
WORDS = {
    "cut off": "was cut off",
    "interrupted": "was interrupted",
    "approval": "waits for approval",
}


async def left_open(settings: Any, folder: Path) -> tuple[Any, str] | None:
    """The row of the thread, and how it stands, in words; None: there is nothing to offer."""
    from core.errors import AgentError
    from core.store import open_store

    try:
        async with await open_store(settings) as store:
            row = await store.threads.newest(str(folder))
            words = WORDS.get(store.standing(row)) if row is not None else None
    except AgentError:
        return None  # what is wrong with the database is said with the first message
    return (row, words) if words else None
