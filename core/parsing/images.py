"""Pictures as a model takes them: what kind a file is, and small enough to be sent."""

from core.parsing.parser import parsed

_STARTS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


def kind_of(content: bytes) -> str | None:
    """The MIME type of a picture that models take, by its first bytes; None for other files."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _STARTS.items() if content.startswith(start)), None)


async def prepared(name: str, content: bytes) -> tuple[str, dict[str, str]]:
    """(what it is in words, {"mime_type", "base64"}); shrunk where it is too large, the first
    picture of an animation. Raises ToolError for a file that is broken."""
    facts = {"name": name, "format": kind_of(content) or ""}
    told, picture = await parsed("picture", content, name or "a picture", **facts)
    return told, picture
