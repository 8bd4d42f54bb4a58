"""Watching for decisions from other terminals while a question is in this one."""

import asyncio
import signal
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from configs.settings import Settings

#: Seconds between two looks.
EVERY = 0.4


class DecidedElsewhere(Exception):
    """Someone decided from another terminal while the question stood here."""


class Watch:
    """While the block runs: raises DecidedElsewhere in it once every call is decided.

    The question is a blocking `input()` in the main thread; a signal is what gets it out.
    """

    def __init__(self, settings: "Settings", thread: str, calls: list[str]) -> None:
        self._settings = settings
        self._thread = thread
        self._calls = calls
        self._over = threading.Event()
        self._watcher: threading.Thread | None = None
        self._before: Any = None

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGUSR1, self._decided)
        main = threading.get_ident()
        self._watcher = threading.Thread(target=lambda: asyncio.run(self._watch(main)), daemon=True)
        self._watcher.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        assert self._watcher is not None
        # What comes now would hit someone else's code.
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        self._watcher.join(timeout=5)
        signal.signal(signal.SIGUSR1, self._before)

    def _decided(self, *_: object) -> None:
        if not self._over.is_set():
            raise DecidedElsewhere

    async def _watch(self, main: int) -> None:
        from core.errors import AgentError
        from core.store import open_store

        # Without a look no one is worse off than with a question alone.
        with suppress(AgentError):
            async with await open_store(self._settings) as store:
                while not await asyncio.to_thread(self._over.wait, EVERY):
                    found = await store.decisions.of(self._thread, self._calls)
                    if len(found) == len(self._calls):
                        signal.pthread_kill(main, signal.SIGUSR1)
                        return
