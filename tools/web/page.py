"""What came from the web as text: pages as Markdown, text as it is, the rest named."""

import re

from core.errors import ToolError
from core.http import Reply
from core.parsing.parser import parsed
from core.units import size

PAGES = ("text/html", "application/xhtml+xml")
TEXTS = re.compile(
    r"text/.*|.*[/+](?:json|xml|yaml)|"
    r"application/(?:x-)?(?:ndjson|jsonlines|javascript|yaml|toml|sh|python|tex|latex|bibtex)"
)


async def text_of(reply: Reply) -> str:
    """Raises ToolError for what is not text: what it is, and what reads it."""
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = reply.body
    if body.startswith(b"%PDF-") or kind == "application/pdf":
        raise ToolError(
            f"{reply.url} is a PDF{_how_large(reply)}: `curl -sLo paper.pdf '{_quoted(reply.url)}' "
            "&& pdftotext -layout paper.pdf -` in bash reads it"
        )
    if not kind or kind == "application/octet-stream":
        start = body[:1000].lstrip().lower()
        kind = "text/html" if start.startswith((b"<!doctype html", b"<html")) else "text/plain"
    elif not TEXTS.fullmatch(kind) and kind not in PAGES:
        raise _no_text(reply, kind)
    if b"\0" in body[:8000] and not body.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _no_text(reply, kind)
    charset = re.search(r"charset=[\"']?([\w-]+)", reply.headers.get("content-type", ""))
    text: str = await parsed(
        "page",
        body,
        reply.url,
        charset=charset[1] if charset else "",
        html=kind in PAGES,
        url=reply.url,
    )
    return text


def _no_text(reply: Reply, kind: str) -> ToolError:
    return ToolError(
        f"{reply.url} is not text but {kind}{_how_large(reply)}: "
        f"`curl -sLO '{_quoted(reply.url)}'` in bash gets it"
    )


def _how_large(reply: Reply) -> str:
    told = reply.headers.get("content-length", "")
    if reply.cut:
        return f" of {size(int(told))}" if told.isdigit() else f" of over {size(len(reply.body))}"
    return f" of {size(len(reply.body))}"


def _quoted(url: str) -> str:
    return url.replace("'", "%27")
