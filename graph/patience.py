"""What a run does with patience when a quota or the credit is used up: it waits for the reset.

The turn's step stays open, as after every failure of the model; next to it is a wait for a
time, which any process may end. Then the model is asked again.
"""

import time
from typing import Any

from core.durable import WaitRow
from core.model_errors import ModelError, PaymentRequired
from core.store import Store
from core.store.wait_words import clock_time, wait_of
from core.units import duration

#: Seconds until a provider is asked again that does not say when.
AGAIN = 900.0
#: What the calls of such waits are called.
REFUSED = "refused-"


async def patient_wait(
    store: Store, thread: str, error: BaseException, seq: int, run: dict[str, Any]
) -> dict[str, Any] | None:
    """The wait that `error` becomes, stored, as `Waiting` has it; None: the run fails. With the
    patience used up, the error says so.

    Args:
        seq: the newest inbox row that was taken. run: the run's options (nodes/wait.py).
    """
    patience = float(run.get("patience") or 0.0)
    if not patience or not isinstance(error, ModelError):
        return None
    if not (isinstance(error, PaymentRequired) or error.status in (402, 429)):
        return None
    now, before = time.time(), await store.waits.of(thread)
    waited = before is not None and before.call_id.startswith(REFUSED)
    since = float(before.run["refused"]) if before is not None and waited else now
    pause = AGAIN if error.retry_after is None else max(error.retry_after, 1.0)
    if now + pause > since + patience:
        left = duration(max(since + patience - now, 0.0))
        said = f"it may work again at {clock_time(now + pause)}; {left} of patience are left"
        error.message = f"{error.message}; {said}"
        return None
    row = WaitRow(
        thread=thread,
        call_id=f"{REFUSED}{now:.6f}",
        conditions=[{"kind": "at", "at": now + pause}],
        note=error.message,
        made=now,
        until=None,
        seq=seq,
        run={**run, "refused": since},
    )
    await store.waits.end(thread)
    await store.waits.make(row)
    return wait_of(row)
