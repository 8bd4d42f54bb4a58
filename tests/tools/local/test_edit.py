"""edit: exact or tolerant of white space, never of anything else; the file keeps its ways."""

import pytest

from core.errors import ToolError
from tests.tools.bench import Bench
from tools.local.edit_match import replaced
from tools.local.files import diff


async def edited(bench: Bench, content: str | bytes, old: str, new: str, **options: bool) -> bytes:
    path = bench.file("a.py", content)
    await bench.call("read", path="a.py")
    result = await bench.call("edit", path="a.py", old=old, new=new, **options)
    assert result.ok, result.text
    return path.read_bytes()


async def test_exact_with_its_diff(bench: Bench) -> None:
    assert await edited(bench, "a\nb\nc\n", "b", "x") == b"a\nx\nc\n"
    assert "-b\n+x" in bench.logs()[-1]


@pytest.mark.parametrize(
    ("content", "old", "new", "after"),
    [
        (b"a\r\nb\r\nc\r\n", "a\nb", "x\ny", b"x\r\ny\r\nc\r\n"),
        (b"a\r\nb\r\nc\r\n", "a\r\nb", "x\r\ny\r\nz", b"x\r\ny\r\nz\r\nc\r\n"),
        (b"a\r\nb\r\nc\n", "a\nb", "a\nx", b"a\r\nx\r\nc\n"),
        (b"a\nb\r\nc\n", "b", "x\ny", b"a\nx\r\ny\r\nc\n"),
        (b"a\r\nb\nc\r\n", "b\n", "", b"a\r\nc\r\n"),
        (b"a\nb", "b", "c", b"a\nc"),
        (b"\xef\xbb\xbfa\n", "a", "b", b"\xef\xbb\xbfb\n"),
        (b"\xfe\xff\0a\0\n", "a", "b", b"\xfe\xff\0b\0\n"),
        (b"caf\xe9\n", "caf", "CAF", b"CAF\xe9\n"),
    ],
    ids=[
        "crlf",
        "crlf quoted",
        "mixed",
        "mixed, more lines",
        "mixed, fewer lines",
        "no final newline",
        "bom",
        "utf-16",
        "latin-1",
    ],
)
async def test_the_file_keeps_its_ways(
    bench: Bench, content: bytes, old: str, new: str, after: bytes
) -> None:
    assert await edited(bench, content, old, new) == after


async def test_what_the_encoding_cannot_hold_is_refused(bench: Bench) -> None:
    path = bench.file("a.py", b"caf\xe9\n")
    await bench.call("read", path="a.py")
    result = await bench.call("edit", path="a.py", old="caf", new="€")
    assert "is latin-1 and cannot hold this text" in result.text
    assert path.read_bytes() == b"caf\xe9\n"


async def test_not_what_was_not_read(bench: Bench) -> None:
    path = bench.file("a.py", "a")
    refused = await bench.call("edit", path="a.py", old="a", new="b")
    assert refused.text == f"{path} exists and was not read in this thread: read it first"
    missing = await bench.call("edit", path="none.py", old="a", new="b")
    assert missing.text == f"there is no {bench.cwd}/none.py: create it with write"


async def test_old_and_new_the_same(bench: Bench) -> None:
    bench.file("a.py", "a\nb\n")
    await bench.call("read", path="a.py")
    result = await bench.call("edit", path="a.py", old="a\r\nb", new="a\nb")
    assert result.text == "old and new are the same"


async def test_everywhere(bench: Bench) -> None:
    assert await edited(bench, "a b a\n", "a", "x", replace_all=True) == b"x b x\n"


@pytest.mark.parametrize(
    ("text", "old", "said"),
    [
        ("a\na\n", "a", "old occurs 2 times: add lines"),
        ("  f( x )\n\tf( x )\n", "f(  x )", "old occurs 2 times if white space is ignored"),
        ("one\ntwo words\n", "two wards", "old does not occur in the file; line 2 is near it: two"),
        ("one\n", "completely different", "old does not occur in the file: read it again"),
        ("one\n", "   \n", "old does not occur in the file: read it again"),
    ],
)
def test_no_match_says_what_helps(text: str, old: str, said: str) -> None:
    with pytest.raises(ToolError) as caught:
        replaced(text, old, "new", False)
    assert caught.value.message.startswith(said)


