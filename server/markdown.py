"""Markdown as blocks of HTML for the web chat; all HTML of a page about a thread is made here.

A model's answer is untrusted text: raw HTML stays text, a picture becomes its alternative text, a
link has one of three schemes. tests/server/test_markdown.py holds the output to a list of tags.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

#: Schemes of links that can be followed; the text of any other link stays, without its address.
SCHEMES = ("http://", "https://", "mailto:")
#: Characters of code above which it stays without colours: pygments takes 1 s for 100 kB.
COLOURED = 50_000
#: An address in plain text; what ends a sentence is not a part of it.
ADDRESS = re.compile(r"https?://[^\s<>\"'`]*[^\s<>\"'`.,;:!?*_)\]}]")
#: What an item of a list that begins so begins with.
TASK = {"[ ] ": "☐ ", "[x] ": "☑ "}
#: The lines of a text as markdown-it counts them; str.splitlines knows more line ends.
LINES = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
#: The page's title is h1.
HEADINGS = {"h1": "h2", "h2": "h3", "h3": "h4", "h4": "h5", "h5": "h6", "h6": "h6"}


@dataclass(frozen=True)
class Block:
    """A block of a text that grows. is_final: it does not change again."""

    number: int
    html: str
    is_final: bool


def blocks_of(text: str) -> list[str]:
    """A whole text, an HTML string for each top-level block."""
    env: dict[str, Any] = {}
    return [_render(tokens, env, colour=True) for _, tokens in _top_level(text, env)]


class BlockStream:
    """Blocks of a text that comes in pieces. Only what follows the last final block is parsed
    again. A link definition that comes late changes earlier blocks: `blocks_of` the whole text
    once it ends."""

    def __init__(self) -> None:
        self._open = ""
        self._first = 0
        self._shown: list[str] = []
        self._env: dict[str, Any] = {}

    def feed(self, text: str) -> list[Block]:
        """The blocks that changed."""
        self._open += text
        return self._changed(is_end=False)

    def close(self) -> list[Block]:
        """The blocks that changed or are final now."""
        return self._changed(is_end=True)

    def _changed(self, *, is_end: bool) -> list[Block]:
        lines = LINES.findall(self._open)
        # A line that grows may still become something else: "#" a heading, "#tag" a paragraph.
        complete = sum(line.endswith(("\n", "\r")) for line in lines)
        found = _top_level(self._open, self._env)
        starts = [line for line, _ in found]
        blocks, final_lines, final = [], 0, 0
        for n, (_, tokens) in enumerate(found):
            is_final = is_end or (n + 1 < len(found) and starts[n + 1] < complete)
            block = Block(self._first + n, _render(tokens, self._env, colour=is_final), is_final)
            if is_final:
                final, final_lines = n + 1, starts[n + 1] if n + 1 < len(found) else len(lines)
            if is_final or self._shown[n : n + 1] != [block.html]:
                blocks.append(block)
            self._shown[n : n + 1] = [block.html]
        del self._shown[len(found) :]
        del self._shown[:final]
        self._first += final
        self._open = "".join(lines[final_lines:])
        return blocks


def _top_level(text: str, env: dict[str, Any]) -> list[tuple[int, list["Token"]]]:
    """(first line, tokens) of each block of `text`."""
    groups: list[tuple[int, list[Token]]] = []
    for token in _parser().parse(text, env):
        if token.level == 0 and token.nesting >= 0:
            groups.append((token.map[0] if token.map else 0, []))
        groups[-1][1].append(token)
    return groups


def _render(tokens: list["Token"], env: dict[str, Any], *, colour: bool) -> str:
    return str(_parser().renderer.render(tokens, _parser().options, {**env, "colour": colour}))


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML

    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=RendererHTML)
    parser.enable(["table", "strikethrough"])
    # The scheme is looked at when the link is written, so that the text of a bad one stays.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    parser.core.ruler.push("finish", _finish)
    rules: dict[str, Any] = {
        "image": _image, "link_open": _link_open, "link_close": _link_close, "fence": _code,
        "code_block": _code, "heading_open": _heading, "heading_close": _heading,
        "table_open": _table_open, "table_close": _table_close, "th_open": _cell, "td_open": _cell,
    }  # fmt: skip
    for name, rule in rules.items():
        parser.add_render_rule(name, rule)
    return parser


def _finish(state: Any) -> None:
    """Makes links of the addresses in plain text, and marks of "[x]" where a list's item begins."""
    before = ["", ""]
    for inline in state.tokens:
        if inline.type == "inline":
            if before[-2] == "list_item_open" and (mark := TASK.get(inline.content[:4].lower())):
                first = inline.children[0]
                first.content = mark + first.content[4:]
            if "://" in inline.content:
                inline.children = list(_with_addresses(inline.children))
        before.append(inline.type)


