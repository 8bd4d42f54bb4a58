"""The environment of commands: what core/secrets/child_environment.py passes, and what keeps
them quiet."""

import os
from collections.abc import Collection, Mapping

from core.git import harden
from core.models.loading import own_variables
from core.secrets.child_environment import child_variables

#: Commands have no terminal and nobody to ask.
QUIET = {
    "AI_AGENT": "ml-agent",
    "PAGER": "cat",
    "TERM": "dumb",
    "PYTHONUNBUFFERED": "1",
}


def child_environment(
    tokens: Collection[str],
    environ: Mapping[str, str] | None = None,
    *,
    also: Collection[str] = (),
) -> dict[str, str]:
    """What a command gets. `tokens`: credentials that it may see, by name. `also`: names and
    patterns that the user adds (the setting `child_environment`)."""
    source = os.environ if environ is None else environ
    # Ours, set for a library: the user did not mean them for commands.
    hidden = {*own_variables, "TIKTOKEN_CACHE_DIR"}
    theirs = {name: value for name, value in source.items() if name not in hidden}
    passed = child_variables(theirs, tokens=tokens, also=also).passed
    return {**passed, **QUIET, **harden(passed)}
