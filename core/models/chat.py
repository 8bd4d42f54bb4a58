"""ChatLiteLLM as we need it: one attempt a call, and a look at its stream.

Imports litellm: only core/models/loading.py may import this module.
"""

from typing import Any

from langchain_litellm.chat_models.litellm import ChatLiteLLM
from pydantic import PrivateAttr

from core.models.litellm_stream import Watch


class ChatModel(ChatLiteLLM):
    """One request's model. Copy it per request: it remembers that request's stream."""

    _watch: Watch | None = PrivateAttr(default=None)

    @property
    def watch(self) -> Watch | None:
        """What the newest stream said; None before there is one."""
        return self._watch

    async def acompletion_with_retry(self, run_manager: Any = None, **kwargs: Any) -> Any:
        """One request; attempts are the client's. litellm's own two layers are off."""
        answer = await self.client.acompletion(**kwargs, num_retries=0, max_retries=0)
        if kwargs.get("stream"):
            self._watch = Watch(answer)
        return answer
