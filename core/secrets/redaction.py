"""Secrets in tool output, events, logs and exports: replaced before they get there.

Two kinds are known: values that this process has and keeps from its children
(core/secrets/values.py), and shapes that nothing else has (core/secrets/shapes.py). What a `write`
puts into a file and what a command runs is not touched; run directories keep a command's raw
output, readable by their owner alone.
"""

import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from core.credentials import account_tokens, is_shared
from core.secrets.seen import SeenSecrets
from core.secrets.shapes import without_shapes
from core.secrets.values import forms_of, known_values

#: What is in place of a value: `[secret HF_TOKEN]`, `[secret: github token]`.
LABEL = re.compile(r"\[secret:? [^\[\]\n]{1,80}\]")

#: What is not seen of a text: sequences of a terminal, control and zero-width characters.
_UNSEEN = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)|\x1b[ -/]{0,3}[0-~]?"
    r"|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)


def redacted(text: str, environ: Mapping[str, str] | None = None) -> str:
    """`text` with `[secret NAME]` for each known value and `[secret: kind]` for each shape.

    The values are read again each time: a key that was set meanwhile counts.
    """
    environ = os.environ if environ is None else environ
    text = _replaced(text, environ)
    # A terminal and what cleans its output drop these: a secret that they part would be whole.
    # Whatever of them a text may have is not printable, and to ask for that takes no time.
    seen = text.replace("\n", "").replace("\t", "").isprintable()
    bare = text if seen else _UNSEEN.sub("", text)
    found = _replaced(bare, environ) if bare != text else bare
    return found if found != bare else text


def _replaced(text: str, environ: Mapping[str, str]) -> str:
    text = _without_values(text, environ)
    if _seen is not None:
        text = _seen.without(text)
    return without_shapes(text)


def known_value_in(text: str, environ: Mapping[str, str] | None = None) -> str:
    """The name of a credential of this process whose value is in `text`; "" if none does."""
    return next(iter(_present(text, os.environ if environ is None else environ).values()), "")


def redacted_in(value: Any) -> Any:
    """The strings within `value`, lists and dicts included, as `redacted` leaves them."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, list | tuple):
        return [redacted_in(item) for item in value]
    if isinstance(value, dict):
        return {key: redacted_in(item) for key, item in value.items()}
    return value


def restored(edited: Any, original: Any) -> Any:
    """What a user left of arguments that were shown redacted, with the values that stood in
    `original`. A label that is for two values, or for none, stays."""
    if isinstance(edited, str) and isinstance(original, str):
        if edited == redacted(original):
            return original
        return _with_values(edited, original)
    if isinstance(edited, list) and isinstance(original, list):
        paired = [restored(*pair) for pair in zip(edited, original, strict=False)]
        return [*paired, *edited[len(paired) :]]
    if isinstance(edited, dict) and isinstance(original, dict):
        return {k: restored(v, original.get(k)) for k, v in edited.items()}
    return edited


def _with_values(edited: str, original: str) -> str:
    # What is between the labels is as it was, so that it says what each one stood for.
    shown = redacted(original)
    between = LABEL.split(shown)
    found = re.fullmatch("(.+?)".join(map(re.escape, between)), original, re.DOTALL)
    values: dict[str, set[str]] = {}
    for label, value in zip(LABEL.findall(shown), found.groups() if found else (), strict=False):
        values.setdefault(label, set()).add(value)
    known = {label: value.pop() for label, value in values.items() if len(value) == 1}
    return LABEL.sub(lambda label: known.get(label[0], label[0]), edited)


# --- values that were seen before ---


#: Where digests are kept. Credentials are the process's, and so is what is known of them.
_seen: SeenSecrets | None = None


def keep_digests_in(state: Path) -> None:
    """From now on a value that is replaced is recognised later by a digest in this directory, the
    state directory in use. Not on a server: each user has another directory."""
    global _seen
    if not is_shared():
        _seen = SeenSecrets(state)


def keep_known(value: Any) -> None:
    """Known secrets in the strings within `value`, which is stored as it is, are recognised later
    even if their variables are gone."""
    _remember(_present("\0".join(_strings_in(value)), os.environ))


def _strings_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings_in(item)
    elif isinstance(value, dict):
        yield from _strings_in(list(value.values()))


def _remember(present: Mapping[str, str]) -> None:
    if _seen is not None:
        for form, name in present.items():
            _seen.remember(name, form)


# --- values ----------------------------------------------------------------------------------


def _known_forms(environ: Mapping[str, str]) -> dict[str, str]:
    """The variable's name of each secret of this process, by every form of its value. Worked out
    again only if the environment, or a token, is another than at the last question."""
    global _last
    # `os.environ` decodes each variable at each look; its dict of bytes is compared at once.
    content = getattr(environ, "_data", environ)
    tokens = (*hub_tokens(environ), *account_tokens())
    if _last is None or _last.tokens != tokens or _last.environ != content:
        known = [*known_values(environ).items(), *((token, "HF_TOKEN") for token in tokens)]
        forms = {form: name for value, name in reversed(known) for form in forms_of(value)}
        _last = _Known(dict(content), tokens, forms)
    return _last.forms


class _Known(NamedTuple):
    environ: dict[Any, Any]
    tokens: tuple[str, ...]
    forms: dict[str, str]


#: What the last question found.
_last: _Known | None = None


def hub_tokens(environ: Mapping[str, str]) -> list[str]:
    """The tokens of `hf auth login`. Read here: `huggingface_hub.get_token` may ask a server."""
    home = environ.get("HF_HOME") or os.path.expanduser("~/.cache/huggingface")
    found = []
    for file in _token_files(home, environ.get("HF_TOKEN_PATH")):
        try:
            found += _tokens_in(file, os.stat(file).st_mtime_ns)
        except OSError:
            continue
    return found


@lru_cache(maxsize=8)
def _token_files(home: str, path: str | None) -> tuple[str, str]:
    path = path or os.path.join(home, "token")
    return path, os.path.join(os.path.dirname(path), "stored_tokens")


@lru_cache(maxsize=8)
def _tokens_in(path: str, changed: int) -> list[str]:
    """Of the token's file, or of the INI file with all of them."""
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    stored = re.findall(r"^\s*(?:hf|refresh)_token\s*=\s*(\S+)", text, re.MULTILINE)
    return stored if path.endswith("stored_tokens") else [text.strip()]


def _present(text: str, environ: Mapping[str, str]) -> dict[str, str]:
    # Looked for one by one: a pattern of all of them would be tried at each character.
    return {form: name for form, name in _known_forms(environ).items() if form in text}


def _without_values(text: str, environ: Mapping[str, str]) -> str:
    present = _present(text, environ)
    if not present:
        return text
    _remember(present)
    # The longest first: one may be the start of another.
    pattern = re.compile("|".join(map(re.escape, sorted(present, key=len, reverse=True))))
    return pattern.sub(lambda found: f"[secret {present[found[0]]}]", text)
