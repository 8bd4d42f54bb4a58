"""A page of the web as text, a paper (LaTeXML: arXiv's and ar5iv's HTML), a page's menu."""

import logging
import re
from typing import Any

from core.errors import ToolError

#: Characters of a main part below which, where it has no links, all of the page is shown: it may
#: be a list of links.
SHORT = 500
#: Elements whose words are not text of a page.
UNREAD = ("script", "style", "noscript", "template", "svg", "head")
#: Bytes of a page that are taken apart: more take seconds. Elements among which its main part is
#: looked for: that takes memory with their square (300,000 small ones in a line: over 20 GB).
LARGEST_PAGE, ELEMENTS = 3_000_000, 30_000
BLANKS = re.compile(r"[ \t]{100,}")


def page(body: bytes, *, charset: str, html: bool, url: str) -> str:
    """Markdown of HTML, other text as it is. `charset`: what the header says, or "". `url`: for
    links and errors."""
    text = _decoded(body, charset)
    if not html:
        return text
    text = text[:LARGEST_PAGE] if len(body) > LARGEST_PAGE else text
    # markdownify takes time with the square of such a run.
    return _markdown(BLANKS.sub(" " * 100, text), url)


def paper(body: bytes) -> str:
    """As Markdown, formulas as TeX. Empty if the page holds no document."""
    from bs4 import BeautifulSoup
    from markdownify import MarkdownConverter

    whole = BeautifulSoup(body.decode("utf-8", "replace"), "html.parser")
    found = whole.find("article", class_="ltx_document") or whole.find(class_="ltx_page_content")
    if found is None:
        return ""
    for formula in found.find_all("math"):
        formula.replace_with(f"${formula.get('alttext') or formula.get_text()}$")
    for away in found.find_all(["script", "style", "nav", "button"]):
        away.decompose()
    for abstract in found.find_all(class_="ltx_title_abstract"):
        abstract.name = "h2"
    made = MarkdownConverter(heading_style="ATX", escape_misc=False, escape_underscores=False)
    return re.sub(r"\n{3,}", "\n\n", str(made.convert_soup(found))).strip()


def menu(body: bytes, *, below: str) -> list[tuple[str, str]]:
    """(title, address) of the links whose address holds `below`."""
    from bs4 import BeautifulSoup

    found = BeautifulSoup(body.decode("utf-8", "replace"), "html.parser").select("nav a[href]")
    return [(a.get_text(), str(a["href"])) for a in found if below in str(a["href"])]


def _decoded(body: bytes, charset: str) -> str:
    """By byte order mark, the header, the page's own word, UTF-8, else by what it looks like."""
    marks = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
    named = next((name for mark, name in marks if body.startswith(mark)), "")
    if not named:
        told = re.search(rb"<meta[^>]+charset=[\"']?([\w-]+)|<\?xml[^>]+encoding=[\"']([\w-]+)",
                         body[:4000], re.IGNORECASE)  # fmt: skip
        named = charset
        if told and not named:
            named = (told[1] or told[2]).decode()
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
