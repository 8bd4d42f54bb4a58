"""Text of a model, a tool, a file or a server, without what would steer a terminal.

Approvals and listings do not use this: there hidden characters are shown (configs/visible.py).
"""

import re
import unicodedata

_CSI = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*"
#: OSC, DCS, SOS, PM and APC, 7-bit and 8-bit, up to their end. Without an end in the same line only
#: the start goes: what follows must stay readable.
_STRING = r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x80-\x9f\n]*"
SEQUENCES = re.compile(
    rf"{_STRING}(?:\x07|\x1b\\|\x9c)|{_CSI}[@-~]?|\x1b[\]PX^_]|\x1b[ -/]{{0,3}}[0-~]?"
)
#: The start of a sequence, or of a line end, whose rest may come with the next piece of a stream.
_BEGUN = re.compile(rf"(?:{_STRING}\x1b?|{_CSI}|\x1b[ -/]{{0,3}}|\r)\Z")
#: Characters of a begun sequence that are withheld; a longer one is not a sequence.
_HELD = 4096
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
#: Colour and weight: the only sequences that reach a terminal in lines of ours.
SGR = re.compile(r"(\x1b\[[0-9;]*m)")
#: Format characters (Cf) that words and emoji are written with: ZWNJ and ZWJ.
_JOINERS = "\u200c\u200d"


def clean(text: str) -> str:
    """`text` without escape sequences, control characters (but tab and newline), and characters
    that reorder or hide others. A progress bar overwrites its line: the last state stays."""
    if "\r" in text:
        text = "\n".join(_last_state(line) for line in text.split("\n"))
    if "\x1b" in text or not text.isascii():
        text = SEQUENCES.sub("", text)
    text = _CONTROLS.sub("", text)
    if text.isascii():
        return text
    # Only characters that occur are looked up: a line of a megabyte costs a few milliseconds.
    changed = {ord(c): _instead(c) for c in set(text) if not c.isascii()}
    return text.translate({code: to for code, to in changed.items() if to is not None})


def _instead(character: str) -> str | None:
    """What is written in place of a character; None: the character itself."""
    category = unicodedata.category(character)
    if category == "Cs":
        return "\ufffd"
    if category in ("Zl", "Zp"):
        return " "
    return "" if category in ("Cc", "Cf") and character not in _JOINERS else None


def _last_state(line: str) -> str:
    line = line.rstrip("\r")
    return line[line.rfind("\r") + 1 :]


def only_styled(text: str) -> str:
    """`text` of ours, cleaned again, with its colours."""
    if "\x1b" not in text:
        return clean(text)
    parts = SGR.split(text)
    return "".join(part if n % 2 else clean(part) for n, part in enumerate(parts))


class StreamCleaner:
    """Cleans text that comes in pieces: a sequence may be cut anywhere."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """What can be written now. What is written stays: a lone carriage return is a new line."""
        text = self._held + text
        begun = _BEGUN.search(text, max(0, len(text) - _HELD))
        self._held = text[begun.start() :] if begun else ""
        return clean(as_lines(text[: begun.start()] if begun else text))

    def end(self) -> str:
        """The rest, once no more text comes."""
        rest, self._held = self._held, ""
        return clean(as_lines(rest))


def as_lines(text: str) -> str:
    """`text` of a model: a carriage return is a line end, and hides nothing that was said."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
