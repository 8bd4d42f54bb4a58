"""Picking one of many: what is typed narrows the list, the arrows move, a preview is below."""

import asyncio
from collections.abc import Callable, Sequence

from cli.chat.state import Choice
from cli.terminal.text import Paint, clean, fitting

#: Choices and lines of the preview that are shown at once.
SHOWN, PREVIEWED = 8, 6


class Picker:
    """A list above the prompt. query: what is typed now. changed: draw again."""

    def __init__(
        self,
        choices: Sequence[Choice],
        query: Callable[[], str],
        changed: Callable[[], None],
        paint: Paint,
    ) -> None:
        self._choices = choices
        self._query = query
        self._changed = changed
        self._paint = paint
        self._at = 0
        self._seen = ""
        self._previews: dict[str, str] = {}
        self._asked: asyncio.Task[None] | None = None

    def found(self) -> list[Choice]:
        """Those that hold every word that is typed."""
        words = self._query().lower().split()
        if self._query() != self._seen:
            self._seen, self._at = self._query(), 0
        return [
            choice
            for choice in self._choices
            if all(word in f"{choice.key} {choice.label}".lower() for word in words)
        ]

    def move(self, by: int) -> None:
        self._at = max(0, min(self._at + by, len(self.found()) - 1))
        self._changed()

    def has(self, query: str) -> bool:
        """Whether Enter picks something."""
        self._query = lambda: query
        return bool(self.found())

    def chosen(self, query: str) -> str | None:
        """The key of the marked one, `query` being what was typed when Enter was pressed."""
        self._query = lambda: query
        found = self.found()
        return found[self._at].key if found else None

    def lines(self, width: int) -> list[str]:
        found = self.found()
        if not found:
            return [self._paint("  no match", "2")]
        first = max(0, min(self._at - SHOWN // 2, len(found) - SHOWN))
        shown = []
        for number, choice in enumerate(found[first : first + SHOWN], first):
            here = number == self._at
            text = fitting(clean(f"{choice.key:>3}  {choice.label}"), width - 2)
            shown.append(("> " if here else "  ") + self._paint(text, "1" if here else ""))
        if len(found) > SHOWN:
            shown.append(self._paint(f"  {self._at + 1} of {len(found)}", "2"))
        for text in self._preview(found[self._at]).split("\n")[:PREVIEWED]:
            if text:
                shown.append(self._paint(fitting(clean(f"  │ {text}"), width), "2"))
        return [self._paint.marks(text) for text in shown]

    def _preview(self, choice: Choice) -> str:
        if choice.preview is None:
            return ""
        if choice.key not in self._previews and (self._asked is None or self._asked.done()):
            self._asked = asyncio.ensure_future(self._look(choice))
        return self._previews.get(choice.key, "")

    async def _look(self, choice: Choice) -> None:
        assert choice.preview is not None
        try:
            self._previews[choice.key] = await choice.preview()
        except Exception as error:  # a preview that fails must not take the list away
            self._previews[choice.key] = str(error)
        self._changed()

    async def close(self) -> None:
        """Wait for a preview under way: it may hold the thread's lease."""
        if self._asked is not None:
            await asyncio.wait([self._asked])
