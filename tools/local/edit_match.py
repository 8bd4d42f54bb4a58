"""edit's matching: a passage exactly or, if only its white space differs, tolerantly."""

import difflib
import re

from core.errors import ToolError
from tools.local.edit_indent import reindented


def replaced(text: str, old: str, new: str, everywhere: bool) -> tuple[str, int, str]:
    """(the new text, number of places, how it was matched). Raises ToolError with what helps."""
    count = text.count(old)
    if count == 1 or (count and everywhere):
        return text.replace(old, new), count, ""
    if count:
        raise ToolError(
            f"old occurs {count} times: add lines around it until it is unique, or set replace_all"
        )
    found = _loose_matches(text, old)
    if not found:
        raise ToolError(f"old does not occur in the file{_nearest(text, old)}")
    if len(found) > 1 and not everywhere:
        raise ToolError(f"old occurs {len(found)} times if white space is ignored: add lines")
    for start, end in reversed(found):
        if not new:
            # The lines go, not only what is on them.
            start, end = (start, end + 1) if end < len(text) else (max(start - 1, 0), end)
            text = text[:start] + text[end:]
            continue
        text = text[:start] + reindented(text[start:end], old, new) + text[end:]
    return text, len(found), " (matched although white space differs)"


def _loose_matches(text: str, old: str) -> list[tuple[int, int]]:
    """Where the lines of `old` stand if indentation, trailing and inner runs of white space
    count as equal. Whole lines only."""
    wanted = [_squeezed(line) for line in old.strip("\n").split("\n")]
    if not any(wanted):
        return []
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    squeezed = [_squeezed(line) for line in lines]
    found: list[tuple[int, int]] = []
    i = 0
    while i + len(wanted) <= len(lines):
        if squeezed[i : i + len(wanted)] == wanted:
            last = i + len(wanted) - 1
            found.append((starts[i], starts[last] + len(lines[last])))
            i += len(wanted)
        else:
            i += 1
    return found


def _squeezed(line: str) -> str:
    return re.sub(r"\s+", " ", line.strip())


def _nearest(text: str, old: str) -> str:
    """The line of the file that is most like the first line of `old`."""
    first = next((line for line in old.split("\n") if line.strip()), "")
    near = difflib.get_close_matches(first, text.split("\n")[:20_000], 1, 0.6)
    if not first or not near:
        return ": read it again"
    number = text.split("\n").index(near[0]) + 1
    return f"; line {number} is near it: {near[0].strip()[:200]}"
