"""Secrets in tool output, events, logs and exports: replaced before they get there.

Two kinds are known: values that this process has and keeps from its children
(core/secrets/values.py), and shapes that nothing else has (core/secrets/shapes.py). What a `write`
puts into a file and what a command runs is not touched; run directories keep a command's raw
output, readable by their owner alone.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from core.credentials import account_tokens, is_shared
from core.secrets.seen import SeenSecrets
from core.secrets.shapes import without_shapes
from core.secrets.values import SHORTEST, forms_of, known_values

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
    return _cleaned(text, _known_forms(environ))


def redacted_in(value: Any) -> Any:
    """The strings within `value`, lists and dicts included, as `redacted` leaves them."""
    return _cleaned_in(value, _known_forms())


def _cleaned_in(value: Any, forms: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _cleaned(value, forms)
    if isinstance(value, list | tuple):
        return [_cleaned_in(item, forms) for item in value]
    if isinstance(value, dict):
        return {key: _cleaned_in(item, forms) for key, item in value.items()}
    return value


def _cleaned(text: str, forms: Mapping[str, str]) -> str:
    text = _replaced(text, forms)
    # A terminal and what cleans its output drop these: a secret that they part would be whole.
    # Whatever of them a text may have is not printable, and to ask for that takes no time.
    seen = text.replace("\n", "").replace("\t", "").isprintable()
    bare = text if seen else _UNSEEN.sub("", text)
    found = _replaced(bare, forms) if bare != text else bare
    return found if found != bare else text


def _replaced(text: str, forms: Mapping[str, str]) -> str:
    text = _without_values(text, forms)
    if _seen is not None:
        text = _seen.without(text)
    return without_shapes(text)


def known_value_in(text: str) -> str:
    """The name of a credential of this process whose value is in `text`; "" if none does."""
    return next(iter(_present(text, _known_forms()).values()), "")


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
    _remember(_present("\0".join(_strings_in(value)), _known_forms()))


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


class _Known(NamedTuple):
    """What the last question found, and of what: the environment, the files with the Hub's
    tokens and their stamps, the accounts that signed in."""

    environ: dict[Any, Any]
    files: tuple[str, str]
    stamps: list[tuple[int, ...]]
    accounts: list[str]
    forms: dict[str, str]


_last: _Known | None = None


def _known_forms(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variable's name of each secret of this process, by every form of its value. Worked out
    again only if the environment, a token's file or an account is another than at the last
    question."""
    global _last
    if environ is not None:
        return _forms(environ, [*hub_tokens(environ), *account_tokens()])
    # `os.environ` decodes each variable at each look; its dict of bytes is compared at once.
    content: Any = getattr(os.environ, "_data", os.environ)
    known = _last
    if known is not None and known.environ != content:
        known = None
    # Variables alone say where the files are.
    files = known.files if known is not None else _token_files(os.environ)
    stamps, accounts = list(map(_stamp, files)), account_tokens()
    if known is None or known.stamps != stamps or known.accounts != accounts:
        found = _forms(os.environ, [*_tokens_in(files), *accounts])
        known = _last = _Known(dict(content), files, stamps, accounts, found)
    return known.forms


def _forms(environ: Mapping[str, str], tokens: list[str]) -> dict[str, str]:
    known = [*known_values(environ).items(), *((token, "HF_TOKEN") for token in tokens)]
    return {form: name for value, name in reversed(known) for form in forms_of(value)}


def hub_tokens(environ: Mapping[str, str]) -> list[str]:
    """The tokens of `hf auth login`. Read here: `huggingface_hub.get_token` may ask a server."""
    return _tokens_in(_token_files(environ))


def _token_files(environ: Mapping[str, str]) -> tuple[str, str]:
    """The file with the token, and the INI file with all of them."""
    home = environ.get("HF_HOME") or os.path.expanduser("~/.cache/huggingface")
    path = environ.get("HF_TOKEN_PATH") or os.path.join(home, "token")
    return path, os.path.join(os.path.dirname(path), "stored_tokens")


def _stamp(file: str) -> tuple[int, ...]:
    """What differs once a file has changed; () if it is not there. Not by `os.access`, though its
    "no" is quicker: `langgraph dev` forbids it on the event loop."""
    try:
        found = os.stat(file)
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _tokens_in(files: tuple[str, str]) -> list[str]:
    found: list[str] = []
    for path in files:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError:
            continue
        stored = re.findall(r"^\s*(?:hf|refresh)_token\s*=\s*(\S+)", text, re.MULTILINE)
        found += stored if path.endswith("stored_tokens") else [text.strip()]
    # "" is in every text: a file may be empty, or just be written.
    return [token for token in found if len(token) >= SHORTEST]


def _present(text: str, forms: Mapping[str, str]) -> dict[str, str]:
    # Looked for one by one: a pattern of all of them would be tried at each character.
    return {form: name for form, name in forms.items() if form in text}


def _without_values(text: str, forms: Mapping[str, str]) -> str:
    present = _present(text, forms)
    if not present:
        return text
    _remember(present)
    # The longest first: one may be the start of another.
    pattern = re.compile("|".join(map(re.escape, sorted(present, key=len, reverse=True))))
    return pattern.sub(lambda found: f"[secret {present[found[0]]}]", text)
