"""What came from the web as text: pages as Markdown, text as it is, the rest named."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

from graph.errors import ToolError
from tools.http import Reply
from tools.hub.lines import size

#: Characters of a main part below which, where it has no links, all of the page is shown: it may
#: be a list of links.
SHORT = 500
#: Elements whose words are no text of a page.
UNREAD = ("script", "style", "noscript", "template", "svg", "head")
#: Bytes of a page that are taken apart: more take seconds. Elements among which its main part is
#: looked for: that takes memory with their square (300,000 small ones in a line: over 20 GB).
LARGEST_PAGE, ELEMENTS = 3_000_000, 30_000
PAGES = ("text/html", "application/xhtml+xml")
TEXTS = re.compile(
    r"text/.*|.*[/+](?:json|xml|yaml)|"
    r"application/(?:x-)?(?:ndjson|jsonlines|javascript|yaml|toml|sh|python|tex|latex|bibtex)"
)


async def text_of(reply: Reply) -> str:
    """Raises ToolError for what is no text: what it is, and what reads it."""
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
    text = decoded(reply)
    if kind not in PAGES:
        return text
    if len(body) > LARGEST_PAGE:
        text = text[:LARGEST_PAGE]
    return await asyncio.to_thread(_markdown, text, reply.url)


def _no_text(reply: Reply, kind: str) -> ToolError:
    return ToolError(
        f"{reply.url} is no text but {kind}{_how_large(reply)}: "
        f"`curl -sLO '{_quoted(reply.url)}'` in bash gets it"
    )


def _how_large(reply: Reply) -> str:
    told = reply.headers.get("content-length", "")
    if reply.cut:
        return f" of {size(int(told))}" if told.isdigit() else f" of over {size(len(reply.body))}"
    return f" of {size(len(reply.body))}"


def _quoted(url: str) -> str:
    return url.replace("'", "%27")


def decoded(reply: Reply) -> str:
    """By byte order mark, the header, the page's own word, UTF-8, else by what it looks like."""
    body = reply.body
    marks = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
    named = next((name for mark, name in marks if body.startswith(mark)), "")
    if not named:
        header = re.search(r"charset=[\"']?([\w-]+)", reply.headers.get("content-type", ""))
        page = re.search(rb"<meta[^>]+charset=[\"']?([\w-]+)|<\?xml[^>]+encoding=[\"']([\w-]+)",
                         body[:4000], re.IGNORECASE)  # fmt: skip
        named = header[1] if header else ""
        if page and not named:
            named = (page[1] or page[2]).decode()
    for name in (named, "utf-8"):
        try:
            return body.decode(name, "replace" if name == named else "strict")
        except (LookupError, ValueError):
            continue
    from charset_normalizer import from_bytes

    best = from_bytes(body[:100_000]).best()
    return body.decode(best.encoding if best else "latin-1", "replace")


def _markdown(page: str, url: str) -> str:
    """The main part of a page, or all of it where none is found."""
    import trafilatura
    from lxml import html  # type: ignore[import-untyped]

    # They log each oddity of a page, and without a handler that goes to the terminal.
    for name in ("trafilatura", "htmldate", "courlan", "justext"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        tree = html.document_fromstring(page.encode(), html.HTMLParser(encoding="utf-8"))
    except (ValueError, html.etree.ParserError):
        raise ToolError(f"{url} has no text in it") from None
    title = " ".join((tree.findtext(".//title") or "").split())
    text = None
    if sum(1 for _ in tree.iter()) <= ELEMENTS:
        text = trafilatura.extract(
            page,
            url=url,
            output_format="markdown",
            include_links=True,
            include_formatting=True,
            include_comments=True,
            favor_recall=True,
        )
    if not text or (len(text) < SHORT and "](" not in text):
        text = _whole(tree, url).strip()
    if not text:
        raise ToolError(f"{url} has no text in it; it may be a page that a script fills")
    return f"# {title}\n\n{text}" if title and title not in text[:500] else text


def _whole(tree: Any, url: str) -> str:
    """A list of links, a form: what has no main part."""
    from lxml import etree
    from markdownify import markdownify

    tree.make_links_absolute(url, handle_failures="ignore")
    etree.strip_elements(tree, *UNREAD, with_tail=False)
    try:
        page = etree.tostring(tree, encoding="unicode", method="html")
        text = str(markdownify(page, heading_style="ATX"))
    except RecursionError:
        text = tree.text_content()
    return re.sub(r"\n{3,}", "\n\n", text)
