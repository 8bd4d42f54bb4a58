"""ChatLiteLLM with one attempt per call, and with a `Watch` over its stream.

Imports litellm: only core/models/loading.py may import this module.
"""

from typing import Any

from langchain_core.messages import AIMessage
from langchain_litellm.chat_models.litellm import ChatLiteLLM
from pydantic import PrivateAttr

from core.models.litellm_stream import Watch
from core.models.wire.anthropic_request import signed_thinking


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

    def _bind_thinking(self, messages: Any, message_dicts: Any, params: Any) -> Any:
        """Also send back what another route to the same provider signed: the library keeps to
        its own digests, and Claude refuses a call whose thinking is missing."""
        binding = super()._bind_thinking(messages, message_dicts, params)
        for message, sent in zip(messages, message_dicts, strict=True):
            blocks = signed_thinking(message) if isinstance(message, AIMessage) else []
            if blocks and not sent.get("thinking_blocks"):
                sent["thinking_blocks"] = blocks
        return binding
