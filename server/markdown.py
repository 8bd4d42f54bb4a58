"""Markdown as blocks of HTML for the web chat; all HTML of a page about a thread is made here."""

import html
from dataclasses import dataclass


@dataclass(frozen=True)
class Block:
    """A block of a text that grows. is_final: it does not change again."""

    number: int
    html: str
    is_final: bool


def blocks_of(text: str) -> list[str]:
    """A whole text, a paragraph each."""
    parts = [part for part in text.split("\n\n") if part.strip()]
    return [f"<p>{html.escape(part)}</p>" for part in parts]


class BlockStream:
    """Blocks of a text that comes in pieces."""

    def __init__(self) -> None:
        self._text = ""
        self._shown: list[str] = []

    def feed(self, text: str) -> list[Block]:
        """The blocks that changed."""
        self._text += text
        return self._changed(is_final=False)

    def close(self) -> list[Block]:
        """The blocks that changed or are final now."""
        return self._changed(is_final=True)

    def _changed(self, *, is_final: bool) -> list[Block]:
        blocks, before = blocks_of(self._text), self._shown
        self._shown = blocks
        last = len(blocks) - 1
        return [
            Block(n, block, is_final or n < last)
            for n, block in enumerate(blocks)
            if n >= len(before) - 1 or before[n] != block
        ]
