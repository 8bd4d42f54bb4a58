"""Kinds of secrets that their shape gives away.

A shape is a prefix that nothing else has, with a length; or a value behind a name that only a
credential has. Sources: the providers' own documentation of their tokens, and what secret scanners
look for. No pattern goes back over what it has read, so that a long text takes no time.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache, partial

from core.secrets.marks import DISTINCT, MARKS

_WORDS = (
    "a access admin administrator an anonymous api auth authentication authorization basic bearer "
    "certificate change changeme clickhouse credential credentials database debug default demo dev "
    "develop development digest disabled docker dummy elastic empty enabled enter example external "
    "fake false foo github gitlab goes google guest here hf hugging face huggingface insert "
    "internal is key ignored keyring local localhost mariadb me minio minioadmin mongo mongodb my "
    "mysql name needed no none not null oauth ollama openai optional pass password placeholder "
    "postgres postgresql private prod production public put rabbitmq readonly redis replace "
    "required root sample secret secrets service set sk staging stand in system temporary test "
    "testing the this token true ubuntu undefined unknown unset unused user username vagrant "
    "value vault with xxx xxxx your"
).replace(" ", "|")
#: Values that are in a credential's place and are none: words that say so, one character again
#: and again, a short number.
HOLDS_NONE = re.compile(
    rf"(?i:(?:{_WORDS})(?:[^a-z0-9]+(?:{_WORDS}))*+[^a-z0-9]*)|(.)\1*|\d{{1,11}}", re.DOTALL
)

_B = r"[A-Za-z0-9_-]"  # of base64 in its form for URLs
_A = r"[A-Za-z0-9]"
_Q = r"[\"']?"
#: A name behind which a credential stands, in a file, a header or what `env` prints.
_NAMED = (
    r"(?i:[a-z0-9_-]{0,40}?(?:api[_-]?key|client_?secret|secret_?(?:access_?)?key|session_token"
    r"|access_?token|auth_?token|refresh_?token|password|passwd|account_?key|encryption_key)"
    r"|[A-Z0-9_]{1,40}_(?:token|secret|pat))"
)
#: A word with `=` or `:` behind it. Looked at first: few words have, and a name is dear to read.
_ASSIGNED = rf"(?=[A-Za-z0-9_-]{{3,64}}+{_Q}\s{{0,5}}[:=])"
#: What no language writes as a name or an expression: letters with digits, and no call behind.
_VALUE = (
    r"(?=[A-Za-z_/+=~!@#%&*-]{0,80}\d)(?=[\d_/+=~!@#%&*-]{0,80}[A-Za-z])"
    r"[A-Za-z0-9_/+=~!@#%&*-]{16,512}+(?![\w.(\[])"
)

#: By kind; (?P<keep>...) is left as it is. Behind the marks below, so none begins within a word.
_SHAPES: dict[str, tuple[str, ...]] = {
    "hugging face token": (
        rf"hf_{_A}{{30,}}+(?!_)",
        r"hf_(?:oauth|jwt)_[A-Za-z0-9._-]{20,}+",
        rf"api_org_{_A}{{30,}}+",
    ),
    "github token": (rf"gh[opsur]_{_A}{{30,}}+", r"github_pat_\w{40,}+"),
    "gitlab token": (rf"gl(?:pat|dt|rt|cbt|ptt|ft|oas|soat|agent|imt)-{_B}{{20,}}+",),
    "anthropic key": (rf"sk-ant-{_B}{{20,}}+",),
    "openrouter key": (r"sk-or-v1-[a-f0-9]{32,}+",),
    "langfuse key": (r"sk-lf-[a-f0-9-]{36}",),
    "openai key": (rf"sk-(?:proj|svcacct|admin)-{_B}{{20,}}+", rf"sk-{_A}{{32,}}+(?!-)"),
    "stripe key": (rf"[rs]k_(?:live|test)_{_A}{{16,}}+", r"whsec_[A-Za-z0-9+/=]{32,}+"),
    "aws key id": (r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?!\w)",),
    "google key": (rf"AIza{_B}{{35}}", rf"GOCSPX-{_B}{{28}}"),
    "google token": (r"ya29\.[A-Za-z0-9._-]{20,}+",),
    "slack token": (r"xox[abeoprs]-[A-Za-z0-9-]{10,}+", r"xapp-\d-[A-Za-z0-9-]{20,}+"),
    "slack webhook": (r"(?P<keep>https://hooks\.slack\.com/services/)[A-Za-z0-9/]{20,}+",),
    "discord webhook": (
        rf"(?P<keep>https://discord(?:app)?\.com/api/webhooks/\d{{10,20}}/){_B}{{40,}}+",
    ),
    "telegram token": (rf"\d{{8,10}}:AA{_B}{{33}}",),
    "sendgrid key": (rf"SG\.{_B}{{16,32}}\.{_B}{{16,80}}",),
    "npm token": (rf"npm_{_A}{{36}}(?!\w)",),
    "pypi token": (rf"pypi-{_B}{{50,}}+",),
    "docker token": (rf"dckr_(?:pat|oat)_{_B}{{24,}}+",),
    "digitalocean token": (r"do[opr]_v1_[a-f0-9]{64}",),
    "databricks token": (r"dapi[a-f0-9]{32}(?!\w)",),
    "vault token": (rf"hv[sbr]\.{_B}{{24,}}+",),
    "shopify token": (r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",),
    "twilio key": (r"SK[a-f0-9]{32}(?!\w)",),
    "groq key": (rf"gsk_{_A}{{40,}}+",),
    "replicate token": (rf"r8_{_A}{{30,}}+",),
    "nvidia key": (rf"nvapi-{_B}{{50,}}+",),
    "xai key": (rf"xai-{_A}{{60,}}+",),
    "perplexity key": (rf"pplx-{_A}{{40,}}+",),
    "langsmith key": (r"lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}",),
    "weights and biases key": (r"wandb_v\d_\w{40,}+",),
    "kaggle token": (r"KGAT_[a-f0-9]{32}",),
    "age key": (r"AGE-SECRET-KEY-1[0-9A-Z]{50,}+",),
    "json web token": (rf"eyJ{_B}{{10,}}+\.eyJ{_B}{{10,}}+\.{_B}{{10,}}+",),
    "private key": (
        # Cut off before its end it is one, too.
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[A-Za-z0-9+/=\s\\,:.()_]|-(?!----))*+"
        r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?",
    ),
    "signature": (r"(?P<keep>(?:X-Amz-Signature|(?<=[?&])sig)=)[A-Za-z0-9%+/=_-]{32,}+",),
    "authorization": (
        rf"(?P<keep>(?i:(?:proxy-)?authorization{_Q}\s{{0,5}}[:=]\s{{0,5}}{_Q}"
        r"(?:bearer|basic|token)\s{1,5}))[A-Za-z0-9._~+/=-]{12,}+",
        r"(?P<keep>(?i:bearer\s{1,5}))(?=[A-Za-z._~+/-]{0,80}\d)[A-Za-z0-9._~+/=-]{20,}+",
    ),
    "credential": (rf"{_ASSIGNED}(?P<keep>{_NAMED}{_Q}\s{{0,5}}(?:=>|[:=])\s{{0,5}}{_Q}){_VALUE}",),
    "password in a url": (
        r"(?P<keep>[a-z][a-z0-9+.-]{1,20}+://[^\s:/@\"'<>\[\]]{0,64}+:)"
        r"[^\s:/@\"'<>\[\]{}$,]{3,128}+(?=@)",
    ),
}
#: Where a token may begin: not within a word, but behind an escape in JSON (`\n`), of a
#: terminal's colours (ends in `m`) or of a URL (`%3D`).
_BEGINS = r"(?:(?<![\w-])|(?<=\\[nrt])|(?<=[\d\[;]m)|(?<=%[0-9A-F]{2}))"


@cache
def _pattern(kind: str, begins: str = _BEGINS) -> re.Pattern[str]:
    """Made at the first use: all of them cost more than the start of the program may."""
    shapes = (s.replace("?P<keep>", f"?P<keep{n}>") for n, s in enumerate(_SHAPES[kind]))
    return re.compile(f"{begins}(?:{'|'.join(shapes)})")


#: Each mark with its kind, by a sign that is neither a letter nor a digit; "": it has none. A look
#: for one sign takes no time, and a text without it has none of the marks.
_MARKED: dict[str, list[tuple[str, str]]] = {}
for _kind, _marks in MARKS.items():
    for _mark in _marks:
        _sign = next((sign for sign in _mark if not sign.isalnum()), "")
        _MARKED.setdefault(_sign, []).append((_mark, _kind))
#: Characters of a line: it is looked at when it is logged, told and stored.
_LINE = 500


def _possible(text: str) -> list[str]:
    return _kinds_of_line(text) if len(text) <= _LINE else _kinds(text)


def _kinds(text: str) -> list[str]:
    small = text.lower()
    # Most texts have none: one pass, without a call for each kind.
    signs = [marked for sign, marked in _MARKED.items() if sign in small]
    found = {kind for marked in signs for mark, kind in marked if mark in small}
    return [kind for kind in MARKS if kind in found] if found else []


@lru_cache(maxsize=512)
def _kinds_of_line(text: str) -> list[str]:
    return _kinds(text)


def without_shapes(text: str) -> str:
    """`text` with `[secret: kind]` for whatever has the shape of a secret."""
    for kind in _possible(text):
        text = _pattern(kind).sub(partial(_named, kind), text)
    return text


def shapes_in(text: str, *, binary: bool = False) -> Iterator[tuple[str, str]]:
    """(kind, value) of whatever in `text` has the shape of a secret. `binary`: its words run
    together, so that a token may begin within one."""
    for kind in _possible(text):
        begins = "" if binary and kind in DISTINCT else _BEGINS
        for found in _pattern(kind, begins).finditer(text):
            value = found[0][len(_kept(found)) :]
            if not _is_example(value):
                yield kind, value


def _named(kind: str, found: re.Match[str]) -> str:
    keep = _kept(found)
    return found[0] if _is_example(found[0][len(keep) :]) else f"{keep}[secret: {kind}]"


def _kept(found: re.Match[str]) -> str:
    return next((part for part in found.groups() if part is not None), "")


def _is_example(value: str) -> bool:
    """As documentation has them: hf_xxxxxxxx, user:password@host."""
    return len(set(value[-12:])) < 3 or HOLDS_NONE.fullmatch(value) is not None
