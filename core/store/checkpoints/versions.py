"""The versions of channels, as they are in every checkpoint a dozen times."""

import random

#: Digits: LangGraph's savers write 32 and 18 more, a third of all that a checkpoint takes on disk.
DIGITS, CHANCE = 8, 6


def next_version(current: str | int | None) -> str:
    """The version after `current`; None is the one before the first. Later ones sort after earlier
    ones as text, and two branches of one thread do not give the same."""
    number = 0 if current is None else int(str(current).split(".")[0])
    return f"{number + 1:0{DIGITS}}.{random.getrandbits(4 * CHANCE):0{CHANCE}x}"