def _with_addresses(tokens: Sequence["Token"]) -> Iterator["Token"]:
    depth = 0
    for token in tokens:
        depth += token.nesting if token.type.startswith("link_") else 0
        if token.type == "text" and not depth:
            yield from _with_links(token)
        else:
            yield token


def _with_links(token: "Token") -> Iterator["Token"]:
    from markdown_it.token import Token

    end = 0
    for match in ADDRESS.finditer(token.content):
        yield Token("text", "", 0, content=token.content[end : match.start()])
        yield Token("link_open", "a", 1, attrs={"href": match[0]})
        yield Token("text", "", 0, content=match[0])
        yield Token("link_close", "a", -1)
        end = match.end()
    yield Token("text", "", 0, content=token.content[end:])


# Rules of the renderer. The first argument is the renderer, which markdown-it binds.


def _image(_: Any, tokens: Sequence["Token"], at: int, options: Any, env: Any) -> str:
    return f'<span class="alt">{html.escape(tokens[at].content or "picture")}</span>'


def _target(tokens: Sequence["Token"], at: int) -> str:
    """The address of the link that opens or closes here; "" if it cannot be followed."""
    while tokens[at].type != "link_open":
        at -= 1
    href = str(tokens[at].attrs.get("href", ""))
    return href if href.lower().startswith(SCHEMES) else ""


def _link_open(_: Any, tokens: Sequence["Token"], at: int, options: Any, env: Any) -> str:
    href = _target(tokens, at)
    rel = 'rel="noopener noreferrer nofollow" target="_blank"'
    return f'<a href="{html.escape(href)}" {rel}>' if href else ""


def _link_close(_: Any, tokens: Sequence["Token"], at: int, options: Any, env: Any) -> str:
    return "</a>" if _target(tokens, at) else ""


def _heading(_: Any, tokens: Sequence["Token"], at: int, options: Any, env: Any) -> str:
    slash = "/" if tokens[at].nesting < 0 else ""
    return f"<{slash}{HEADINGS[tokens[at].tag]}>" + ("\n" if slash else "")


def _table_open(*_: Any) -> str:
    return '<div class="table" tabindex="0"><table>\n'


def _table_close(*_: Any) -> str:
    return "</table></div>\n"


def _cell(_: Any, tokens: Sequence["Token"], at: int, options: Any, env: Any) -> str:
    """The policy of the page allows no style attribute: an alignment is a class."""
    align = str(tokens[at].attrs.get("style", "")).removeprefix("text-align:")
    return f'<{tokens[at].tag} class="{align}">' if align else f"<{tokens[at].tag}>"


def _code(_: Any, tokens: Sequence["Token"], at: int, options: Any, env: Any) -> str:
    code, language = tokens[at].content, (tokens[at].info.split() or [""])[0][:30]
    inside = _coloured(code, language) if env.get("colour") else ""
    head = f'<div class="code-head"><span>{html.escape(language)}</span>{COPY}</div>'
    return (
        f'<div class="code">{head}<pre tabindex="0"><code>{inside or html.escape(code)}</code>'
        "</pre></div>\n"
    )


COPY = '<button type="button" class="copy">Copy</button>'


def _coloured(code: str, language: str) -> str:
    """Code with a span of a class for each token; "" if the language is unknown."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    if not language or len(code) > COLOURED:
        return ""
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return ""
    return highlight(code, lexer, HtmlFormatter(nowrap=True))
