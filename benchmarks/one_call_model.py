"""A model without a server, for programs that a benchmark kills: one tool call, then words."""

import time
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage

from core.model import Answer
from tests.stand_ins.model_in_memory import ModelInMemory


class OneCallModel(ModelInMemory):
    """A ModelClient: calls `tool` with `arguments`, and says `words` once there is a result.

    asked: a file that gets a line with the epoch seconds of each request.
    """

    def __init__(
        self, tool: str, arguments: dict[str, Any], words: str, asked: Path | None = None
    ) -> None:
        self._call = {"name": tool, "args": arguments, "id": "call_0"}
        self._words = words
        self._asked = asked

    async def answer(self, model: str, messages: Any, tools: Any, **options: Any) -> Answer:
        if self._asked is not None:
            with self._asked.open("a") as file:
                file.write(f"{time.time()}\n")
        if any(m.type == "tool" for m in messages):
            return Answer(AIMessage(self._words), "stop", cost_micro_usd=0)
        return Answer(AIMessage("", tool_calls=[self._call]), "tool_calls", cost_micro_usd=0)
