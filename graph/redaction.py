"""Secrets in tool output, events, logs and exports: replaced before they get there.

Two kinds are known: the values of credentials that this process has, and shapes that nothing else
has (a token's prefix with its length). What a `write` puts into a file and what a command runs is
not touched; run directories keep a command's raw output, readable by their owner alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

#: Names of variables that hold credentials.
SECRET_NAME = re.compile(
    r"(_API_KEY|_APIKEY|_TOKEN|_SECRET|_SECRET_KEY|_PASSWORD|_CREDENTIALS)$"
    r"|^(AWS_SECRET_ACCESS_KEY|AWS_ACCESS_KEY_ID|AWS_BEARER_TOKEN_BEDROCK|PGPASSWORD|DATABASE_URL)$"
    r"|^(ML_AGENT_DATABASE_URL)$"
)
#: A shorter value is no secret, or one that cannot be told from a word.
SHORTEST = 8
#: Values of such variables that are no secrets.
COMMON = {"password", "changeme", "none", "null", "undefined", "disabled", "required", "stand-in"}

_SHAPES: dict[str, str] = {
    "hugging face token": r"\bhf_[A-Za-z0-9]{30,}\b|\bapi_org_[A-Za-z0-9]{30,}\b",
    "github token": r"\bgh[opsur]_[A-Za-z0-9]{36,}\b|\bgithub_pat_[A-Za-z0-9_]{50,}\b",
    "gitlab token": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "anthropic key": r"\bsk-ant-[A-Za-z0-9_-]{20,}",
    "openai key": r"\bsk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}|\bsk-[A-Za-z0-9]{32,}\b",
    "openrouter key": r"\bsk-or-v1-[a-f0-9]{32,}",
    "groq key": r"\bgsk_[A-Za-z0-9]{40,}\b",
    "replicate token": r"\br8_[A-Za-z0-9]{30,}\b",
    "aws key id": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "aws secret": r"(?i:aws_secret_access_key|aws_session_token)[\"']?\s*[=:]\s*[\"']?"
                  r"[A-Za-z0-9/+=]{30,}",
    "google key": r"\bAIza[A-Za-z0-9_-]{35}\b",
    "google token": r"\bya29\.[A-Za-z0-9_-]{20,}",
    "slack token": r"\bxox[abeprs]-[A-Za-z0-9-]{10,}",
    "slack webhook": r"https://hooks\.slack\.com/services/[A-Za-z0-9/]{20,}",
    "stripe key": r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{20,}\b",
    "sendgrid key": r"\bSG\.[A-Za-z0-9_-]{20,24}\.[A-Za-z0-9_-]{40,}",
    "npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "pypi token": r"\bpypi-[A-Za-z0-9_-]{50,}",
    "weights and biases key": r"(?i:wandb_api_key)[\"']?\s*[=:]\s*[\"']?[a-f0-9]{40}",
    "telegram token": r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b",
    "json web token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    "private key": r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{20,10000}"
                   r"-----END [A-Z ]{0,30}PRIVATE KEY-----",
    "authorization": r"(?i:\bauthorization[\"']?\s*[:=]\s*[\"']?(?:bearer|basic|token)\s+)"
                     r"[A-Za-z0-9._~+/=-]{12,}",
    "password in a url": r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{0,64}:[^\s:/@]{3,128}@",
}  # fmt: skip
_SHAPE = re.compile("|".join(f"(?P<s{n}>{shape})" for n, shape in enumerate(_SHAPES.values())))
_KINDS = list(_SHAPES)
#: What every shape holds one of: a text without any is not searched.
_MARKS = re.compile(
    r"hf_|api_org_|gh[opsur]_|github_pat_|glpat-|sk-|gsk_|r8_|AKIA|ASIA|(?i:aws_se)|AIza|ya29\.|xox"
    r"|hooks\.slack|_live_|_test_|SG\.|npm_|pypi-|(?i:wandb_api)|:AA|eyJ|PRIVATE KEY"
    r"|(?i:authorization)|://"
)


def redacted(text: str, environ: Mapping[str, str] | None = None) -> str:
    """`text` with `[secret NAME]` for each known value and `[secret: kind]` for each shape."""
    values = _values(tuple(sorted(_known(os.environ if environ is None else environ))))
    text = values(text)
    return _SHAPE.sub(_named, text) if _MARKS.search(text) else text


def _named(found: re.Match[str]) -> str:
    kind = _KINDS[int((found.lastgroup or "s0")[1:])]
    if kind == "password in a url":
        scheme, _, rest = found[0].partition("://")
        return f"{scheme}://{rest.partition(':')[0]}:[secret]@"
    if kind == "authorization":
        return re.sub(r"\S+$", "[secret: authorization]", found[0])
    return f"[secret: {kind}]"


def _known(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """(value, name) of each credential of this process."""
    found = [(v, n) for n, v in environ.items() if SECRET_NAME.search(n) and _tells(v)]
    token = _hub_token(environ)
    return [*found, (token, "HF_TOKEN")] if token and _tells(token) else found


def _tells(value: str) -> bool:
    return len(value) >= SHORTEST and value.lower() not in COMMON


def _hub_token(environ: Mapping[str, str]) -> str:
    """The token of `hf auth login`, where the environment names none."""
    if environ.get("HF_TOKEN"):
        return ""
    home = environ.get("HF_HOME") or os.path.expanduser("~/.cache/huggingface")
    path = environ.get("HF_TOKEN_PATH") or os.path.join(home, "token")
    try:
        return _token_in(path, os.stat(path).st_mtime_ns)
    except OSError:
        return ""


@lru_cache(maxsize=4)
def _token_in(path: str, changed: int) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read().strip()


@lru_cache(maxsize=8)
def _values(known: tuple[tuple[str, str], ...]) -> Callable[[str], str]:
    if not known:
        return lambda text: text
    names = dict(known)
    # The longest first: one may be the start of another.
    longest = sorted(names, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest)))
    return lambda text: pattern.sub(lambda found: f"[secret {names[found[0]]}]", text)
