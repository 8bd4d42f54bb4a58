"""ChatLiteLLM as we need it: one attempt a call, and a look at how the stream ended.

Imports litellm: only graph/models/loading.py may import this module.
"""

from __future__ import annotations

from typing import Any

from langchain_litellm.chat_models.litellm import ChatLiteLLM
from pydantic import PrivateAttr


class ChatModel(ChatLiteLLM):
    """One request's model. Copy it per request: it remembers that request's stream."""

    _wrapper: Any = PrivateAttr(default=None)

    async def acompletion_with_retry(self, run_manager: Any = None, **kwargs: Any) -> Any:
        """One request; attempts are the client's. litellm's own two layers are off."""
        answer = await self.client.acompletion(**kwargs, num_retries=0, max_retries=0)
        if kwargs.get("stream"):
            self._wrapper = answer
        return answer

    def ended_early(self) -> bool:
        """Whether the stream ended without a finish reason: it was cut, although it looks
        like a success ("stop" and a made-up usage stand in the message)."""
        return getattr(self._wrapper, "received_finish_reason", "unknown") is None
