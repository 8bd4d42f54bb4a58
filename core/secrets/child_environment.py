"""What a child process gets of our environment: names that are known to be harmless, no more.

Which variables hold credentials cannot be listed: the next service brings another name. So the
list (core/secrets/known_variables.py) says what may pass. Even then a value stays here if a
credential is in it.
"""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from core.git import harden
from core.secrets.credential_names import is_credential_name
from core.secrets.known_variables import NEEDED, fits, is_listed, is_of_family
from core.secrets.shapes import without_shapes
from core.secrets.values import USERINFO, is_random, known_values

#: Commands have no terminal and no one to ask.
QUIET = {
    "AI_AGENT": "ml-agent",
    "PAGER": "cat",
    "TERM": "dumb",
    "PYTHONUNBUFFERED": "1",
}
#: Variables that we set for a library (core/models/loading.py): the user did not mean them for
#: commands. Those that the user set are not among them.
own_variables: set[str] = set()


@dataclass(frozen=True)
class Environment:
    """passed: what a child gets. withheld: the names of what it does not get."""

    passed: dict[str, str]
    withheld: tuple[str, ...]


def child_variables(
    environ: Mapping[str, str] | None = None,
    *,
    tokens: Collection[str] = (),
    also: Collection[str] = (),
) -> Environment:
    """Our environment as a child gets it.

    Args:
        tokens: credentials that pass, by exact name. also: names that the user adds; those with
            `*`, `?` or `[` are patterns, and let no credential pass.
    """
    environ = os.environ if environ is None else environ
    exact = {name for name in (*tokens, *also) if not _is_pattern(name)}
    patterns = [name for name in also if _is_pattern(name)]
    # A credential may stand in a variable with a harmless name, too.
    secrets = {value for value, name in known_values(environ).items() if name not in exact}

    def may_pass(name: str, value: str) -> bool:
        if name in NEEDED or name in exact:
            return True
        if not is_listed(name):
            by_pattern = fits(name, patterns) and not is_credential_name(name)
            if not (by_pattern or is_of_family(name)) or is_random(value):
                return False
        return not _holds_credential(value) and not any(secret in value for secret in secrets)

    passed = {name: value for name, value in environ.items() if may_pass(name, value)}
    return Environment(passed, tuple(sorted(name for name in environ if name not in passed)))


def child_environment(
    tokens: Collection[str],
    environ: Mapping[str, str] | None = None,
    *,
    also: Collection[str] = (),
) -> dict[str, str]:
    """What a command gets: the variables that pass, and what keeps it quiet. `tokens`, `also`: as
    of `child_variables`."""
    if environ is not None:
        return _passed(environ, tokens, also)
    global _last
    # The same as for the last command, if nothing that it follows from has changed. `os.environ`
    # decodes each variable at each look; its dict of bytes is compared at once.
    content: Any = getattr(os.environ, "_data", os.environ)
    asked = (*tokens,), (*also,), {*own_variables}
    if _last is None or _last[0] != asked or _last[1] != content:
        _last = asked, dict(content), _passed(os.environ, tokens, also)
    return _last[2].copy()


#: What was asked for last, the environment at that time, and the answer.
_last: tuple[tuple[Any, ...], dict[Any, Any], dict[str, str]] | None = None


def _passed(
    environ: Mapping[str, str], tokens: Collection[str], also: Collection[str]
) -> dict[str, str]:
    hidden = {*own_variables, "TIKTOKEN_CACHE_DIR"}
    theirs = {name: value for name, value in environ.items() if name not in hidden}
    passed = child_variables(theirs, tokens=tokens, also=also).passed
    return {**passed, **QUIET, **harden(passed)}


def _holds_credential(value: str) -> bool:
    return USERINFO.search(value) is not None or without_shapes(value) != value


def _is_pattern(name: str) -> bool:
    return any(sign in name for sign in "*?[")
