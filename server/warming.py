"""What the first session needs, imported and built while the user opens the page: a second of
processor time in which the event loop would answer no one."""

import asyncio
import importlib
import threading
from typing import Any

from configs.settings import Settings

#: Imported with the first session, each for 20 ms or more.
MODULES = (
    "core.store.checkpoints.sqlite", "langchain_core.language_models.chat_models", "tiktoken",
)  # fmt: skip
CODE = "```python\nx = 1\n```"


class Warming:
    """Runs in a thread; the server's end does not wait for it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._is_over = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    async def over(self) -> None:
        """Sessions open after it: two threads that import the same packages from different ends
        can each find them half made."""
        if not self._is_over.is_set():
            await asyncio.to_thread(self._is_over.wait)

    def _run(self) -> None:
        loading = _of("core.models.loading")
        try:
            loading.load_beside(MODULES)
            loading.load_direct()
            _of("server.markdown").blocks_of(CODE)
            _of("tools").builtin_tools()
            _of("graph.agent").build_graph().compile()
        finally:
            self._is_over.set()
        # Seconds for LiteLLM's routes: a session opens without them.
        loading.load_for(self._settings.model_name, self._settings)


def _of(name: str) -> Any:
    return importlib.import_module(name)