#: The file's text, old, new, and the text after: `old` differs in white space only.
TOLERANT = {
    "deeper in the file": (
        "class A:\n    def f(self):\n        return 1\n",
        "def f(self):\n    return 1",
        "def f(self):\n    if x:\n        return 2\n    return 1",
        "class A:\n    def f(self):\n        if x:\n            return 2\n        return 1\n",
    ),
    "shallower in the file": (
        "def f():\n    return 1\n",
        "        def f():\n            return 1\n",
        "        def f():\n            for x in y:\n                pass\n            return 2\n",
        "def f():\n    for x in y:\n        pass\n    return 2\n",
    ),
    "tabs in the file": (
        "\tif a:\n\t\tb()\n",
        "    if a:\n        b()",
        "    if a:\n        if c:\n            b()\n    else:\n        d()",
        "\tif a:\n\t\tif c:\n\t\t\tb()\n\telse:\n\t\td()\n",
    ),
    "spaces in the file": (
        "    if a:\n        b()\n",
        "\tif a:\n\t\tb()",
        "\tif a:\n\t\tif c:\n\t\t\tb()",
        "    if a:\n        if c:\n            b()\n",
    ),
    "two spaces in the file": (
        "  if a:\n    b()\n",
        "    if a:\n        b()",
        "    if a:\n        if c:\n            b()",
        "  if a:\n    if c:\n      b()\n",
    ),
    "one line in a file with tabs": (
        "\t\ta()\n",
        "        a()  ",
        "        if x:\n            a()",
        "\t\tif x:\n\t\t\ta()\n",
    ),
    "one line in a file with spaces": (
        "        a()\n",
        "\t\ta()",
        "\t\tif x:\n\t\t\ta()",
        "        if x:\n            a()\n",
    ),
    "new goes less deep than old": (
        "if a:\n\tif b:\n\t\tc()\n\t\td()\n",
        "        c()\n        d()",
        "        c()\n    d()",
        "if a:\n\tif b:\n\t\tc()\n\td()\n",
    ),
    "new starts deeper": (
        "    a()\n    b()\n",
        "a()\nb()",
        "    a()\nb()",
        "        a()\n    b()\n",
    ),
    "a blank line inside": (
        "    a( 1 )\n",
        "a( 1  )",
        "a(2)\n\nb(2)",
        "    a(2)\n\n    b(2)\n",
    ),
    "spaces inside and at the end": ("x  =  1   \ny\n", "x = 1\ny", "x = 2\ny", "x = 2\ny\n"),
    "trailing white space of new stays": ("\ta\n", "  a", "  b  ", "\tb  \n"),
    "no final newline": ("a\n\tb", "a\n    b", "a\n    c", "a\n\tc"),
    "a blank line more": ("\ta\nb\n", "    a\n", "    c\n\n", "\tc\n\nb\n"),
    "a passage goes": ("a\n\tb\n\tc\nd\n", "    b\n    c", "", "a\nd\n"),
    "a passage goes with its newline": ("a\n\tb\nd\n", "    b\n", "", "a\nd\n"),
    "the last passage goes": ("a\n\tb\n", "    b", "", "a\n"),
    "the last passage goes without newline": ("a\n\tb", "    b", "", "a"),
    "a passage becomes a blank line": ("a\n\tb\nd\n", "    b\n", "\n", "a\n\nd\n"),
}


@pytest.mark.parametrize(("text", "old", "new", "after"), TOLERANT.values(), ids=TOLERANT.keys())
def test_tolerant_of_white_space(text: str, old: str, new: str, after: str) -> None:
    found, count, _ = replaced(text, old, new, False)
    assert (found, count) == (after, 1)


def test_tolerant_everywhere() -> None:
    text = "if a:\n\tf( x )\nelse:\n\t\tf( x )\n"
    found, count, _ = replaced(text, "f(  x )", "g()", True)
    assert (found, count) == ("if a:\n\tg()\nelse:\n\t\tg()\n", 2)


def test_a_diff_counts_lines_from_the_start_of_the_file() -> None:
    before = "".join(f"{n}\n" for n in range(1, 100_001))
    after = before.replace("\n50000\n", "\nx\ny\n")
    assert diff("a", before, after).split("\n")[2:] == [
        "@@ -49998,5 +49998,6 @@",
        *[" 49998", " 49999", "-50000", "+x", "+y", " 50001", " 50002"],
    ]
    assert diff("a", before, before) == ""
    assert diff("a", "", "1\n2") == "--- a\n+++ a\n@@ -1 +1,2 @@\n-\n+1\n+2"
    assert "too many to show" in diff("a", before, before.replace("\n", "!\n"))
