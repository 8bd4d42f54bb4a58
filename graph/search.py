"""Search in what was said in stored sessions, and in their titles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import AgentError
from core.store import Store, ThreadRow
from core.store.search import Hit, Said, folded

if TYPE_CHECKING:
    from langchain_core.messages import AnyMessage

#: Threads whose titles are searched, the newest; characters of a line that are shown.
SEARCHED, SHOWN = 10_000, 160


@dataclass(frozen=True)
class Found:
    """A thread with the words. count: messages that have them; turn, role, line: of the newest
    one; without any, the title has them."""

    row: ThreadRow
    count: int = 0
    turn: int = 0
    role: str = ""
    line: str = ""


async def search(store: Store, text: str, cwd: str | None, limit: int) -> list[Found]:
    """Threads whose title or one of whose messages has all words of `text`, the newest first; with
    `cwd`, of that folder."""
    words = list(dict.fromkeys(folded(text).split()))
    await read_whole(store, await store.search.unread(cwd))
    hits: dict[str, Hit] = {hit.thread: hit for hit in await store.search.find(words, cwd, limit)}
    found: list[Found] = []
    for row in await store.threads.list(cwd, SEARCHED):
        if len(found) == limit:
            break
        if hit := hits.get(row.id):
            line = matching_line(hit.text, words)
            found.append(Found(row, hit.count, hit.turn, hit.role, line))
        elif all(word in folded(row.title) for word in words):
            found.append(Found(row))
    return found


async def read_whole(store: Store, threads: Sequence[str]) -> None:
    """Let the search know all words of these threads."""
    if not threads:
        return
    from graph.thread import Thread  # with LangGraph, which most searches do not need

    for thread in threads:
        try:
            messages = await Thread(store, thread).whole_history()
        except AgentError:
            continue  # of a version that this program does not read
        await store.search.replace(thread, list(said_in(messages)))


def said_in(messages: "Sequence[AnyMessage]", since: int = 0) -> Iterator[Said]:
    """The words of a user and the model, from turn `since` on."""
    from core.history import is_note, is_summary, said_by_person, turn_of

    turn = 0
    for place, message in enumerate(messages):
        role, text = "", ""
        if message.type == "human" and not is_note(message) and not is_summary(message):
            turn = turn_of(message) or turn + 1
            role, text = "user", said_by_person(message)
        elif message.type == "ai":
            role, text = "assistant", message.text
        if role and text.strip() and turn >= since:
            yield Said(str(message.id), turn, turn * 100_000 + place, role, text)


def matching_line(text: str, words: Sequence[str]) -> str:
    """The line with most of `words`, around the first of them."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = max(lines, key=lambda line: sum(word in folded(line) for word in words), default="")
    at = min((p for word in words if (p := folded(line).find(word)) >= 0), default=0)
    start = max(0, min(at - SHOWN // 3, len(line) - SHOWN))
    cut = line[start : start + SHOWN]
    return f"{'…' if start else ''}{cut}{'…' if start + SHOWN < len(line) else ''}"
