"""Markdown for the page: safe whatever the model writes, and the same in pieces as whole."""

import random

import pytest
from lxml import html as lxml_html

from server.markdown import SCHEMES, BlockStream, blocks_of

PLAIN = [
    "blockquote",
    "br",
    "code",
    "em",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "p",
    "s",
    "strong",
    "table",
    "tbody",
    "thead",
    "tr",
    "ul",
]
#: By tag, the attributes that may be there.
ALLOWED: dict[str, set[str]] = {
    "a": {"href", "rel", "target"}, "button": {"type", "class"}, "div": {"class", "tabindex"},
    "ol": {"start"}, "pre": {"tabindex"}, "span": {"class"}, "td": {"class"}, "th": {"class"},
    **{tag: set() for tag in PLAIN},
}  # fmt: skip

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "text <svg/onload=alert(1)> text",
    "[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](data:text/html,x) [d](vbscript:x)",
    "[a](  javascript:alert(1)) [b](java&#115;cript:alert(1)) [c](\x01javascript:alert(1))",
    "<javascript:alert(1)> <data:text/html,x> [r]\n\n[r]: javascript:alert(1)",
    '[a](http://x "\\" onmouseover=alert(1) x=\\"") ![x](http://evil.example/p.png "t")',
    '![" onerror="alert(1)](x) [![a](javascript:x)](javascript:y)',
    '```"><script>alert(1)</script>\nx\n```',
    "```html\n</code></pre><script>alert(1)</script>\n```",
    "~~~ python onload=alert(1)\n<b>\n~~~",
    '| a |\n|:-:|\n| <img src=x onerror="alert(1)"> |',
    "http://x/\"onmouseover=alert(1) https://x/<script> http://a.b/?q='onload=1",
    "<!-- --><style>*{display:none}</style><iframe src=//evil></iframe>",
    "# <a href=javascript:alert(1)>x</a>\n\nSetext <b>\n===",
    "&lt;script&gt;alert(1)&lt;/script&gt; &#60;img src=x&#62;",
    "\x00<scr\x00ipt> \u202e\u2028<b>\x0b<i>\x0c",
    "[x](//evil.example) [y](/stop) [z](?a) [w](file:///etc/passwd) <http://ok.example>",
]


def check(block: str) -> None:
    for element in lxml_html.fragment_fromstring(block, create_parent="main").iterdescendants():
        assert element.tag in ALLOWED, block
        assert set(element.attrib) <= ALLOWED[element.tag], block
        if element.tag == "a":
            assert element.attrib["href"].lower().startswith(SCHEMES), block
            assert "noopener" in element.attrib["rel"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown_keeps_to_the_list_of_tags(text: str) -> None:
    for block in blocks_of(text):
        check(block)


def test_pieces_of_hostile_markdown_keep_to_it() -> None:
    """Random sequences of what markdown and HTML mean something in."""
    pieces = [*"<>[]()!`\"'&#|-:\n \t=*_~\\/", "javascript:", "http://a.b", "```", "\n\n", "- ",
              "<script>", "|-|", "[a]: ", "<!--", "onload=x", "&#60;", "    "]  # fmt: skip
    draw = random.Random(7)
    for _ in range(1500):
        text = "".join(draw.choice(pieces) for _ in range(draw.randint(1, 40)))
        for block in blocks_of(text):
            check(block)


WHOLE = """\
# Plan

First *one*
and a line more
#tag not a heading

- [x] loaded
- [ ] trained

  loose
  1. nested
     ```python
     x = 1
     ```

| lr | loss |
|---:|:----:|
| 1e-4 | 0.2 |

Setext
---

```python
def f():

    return "two blocks?"
```
    code that is indented

> quoted
lazy

***
see https://a.example/x.
"""


@pytest.mark.parametrize("size", [1, 2, 7, 50])
@pytest.mark.parametrize(
    "text", [WHOLE, WHOLE.replace("\n", "\r\n"), *HOSTILE[:4], "a\x0b\nb\n\nc"]
)
def test_in_pieces_it_ends_as_the_whole_text_does(text: str, size: int) -> None:
    stream, shown = BlockStream(), {}
    for at in range(0, len(text), size):
        for block in stream.feed(text[at : at + size]):
            assert not (block.number in shown and shown[block.number].is_final), "it was final"
            shown[block.number] = block
    for block in stream.close():
        shown[block.number] = block
    last = len(blocks_of(text))
    assert [shown[n].html for n in range(last)] == blocks_of(text)
    assert all(shown[n].is_final for n in range(last))


def test_a_block_is_coloured_once_it_is_complete() -> None:
    stream = BlockStream()
    (growing,) = stream.feed("```python\nx = 1\n")
    assert not growing.is_final
    assert 'class="n"' not in growing.html
    closed, after = stream.feed("```\n\nDone\n")
    assert closed.is_final
    assert '<span class="n">x</span>' in closed.html
    assert (after.number, after.is_final) == (1, False)
    assert stream.feed("") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("![a plot](http://x/y.png)", '<p><span class="alt">a plot</span></p>'),
        ("[the file](src/a.py)", "<p>the file</p>"),
        ("- [x] done", "<ul>\n<li>☑ done</li>\n</ul>"),
        ("not [x] done", "<p>not [x] done</p>"),
        ("| a |\n|--:|\n| 1 |", '<td class="right">1</td>'),
        ("`http://x.y`", "<p><code>http://x.y</code></p>"),
        ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>"),
    ],
)
def test_what_becomes_of_it(text: str, expected: str) -> None:
    assert expected in "".join(blocks_of(text))


def test_an_address_in_text_is_a_link_without_the_sentences_end() -> None:
    (block,) = blocks_of("(see https://huggingface.co/a_b/c?x=1&y=2). Then")
    link = lxml_html.fromstring(block).find(".//a")
    assert link is not None
    assert link.get("href") == link.text == "https://huggingface.co/a_b/c?x=1&y=2"
