"""Text that can be sent and stored: what is not valid Unicode is replaced where it comes in.

A lone surrogate (half of an emoji, or a byte of a file name that is not UTF-8) can be held by a
Python string, but neither be written to disk nor sent as UTF-8.
"""

import re
from typing import Any

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_LONE = re.compile("[\ud800-\udfff]")


def encodable(text: str) -> str:
    """`text` without lone surrogates.

    Two halves of one character that meet are joined. A byte of a file name (U+DC80 to U+DCFF, as
    `os.fsdecode` makes them) becomes `\\xNN`. Any other half becomes U+FFFD.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return _LONE.sub(_replacement, _PAIR.sub(_joined, text))
    return text


def encodable_in(value: Any) -> Any:
    """The strings within `value`, keys of dicts included, as `encodable` leaves them."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, list | tuple):
        return [encodable_in(item) for item in value]
    if isinstance(value, dict):
        return {encodable_in(key): encodable_in(item) for key, item in value.items()}
    return value


def _joined(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def _replacement(half: re.Match[str]) -> str:
    code = ord(half[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else "\ufffd"
