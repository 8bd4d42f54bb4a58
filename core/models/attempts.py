"""How often a request is tried, and how long the pauses are. Ours alone, for every node.

    overloaded   429, 503, 529                      6 within 5 minutes   Retry-After exactly,
                                                                         else 1, 2, 4, 8, 16 s
    broken       500, 502, 504, time-out, cut       4                    1, 2, 4 s
                 stream, error inside it, no
                 finish reason
    refused      connection refused                 3 within 5 s         1 s
    final        400, 401, 402, 403, 404            1

Pauses of ours have jitter; a Retry-After is kept to the letter.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from core.models.errors import Failure, Kind


@dataclass(frozen=True)
class Row:
    attempts: int
    within: float
    longest_pause: float


ROWS: dict[Kind, Row] = {
    "overloaded": Row(6, 300, 16),
    "broken": Row(4, float("inf"), 4),
    "refused": Row(3, 5, 1),
    "final": Row(1, 0, 0),
}


def pause_after(
    failure: Failure,
    made: int,
    elapsed: float,
    uniform: Callable[[float, float], float] = random.uniform,
) -> float | None:
    """Seconds to wait before the next attempt; None to give up.

    Args:
        made: attempts so far. elapsed: seconds since the first.
    """
    row = ROWS[failure.kind]
    if made >= row.attempts:
        return None
    if failure.retry_after is not None:
        pause = failure.retry_after
    else:
        pause = min(2.0 ** (made - 1), row.longest_pause) * uniform(0.75, 1.25)
    return pause if elapsed + pause <= row.within else None
