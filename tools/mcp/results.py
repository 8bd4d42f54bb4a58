"""What a server's tool answers, as a result of ours."""

import base64
import binascii
import json
from typing import Any

from core.errors import ToolError
from core.parsing.images import kind_of, prepared
from core.tool import ToolResult
from tools.mcp.schema import problems


async def result_of(answer: Any, promised: dict[str, Any] | None = None) -> ToolResult:
    """The SDK's CallToolResult: texts in their order, pictures apart. `promised`: the tool's
    outputSchema; an answer that does not fit it is passed on with a note."""
    texts: list[str] = []
    images: list[dict[str, str]] = []
    for number, block in enumerate(answer.content, 1):
        text, data = _parts(block)
        if data is not None:
            text = await _shown(f"[picture {number}]", data, images)
        texts.append(text)
    if not texts and answer.structuredContent is not None:
        texts.append(json.dumps(answer.structuredContent, ensure_ascii=False))
    text = "\n".join(texts) or ("it failed without a message" if answer.isError else "(no output)")
    if answer.isError:
        return ToolResult(text, ok=False, outcome="failed", images=images)
    if promised:
        text += _misfit(answer.structuredContent, promised)
    return ToolResult(text, images=images)


def _misfit(given: Any, promised: dict[str, Any]) -> str:
    wrong = "there is no structured content" if given is None else problems(given, promised)
    said = "[The answer does not fit the outputSchema that the server declares:"
    return f"\n{said} {wrong[:500]}]" if wrong else ""


def _parts(block: Any) -> tuple[str, str | None]:
    """(text, None), or ("", base64 of a picture)."""
    match block.type:
        case "text":
            return str(block.text), None
        case "image":
            return "", str(block.data)
        case "resource_link":
            return f"[resource {block.name}: {block.uri}]", None
        case "resource" if hasattr(block.resource, "text"):
            return str(block.resource.text), None
        case "resource" if (block.resource.mimeType or "").startswith("image/"):
            return "", str(block.resource.blob)
        case "resource":
            return f"[resource {block.resource.uri}: binary, not shown]", None
    return f"[{block.type}: not shown]", None


async def _shown(name: str, data: str, images: list[dict[str, str]]) -> str:
    try:
        content = base64.b64decode(data)
        if kind_of(content) is None:
            return f"{name} is of a kind that models do not take"
        told, picture = await prepared(name, content)
    except (binascii.Error, ToolError) as error:
        return f"{name} cannot be shown: {error}"
    images.append(picture)
    return told
