"""The environment of commands: a person's own, without what they should not see."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

from graph.models.loading import own_variables
from graph.secret_shapes import SECRET_NAME

#: Commands have no terminal and nobody to ask.
QUIET = {
    "AI_AGENT": "ml-agent",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "PAGER": "cat",
    "TERM": "dumb",
    "PYTHONUNBUFFERED": "1",
}


def child_environment(
    allowed: Collection[str], environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What a command gets. `allowed`: credentials that it may see, by name."""
    source = os.environ if environ is None else environ
    hidden = {*own_variables, "TIKTOKEN_CACHE_DIR"}
    kept = {
        name: value
        for name, value in source.items()
        if name in allowed or (name not in hidden and not SECRET_NAME.search(name))
    }
    return {**kept, **QUIET}
