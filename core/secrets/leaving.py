"""Whether what is about to leave this machine holds a credential.

Content of any size and kind is read through in pieces that overlap. A binary file holds text too
(a notebook's token in a pickle, an archive's settings), so its printable parts are looked at, also
those in UTF-16. What is compressed or encrypted is not seen.

A shape is believed here less easily than in redaction: a label in place of an example costs
nothing, a model that cannot be published does.
"""

import os
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from core.secrets.redaction import known_value_in
from core.secrets.shapes import shapes_in

#: Bytes that are looked at together, and of those before them: longer than any secret but a
#: private key, whose first line tells.
PIECE, OVERLAP = 256 * 1024, 16 * 1024
#: Text within a binary file.
_PRINTABLE = re.compile(rb"[\t\n\r -~]{8,}")
#: Kinds whose shape is a name and a value, or a place: only a value that looks random counts.
_LOOSE = frozenset(("authorization", "credential", "password in a url", "signature"))
_EXAMPLE = re.compile(
    r"(?i)example|sample|placeholder|your|change|dummy|fake|insert|redacted|12345|abcde|xxxx|test"
    r"|p[a@4]ss(?:w[o0]rd|wd)?[-_]?\d{0,4}$"
)
_MIXED = re.compile(r"(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{8,}")


def credential_in_text(text: str, *, binary: bool = False) -> str:
    """What credential `text` holds, in words; "" if none is seen. `binary`: it is the printable
    part of a binary file."""
    known = known_value_in(text)
    if known:
        return f"the value of {known}"
    found = (kind for kind, value in shapes_in(text, binary=binary) if _is_convincing(kind, value))
    kind = next(found, "")
    return f"what looks like a {kind}" if kind else ""


def credential_in_bytes(content: bytes) -> str:
    """The same of a file's content."""
    return _first(content[i : i + PIECE] for i in range(0, len(content), PIECE))


def credential_in_file(file: BinaryIO) -> str:
    """The same of an open file, from where it stands to its end."""
    return _first(iter(lambda: file.read(PIECE), b""))


def credential_at(path: str) -> str:
    """The same of the file at `path`, which is not a link and no device. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        return credential_in_file(file)


def _first(pieces: Iterable[bytes]) -> str:
    before = b""
    for piece in pieces:
        data = before + piece
        binary = b"\0" in data
        for text in _texts(data, binary):
            found = credential_in_text(text, binary=binary)
            if found:
                return found
        before = data[-OVERLAP:]
    return ""


def _texts(data: bytes, binary: bool) -> Iterator[str]:
    if not binary:
        yield data.decode("utf-8", "replace")
        return
    # Without the NUL bytes UTF-16 is text; next to it what is between them.
    for form in (data, data.replace(b"\0", b"")):
        yield b"\n".join(_PRINTABLE.findall(form)).decode("ascii")


def _is_convincing(kind: str, value: str) -> bool:
    if kind not in _LOOSE:
        return True
    if len(set(value)) < 6 or _EXAMPLE.search(value):
        return False
    if kind == "password in a url":
        return any(sign.isdigit() for sign in value)
    return _MIXED.search(value) is not None
