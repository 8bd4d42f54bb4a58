"""The device sign-ins of ChatGPT and GitHub Copilot on 127.0.0.1, and a model behind each.

Shapes: litellm/llms/chatgpt/authenticator.py (auth.openai.com) and
litellm/llms/github_copilot/authenticator.py (github.com, api.github.com).
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from typing import Any

import pytest

from core.models.loading import load
from tests.stand_ins.raw_server import Raw, RawServer, chunk, sse, stream

#: The token that the model is asked with.
TOKEN = "signed-in"


def jwt(**claims: Any) -> str:
    """A token that says of itself how long it is good."""
    parts = ({"alg": "none"}, claims)
    return (
        ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
            for part in parts
        )
        + f".{TOKEN}"
    )


@dataclass
class SignIn:
    """What the server answers.

    Attributes:
        approved: the user has entered the code. subscribed: the account may use the service.
    """

    approved: bool = True
    subscribed: bool = True

    def __post_init__(self) -> None:
        self.server = RawServer(self._answer)
        self.server.answers_gets = True

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Let LiteLLM sign in here."""
        load()
        from litellm.llms.chatgpt import authenticator

        root = self.server.root
        for name in ("DEVICE_CODE", "DEVICE_TOKEN", "OAUTH_TOKEN"):
            patch.setattr(authenticator, f"CHATGPT_{name}_URL", f"{root}/chatgpt/{name.lower()}")
        patch.setenv("CHATGPT_API_BASE", root)
        for name in ("DEVICE_CODE", "ACCESS_TOKEN", "API_KEY"):
            patch.setenv(f"GITHUB_COPILOT_{name}_URL", f"{root}/copilot/{name.lower()}")

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.server.requests]

    def _answer(self, path: str, body: Any) -> Raw:
        later = time.time() + 3600
        answers = {
            "/chatgpt/device_code": {"device_auth_id": "d", "user_code": "WXYZ-1", "interval": "5"},
            "/chatgpt/device_token": {
                "authorization_code": "a", "code_challenge": "c", "code_verifier": "v",
            },
            "/chatgpt/oauth_token": {
                "access_token": jwt(exp=later), "refresh_token": "r", "id_token": jwt(),
            },
            "/copilot/device_code": {
                "device_code": "d", "user_code": "ABCD-2",
                "verification_uri": "https://github.com/login/device",
            },
            "/copilot/access_token": {"access_token": "gho_1"},
            "/copilot/api_key": {
                "token": TOKEN, "expires_at": later, "endpoints": {"api": self.server.root},
            },
        }  # fmt: skip
        if path == "/copilot/access_token" and not self.approved:
            return Raw({"error": "authorization_pending"})
        if path == "/chatgpt/device_token" and not self.approved:
            return Raw({"error": "pending"}, 403)
        if path == "/copilot/api_key" and not self.subscribed:
            said = "Resource not accessible: no Copilot subscription"
            return Raw({"message": said, "error_details": {"title": "No access"}}, 403)
        if path in answers:
            return Raw(answers[path])
        return Raw(
            _responses() if path == "/responses" else stream(chunk({"content": "hi"}, "stop"))
        )


def _responses() -> bytes:
    """ "hi", as OpenAI's Responses API streams it."""
    text = {"type": "output_text", "text": "hi", "annotations": []}
    item = {
        "type": "message", "id": "m1", "role": "assistant", "status": "completed",
        "content": [text],
    }  # fmt: skip
    whole = {
        "id": "r1", "object": "response", "created_at": 1, "model": "m", "status": "completed",
        "output": [item], "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        "usage": {"input_tokens": 3, "output_tokens": 1, "total_tokens": 4},
    }  # fmt: skip
    started = {**whole, "status": "in_progress", "output": [], "usage": None}
    at = {"output_index": 0, "content_index": 0, "item_id": "m1"}
    events = [
        {"type": "response.created", "response": started},
        {"type": "response.output_item.added", "item": {**item, "content": []}, **at},
        {"type": "response.output_text.delta", "delta": "hi", **at},
        {"type": "response.output_text.done", "text": "hi", **at},
        {"type": "response.output_item.done", "item": item, **at},
        {"type": "response.completed", "response": whole},
    ]
    return b"".join(sse({**event, "sequence_number": n}) for n, event in enumerate(events))
