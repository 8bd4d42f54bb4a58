"""What an HTTP status means, for each service that tools ask, and what to do next.

One table per service: by status, by its hundreds (500: any 5xx), else 0; codes that a service
gives next to the status stand by name. In braces: what the caller knows.
"""

from collections.abc import Mapping

Table = Mapping[int | str, str]

HUB: Table = {
    "BadToken": "The Hub does not accept this machine's token: it is expired or revoked. "
    "`hf auth login` stores a new one, made at {hub}/settings/tokens.",
    "BadSignIn": "The Hub does not accept this sign-in: it is expired or revoked. {Log_in}.",
    "NoScope": "The Hub refuses it to this sign-in{of}: a scope was not allowed, or the owner "
    "does not permit it. {Log_in}, and allow what is asked.{quoted}",
    "Disabled": "The Hub has disabled {what}: no one can read it.",
    "RevisionNotFound": "{What} has no revision{revision}.",
    "EntryNotFound": "{What} has no {path}.",
    401: "Not logged in to the Hub: {log_in}.{quoted}",
    402: "Payment required: add credits at {hub}/settings/billing.{quoted}",
    403: "The Hub refuses it to this token{of}: it lacks the permission, or its owner "
    "does. {hub}/settings/tokens shows what it may do.{quoted}",
    409: "It conflicts with what is there{of}.{quoted}",
    412: "The repo changed since it was read{of}: look at it again, then repeat.",
    "NoService": "{hub} does not offer {service} ({status}): HF_ENDPOINT or hub_url names another "
    "hub than https://huggingface.co. Unset it to use this.{quoted}",
    500: "The Hub fails at the moment ({status}); try again later.{quoted}",
    501: "{hub} does not offer this (501).{quoted}",
    0: "The Hub refused it ({status}).{quoted}",
}

GITHUB: Table = {
    401: "GitHub does not accept this machine's token (GITHUB_TOKEN, else GH_TOKEN): it is "
    "expired or revoked. Set a new one, or unset it: what is public is read without.",
    403: "GitHub refuses it{quoted}; {hint}.",
    404: "GitHub has nothing there{quoted}{hidden}.",
    409: "GitHub cannot show it{quoted}: a repository without commits has no files.",
    422: "GitHub does not take this query{quoted}{hidden}.",
    451: "GitHub has blocked it for legal reasons{quoted}.",
    500: "GitHub fails at the moment ({status}); try again later{quoted}.",
    0: "GitHub refused it ({status}){quoted}.",
}

DATASET_VIEWER: Table = {
    "NotReady": "the dataset viewer is still preparing {dataset} and was not ready after several "
    "tries: ask again in some minutes, or load the dataset with a script",
    "NotSearchable": "{dataset} cannot be searched here (no text column, or no index): use where= "
    "instead, or load it with a script",
    "Cause": "the dataset viewer cannot read {dataset}: {said} ({cause}); a fault in its files",
    404: "the dataset viewer cannot find this in {dataset}: {said}",
    422: "the dataset viewer refused the request: {said}",
    429: "the dataset viewer's rate limit is reached{when}{hint}",
    501: "the dataset viewer does not serve {dataset}: {said}; load it with a script",
    0: "the dataset viewer failed ({status}: {said}); try again later",
}

_NO_KEY = "Semantic Scholar refuses the key ({keys}): {status}"
SEMANTIC_SCHOLAR: Table = {
    401: _NO_KEY,
    403: _NO_KEY,
    404: "Semantic Scholar: {missing}",
    429: "Semantic Scholar is asked too often; try again in a minute{hint}",
    0: "Semantic Scholar fails ({status}): {said}; try again later",
}

_NO_LEAVE = "{url} cannot be read this way ({status}): it requires a login or a browser"
_NO_PAGE = "{url} is not there ({status}); search finds pages"
WEB: Table = {
    401: _NO_LEAVE,
    403: _NO_LEAVE,
    404: _NO_PAGE,
    410: _NO_PAGE,
    429: "{url} is asked too often (429); try again later",
    0: "{url} answered {status}; try again later",
}

_NO_CREDENTIAL = "{target} refuses the credential ({status}); set its headers"
MCP: Table = {
    401: _NO_CREDENTIAL,
    403: _NO_CREDENTIAL,
    404: "{target} is not an MCP server (404)",
    0: "{target} answered {status}",
}


def sentence(table: Table, status: int, code: str = "", **known: object) -> str:
    """What a refusal means: by `code` if the table has it, else by status."""
    chosen = next((key for key in (code, status, status // 100 * 100) if key in table), 0)
    return table[chosen].format(status=status, **known)
