"""What differs between two runs of the same thing: times, durations, temporary paths, ids
of processes and calls, addresses. Bare numbers do not: a training log differs in nothing else."""

import re

_KINDS = (
    ("date", r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?Z|[+-]\d\d:?\d\d)?)?"),
    ("time", r"\b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?\b"),
    ("duration", r"\b\d+(?:\.\d+)? ?(?:ns|us|µs|ms|s|secs?|seconds?|mins?|minutes?|hours?)\b"),
    ("path", r"(?:/private)?/(?:tmp|var/tmp|var/folders)/[^\s'\",:;)]+"),
    ("pid", r"\b(?:pid|PID|process)[ =:]+\d+"),
    ("call", r"\bcall_[0-9a-f]{24}\b"),
    ("address", r"\b0x[0-9a-fA-F]{6,}\b"),
)
_VOLATILE = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _KINDS))


def steady(text: str) -> str:
    """`text` with a word such as `<duration>` for each part that another run would change."""
    return _VOLATILE.sub(lambda found: f"<{found.lastgroup}>", text)
