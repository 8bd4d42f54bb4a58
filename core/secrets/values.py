"""Which values of the environment are secrets, and the forms in which they show up.

Two mistakes are possible. A key that is missed leaks; a word that is taken for a key garbles what
the model reads. So a name that speaks of a credential makes its value one, unless it is a word, a
path or a user name; under any other name only what looks random counts.
"""

import base64
import getpass
import html
import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from core.secrets.credential_names import is_credential_name, words_of
from core.secrets.known_variables import is_listed, is_of_family
from core.secrets.shapes import HOLDS_NONE

#: A shorter value is not a secret, or one that cannot be told from a word.
SHORTEST = 8
#: `scheme://user:password@host`, `scheme://token@host`, anywhere in a value.
USERINFO = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^\s/@?#'\"]+)@")
#: A part of a connection string or a URL's query that holds a credential.
_PART = re.compile(r"(?:^|[;?&\s])([\w .-]{2,40})=([^;&\s'\"]{8,})")
_RANDOM = re.compile(r"[A-Za-z0-9+/=_.~!@#$%^&*:-]{20,4096}")
#: Capitals, small letters and digits in one piece, as names of folders seldom have them.
_MIXED = re.compile(r"(?=[a-z0-9+]*[A-Z])(?=[A-Z0-9+]*[a-z])(?=[A-Za-z+]*[0-9])[A-Za-z0-9+]{6,}")
_HEX = re.compile(r"(?=[a-fA-F]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{32,}")
#: Long, random, and public: what names a commit, a build or a file.
_IDENTIFIERS = frozenset((
    "BRANCH", "BUILD", "CHECKSUM", "COMMIT", "DIGEST", "ETAG", "FINGERPRINT", "GUID", "HASH",
    "ID", "IMAGE", "INVOCATION", "NAME", "PATH", "REV", "REVISION", "SHA", "SHA1", "SHA256",
    "SHA512", "TAG", "UUID", "VERSION",
))  # fmt: skip


def known_values(environ: Mapping[str, str]) -> dict[str, str]:
    """The secrets of an environment, by value, each with the name of its variable."""
    found: dict[str, str] = {}
    for name, value in environ.items():
        for secret in secrets_of(name, value):
            found.setdefault(secret, name)
    return found


@lru_cache(maxsize=4096)
def secrets_of(name: str, value: str) -> tuple[str, ...]:
    """What must not be seen of a variable; () of one that holds no secret."""
    value = value.strip()
    if len(value) < SHORTEST:
        return ()
    credential = is_credential_name(name)
    found = set(_inside(value))
    if credential and ("://" not in value or "WEBHOOK" in words_of(name)):
        found.add(value)
        # A key of several lines is printed line by line, too.
        found.update(line for line in value.splitlines() if len(line) >= 32)
    elif _may_be_random(name) and is_random(value):
        found.add(value)
    return tuple(sorted(secret for secret in found if _is_secret(secret)))


def is_random(value: str) -> bool:
    """Whether a value looks like a key: long, without a space, of mixed signs in one piece."""
    if not _RANDOM.fullmatch(value):
        return False
    if _HEX.fullmatch(value):
        return True
    runs = re.findall(r"[A-Za-z0-9]{20,}", value)
    kinds = (r"[a-z]", r"[A-Z]", r"[0-9]")
    return any(all(re.search(kind, run) for kind in kinds) for run in runs)


def forms_of(secret: str) -> set[str]:
    """A secret as it is in a URL, in JSON, in HTML, and the whole of it as Base64, as
    hexadecimal digits or as numbered characters."""
    data = secret.encode("utf-8", "surrogateescape")
    percent = quote(data, safe="")
    found = {secret, percent, quote_plus(data), html.escape(secret)}
    found.add(re.sub("%..", lambda code: code[0].lower(), percent))
    for escaped in (json.dumps(secret), json.dumps(secret, ensure_ascii=False)):
        found |= {escaped[1:-1], escaped[1:-1].replace("/", "\\/")}
    found |= {data.hex(), data.hex().upper()}
    found.add("".join(f"\\u{ord(sign):04x}" for sign in secret))
    found.add("".join(f"&#{ord(sign)};" for sign in secret))
    for whole in (data, data + b"\n"):
        # Without the last characters, which say of what follows, `=` or the newline.
        found.add(base64.b64encode(whole).decode().rstrip("="))
        found.add(base64.urlsafe_b64encode(whole).decode().rstrip("="))
    return found


def _may_be_random(name: str) -> bool:
    listed = is_listed(name) or is_of_family(name)
    return not listed and not _IDENTIFIERS.intersection(words_of(name))


def _inside(value: str) -> Iterator[str]:
    """The secrets within a value: of a URL, a connection string, or JSON."""
    for match in USERINFO.finditer(value):
        user, _, password = match[1].partition(":")
        # `https://TOKEN@host` has the token in the user's place.
        if password:
            yield unquote(password)
        elif is_random(user):
            yield unquote(user)
    for match in _PART.finditer(value):
        if is_credential_name(match[1].strip()):
            yield unquote(match[2])
    if value[0] in "{[":
        try:
            yield from _in_json(json.loads(value), "")
        except (ValueError, RecursionError):
            return


def _in_json(value: Any, name: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _in_json(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _in_json(item, name)
    elif isinstance(value, str):
        yield from secrets_of(name, value)


def _is_secret(value: str) -> bool:
    if len(value) < SHORTEST or HOLDS_NONE.fullmatch(value) or _is_path(value):
        return False
    return value.lower() not in _own_names()


def _is_path(value: str) -> bool:
    """A key's file is not a key. Base64 may begin with a slash too, but names no file."""
    if not value.startswith(("/", "~/", "./", "../")) or "\n" in value:
        return False
    if os.path.lexists(os.path.expanduser(value)):
        return True
    parts = value.split("/")[1:]
    return len(parts) > 1 and not any(_MIXED.search(part) for part in parts)


@lru_cache(maxsize=1)
def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _own_names() -> set[str]:
    """Of the user and the machine: they are in every path and prompt."""
    named = [os.environ.get(name, "") for name in ("USER", "LOGNAME", "HOSTNAME")]
    return {
        name.lower() for name in (*named, _account(), os.path.basename(os.path.expanduser("~")))
    }
