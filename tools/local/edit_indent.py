"""edit's tolerant match: the new passage with the indentation of the file.

The lines of the old passage stand next to the file's own lines, so each indentation that the
model wrote there is known in the file's terms. What is new is counted from the nearest known
one, in steps.
"""

from itertools import pairwise


def reindented(there: str, old: str, new: str) -> str:
    """`new` as it is in the file where `there` stood, which is `old` with other white
    space. Relative indentation inside `new` is kept. Without a final newline."""
    extra = max(0, _trailing(new) - _trailing(old))
    if not new.strip():
        return "\n" * extra
    pairs = zip(old.strip("\n").split("\n"), there.split("\n"), strict=False)
    known: dict[str, str] = {}
    for ours, theirs in pairs:
        if ours.strip():
            known.setdefault(_indent(ours), _indent(theirs))
    lines = new.strip("\n").split("\n")
    steps = _steps(known, [_indent(line) for line in lines if line.strip()])
    moved = [
        _placed(_indent(line), known, steps) + line.lstrip() if line.strip() else ""
        for line in lines
    ]
    before = max(0, _leading(new) - _leading(old))
    return "\n" * before + "\n".join(moved) + "\n" * extra


def _placed(indent: str, known: dict[str, str], steps: tuple[str, str]) -> str:
    """An indentation of `new` in the file's terms."""
    above = [ours for ours in known if indent.startswith(ours)]
    if above:
        base = max(above, key=len)
        return known[base] + _converted(indent[len(base) :], steps)
    base = min(known, key=len)
    less = _converted(base[len(indent) :], steps)
    return known[base][: max(0, len(known[base]) - len(less))]


def _converted(extra: str, steps: tuple[str, str]) -> str:
    ours, theirs = steps
    count = len(extra) // len(ours) if ours else 0
    return theirs * count if ours * count == extra else extra


def _steps(known: dict[str, str], indents: list[str]) -> tuple[str, str]:
    """(one step of indentation as the model writes it, the same in the file); ("", "") where
    nothing has to be converted."""
    seen = sorted(known, key=len)
    found = [
        (deep[len(flat) :], known[deep][len(known[flat]) :])
        for flat, deep in pairwise(seen)
        if len(known[deep]) > len(known[flat])
    ]
    if found:
        return min(found, key=lambda step: len(step[0]))
    # The passage has one depth only: the file's step is guessed by its kind of white space.
    lengths = sorted({len(indent) for indent in [*known, *indents]})
    least = min((b - a for a, b in pairwise(lengths)), default=0)
    kind = "\t" if any("\t" in indent for indent in [*known, *indents]) else " "
    file_kind = "\t" if any("\t" in indent for indent in known.values()) else " "
    if kind == file_kind or not any(known.values()):
        return "", ""
    return (" " * least, "\t") if file_kind == "\t" else ("\t", " " * 4)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _leading(text: str) -> int:
    return len(text) - len(text.lstrip("\n"))


def _trailing(text: str) -> int:
    return len(text) - len(text.rstrip("\n"))
