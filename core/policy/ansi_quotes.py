r"""What bash reads in `$'...'`: escapes like `\n`, `\x72` and `\162`."""

import re

ESCAPE = re.compile(
    rb"\\(?:([0-7]{1,3})|x\{([0-9a-fA-F]*)\}?|x([0-9a-fA-F]{1,2})"
    rb"|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|c(\\\\|.)|(.))",
    re.DOTALL,
)
NAMED = {
    b"a": b"\a", b"b": b"\b", b"e": b"\x1b", b"E": b"\x1b", b"f": b"\f", b"n": b"\n", b"r": b"\r",
    b"t": b"\t", b"v": b"\v", b"\\": b"\\", b"'": b"'", b'"': b'"', b"?": b"?",
}  # fmt: skip


def unquoted(inside: str) -> str:
    """The text of `$'inside'`. A byte of 0 ends it. What is not UTF-8 becomes U+FFFD, which can be
    stored and shown."""
    text = ESCAPE.sub(_unescaped, inside.encode("utf-8", "surrogateescape"))
    return text.partition(b"\0")[0].decode("utf-8", "replace")


def _unescaped(found: re.Match[bytes]) -> bytes:
    octal, braced, short, four, eight, control, other = found.groups()
    if octal:
        return bytes([int(octal, 8) & 0xFF])
    if braced is not None or short:
        return bytes([int(braced or short or b"0", 16) & 0xFF])
    if four or eight:
        return _encoded(int(four or eight, 16))
    if control:
        return b"\x7f" if control == b"?" else bytes([control.upper()[0] & 0x1F])
    return NAMED.get(other, b"\\" + other)


def _encoded(number: int) -> bytes:
    """UTF-8 as bash writes it, also above U+10FFFF: up to six bytes, 31 bits."""
    if number < 0x80:
        return bytes([number])
    rest: list[int] = []
    while number >= 1 << (6 - len(rest)):
        rest.insert(0, 0x80 | number & 0x3F)
        number >>= 6
    return bytes([(0xFF00 >> (len(rest) + 1)) & 0xFF | number, *rest])
