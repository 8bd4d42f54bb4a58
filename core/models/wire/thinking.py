"""Thinking that a server left in the answer between tags: told apart while it streams.

Servers without a reasoning parser (llama.cpp, LM Studio, older Ollama, vLLM without
--reasoning-parser) leave it in the content, with both tags, or with the closing one alone since
their template wrote the opening one into the prompt.
"""

import re
from typing import Literal, NamedTuple

_NAMES = "think|thinking|thought|reasoning"
_OPEN = re.compile(rf"\s*<({_NAMES})>")
#: A closing tag alone counts at a line's start or end, outside code: prose may speak of tags.
_LONE = re.compile(rf"(?:(?<=\n)|^)[ \t]*</(?:{_NAMES})>|</(?:{_NAMES})>[ \t]*(?=\n)")
_LONGEST = len("</reasoning>")


class Piece(NamedTuple):
    """What is shown: text of a kind; `void`: what was shown as the answer so far was thinking."""

    kind: Literal["answer", "thinking"]
    text: str
    void: bool = False


class Splitter:
    """Splits the content of one answer as it comes."""

    def __init__(self) -> None:
        self._state: Literal["start", "inside", "after"] = "start"
        self._held = ""
        self._close = ""
        #: The answer's text until a closing tag alone can no longer come.
        self._said = ""
        self.tags_end = False

    def feed(self, text: str) -> list[Piece]:
        """The pieces that `text` completes."""
        self._held += text
        if self._state == "start":
            return self._at_start()
        return self._inside() if self._state == "inside" else self._after()

    def end(self) -> list[Piece]:
        """What was withheld because it might have become a tag."""
        held, self._held = self._held, ""
        if self._state == "inside":
            return _pieces("thinking", held)
        return self._answer(held, last=True)

    def _at_start(self) -> list[Piece]:
        opened = _OPEN.match(self._held)
        if opened:
            self._state, self._close = "inside", f"</{opened[1]}>"
            self._held = self._held[opened.end() :]
            return self._inside()
        begun = self._held.lstrip()
        if not begun or any(f"<{name}>".startswith(begun) for name in _NAMES.split("|")):
            return []
        self._state = "after"
        return self._after()

    def _inside(self) -> list[Piece]:
        before, closed, rest = self._held.partition(self._close)
        if closed:
            self._state, self._held, self.tags_end = "after", rest.lstrip("\n"), True
            return [*_pieces("thinking", before), *(self._after() if rest else [])]
        kept = _begun(self._held, self._close)
        self._held, shown = self._held[len(self._held) - kept :], self._held
        return _pieces("thinking", shown[: len(shown) - kept])

    def _after(self) -> list[Piece]:
        held, self._held = self._held, ""
        if self.tags_end:
            # The line breaks between thinking and answer say nothing.
            held = held if self._said else held.lstrip("\n")
            self._said += held
            return _pieces("answer", held)
        return self._answer(held)

    def _answer(self, text: str, *, last: bool = False) -> list[Piece]:
        whole = self._said + text
        if not self.tags_end:
            found = _LONE.search(whole if not last else whole + "\n", max(0, len(self._said) - 16))
            if found and whole[: found.start()].count("```") % 2 == 0:
                self.tags_end = True
                rest = whole[found.end() :].lstrip("\n")
                thought, self._said = whole[: found.start()], rest
                return [Piece("thinking", thought, void=True), *_pieces("answer", rest)]
            kept = 0 if last else _begun_tag(text)
            self._held = text[len(text) - kept :] if kept else ""
            text = text[: len(text) - kept]
        self._said += text
        return _pieces("answer", text)


def _pieces(kind: Literal["answer", "thinking"], text: str) -> list[Piece]:
    return [Piece(kind, text)] if text else []


def _begun(text: str, tag: str) -> int:
    """How many characters at the end of `text` may be the beginning of `tag`."""
    longest = min(len(text), len(tag) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(tag[:n])), 0)


def _begun_tag(text: str) -> int:
    """How many characters at the end of `text` may be a closing tag whose line is not over."""
    at = text.rfind("</", max(0, len(text) - _LONGEST - 8))
    if at < 0:
        return 1 if text.endswith("<") else 0
    rest = text[at:]
    return len(rest) if re.fullmatch(rf"</(?:\w*|(?:{_NAMES})>[ \t]*)", rest) else 0
