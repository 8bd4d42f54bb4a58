"""The environment of commands: a person's own, without what they should not see."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping

from graph.models.loading import own_variables

#: Names that hold credentials. A setting (`child_tokens`) lets chosen ones through.
SECRET = re.compile(
    r"(_API_KEY|_APIKEY|_TOKEN|_SECRET|_SECRET_KEY|_PASSWORD|_CREDENTIALS)$"
    r"|^(AWS_SECRET_ACCESS_KEY|AWS_ACCESS_KEY_ID|AWS_BEARER_TOKEN_BEDROCK|PGPASSWORD|DATABASE_URL)$"
    r"|^(ML_AGENT_DATABASE_URL)$"
)

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
        if name in allowed or (name not in hidden and not SECRET.search(name))
    }
    return {**kept, **QUIET}
