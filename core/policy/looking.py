"""Whether a shell line only looks: it reads, or sleeps around that, and changes nothing.

By what the line does: its programs are all readers of the policy's table. A program that runs
another one is none of them, whatever it runs.
"""

from collections.abc import Sequence

from core.policy.programs import option_problem, reader_of
from core.policy.shell import parsed
from core.policy.wrapped import hides, programs

PAUSE = "sleep"


def only_looks(source: str) -> bool:
    """Whether each program of the line reads or sleeps, and the line writes no file."""
    line = parsed(source)
    commands = list(programs(line))
    return bool(commands) and not (hides(line) or line.writes) and all(map(_looks, commands))


def only_sleeps_and_looks(source: str) -> bool:
    """Whether a line is one look at something that takes time."""
    if PAUSE not in source:
        return False  # most lines: this is asked at each step
    return only_looks(source) and any(words[0] == PAUSE for words in programs(parsed(source)))


def _looks(words: Sequence[str]) -> bool:
    # No option makes grep write: those that are not in the table make it read a whole folder.
    harmless = words[0] in (PAUSE, "grep")
    return harmless or (reader_of(words) is not None and not option_problem(words))
