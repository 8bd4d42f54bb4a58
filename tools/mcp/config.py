"""A server as it is started: variables put in, and the Hub token kept for the Hub."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from configs.layers import substituted
from configs.mcp import McpServer
from configs.problems import SettingsProblem
from core.credentials import hub_token
from core.secrets.redaction import hub_tokens
from tools.mcp.errors import Trouble

#: Hugging Face's own hosts. Spaces (*.hf.space) are other people's.
HUB = ("https://huggingface.co", "https://hf.co")
TOKEN_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


@dataclass(frozen=True)
class Start:
    """What a server is started or reached with; holds credentials, so it is never shown."""

    url: str
    headers: dict[str, str]
    command: str
    args: list[str]
    env: dict[str, str]
    cwd: str


def digest(server: McpServer) -> str:
    """Names this configuration, variables unexpanded: its tool list is kept under it."""
    reached = server.model_dump(include={"url", "headers", "command", "args", "env", "cwd"})
    return hashlib.sha256(json.dumps(reached, sort_keys=True).encode()).hexdigest()[:24]


def start_of(server: McpServer, cwd: str, environ: Mapping[str, str] | None = None) -> Start:
    """`server` with its variables. Raises Trouble: one is not set, or the Hub token would leave
    for somewhere else. Reads the token's file: call it in a thread."""
    environ = os.environ if environ is None else environ
    try:
        found: dict[str, Any] = substituted(server.model_dump(), environ, "")
    except SettingsProblem as problem:
        raise Trouble(str(problem).removeprefix(": ")) from None
    start = Start(
        url=found["url"],
        headers=found["headers"],
        command=found["command"],
        args=found["args"],
        env=found["env"],
        cwd=os.path.join(cwd, os.path.expanduser(found["cwd"])),
    )
    return _with_hub_token(start, environ)


def is_hubs(url: str, environ: Mapping[str, str]) -> bool:
    """Whether the Hub token may go there: Hugging Face's hosts, or the Hub that the user's
    environment names."""
    own = [*HUB, *([environ["HF_ENDPOINT"]] if environ.get("HF_ENDPOINT") else [])]
    return _origin(url) in {_origin(hub) for hub in own}


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, (parts.hostname or "").lower(), parts.port
    except ValueError:
        return "", url, None


def _with_hub_token(start: Start, environ: Mapping[str, str]) -> Start:
    named = {name.lower() for name in start.headers}
    if start.url and is_hubs(start.url, environ):
        if "authorization" in named:
            return start
        token = hub_token()
        if token:
            start.headers["Authorization"] = f"Bearer {token}"
        return start
    sent = [start.url, start.command, *start.args, *start.headers.values(), *start.env.values()]
    tokens = [*hub_tokens(environ), *(environ.get(name, "") for name in TOKEN_VARIABLES)]
    if any(token in text for token in tokens if token for text in sent):
        raise Trouble(
            "its settings hold the Hub token, which goes to Hugging Face's own server only; "
            "give it its own token"
        )
    return start
