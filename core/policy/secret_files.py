"""Names of files that hold credentials.

By kind of name, not by a list of all: a file's last words say what it is (`prod.secrets.yaml`,
`gcp-key.json`), and a copy of it (`.bak`, `~`) is the same. What holds a secret under any other
name is found by its content before it leaves (core/secrets/leaving.py).
"""

import re
import unicodedata
from fnmatch import translate
from functools import cache, lru_cache
from itertools import pairwise

#: Whole names, and patterns of names.
_NAMES = (
    ".env", ".env.*", ".env-*", ".env_*", "*.env", ".envrc", ".netrc", "_netrc", ".pgpass",
    ".pypirc", ".npmrc", ".git-credentials", ".htpasswd", "*.htpasswd", ".htdigest", ".my.cnf",
    ".mylogin.cnf", ".s3cfg", ".boto", ".cdsapirc", ".databrickscfg", ".terraformrc",
    ".smbcredentials", ".dockercfg", ".dockerconfigjson", ".vault-token", ".secrets", ".token",
    ".credentials", "rclone.conf", "kaggle.json", "token", "token.json", "token.txt",
    "credentials", "credential", "secrets", ".passwd", "master.key", "oauth_creds.json",
    "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*.pem", "*.key", "*.p8", "*.p12", "*.pfx",
    "*.ppk", "*.jks", "*.bcfks", "*.keystore", "*.keytab", "*.kdb", "*.kdbx", "*.ovpn",
    "*.agekey", "*.tfstate", "*.tfvars", "*.tfvars.json", "*.secret", "*.secrets", "*.token",
    "*.credentials", "client_secret*.json", "*firebase-adminsdk*.json",
)  # fmt: skip
#: Names without an ending, which folders of source code have too.
MAY_BE_FOLDER = frozenset(("token", "credentials", "credential", "secrets"))
#: Examples of settings hold none, nor does the public half of a key.
_NOT_SECRET = re.compile(
    r".*\.pub|\.env[.-](?:example|sample|template|dist)|(?:example|sample|template)\.env"
    r"|(?:.*[._-])?(?:example|sample|template)[._-].*\.(?:ya?ml|toml|json|ini)"
    r"|.*[._-](?:example|sample|template)(?:\.(?:ya?ml|toml|json|ini))?"
)
#: `secrets.yaml`, `db-credentials.json`, `secrets.prod.toml`; `credentials.md` tells of them.
_STRUCTURED = r"\.(?:ya?ml|toml|json|ini|cfg|conf|properties|xml)"
_SECRET_WORD = r"(?:secrets?|credentials?|creds|passwords?)"
_STAGE = r"(?:prod|production|dev|development|stage|staging|test|local|default|private)"
_CLOUD = (
    r"(?:gcp|gcloud|google|aws|azure|sa|service|private|api|ssh|access|secret|deploy|admin"
    r"|firebase|bigquery|bq|openai|anthropic|hf)"
)
_BY_WORDS = re.compile(
    rf"(?:[\w.-]*[._-])?{_SECRET_WORD}(?:[._-]{_STAGE})*{_STRUCTURED}"
    rf"|{_SECRET_WORD}(?:\.(?:txt|csv|db|sqlite3?))"
    rf"|(?:[\w.-]*[._-])?{_CLOUD}[._-]?keys?(?:{_STRUCTURED}|\.txt)"
    rf"|(?:[\w.-]*[._-])?service[._-]?accounts?(?:[._-][\w.-]*)?\.json"
    rf"|(?:[\w.-]*[._-])?(?:hf|huggingface|github|gh|gitlab|api|access|auth|bearer|vault)"
    rf"[._-]?token(?:\.(?:txt|json))?"
)
_COPY = re.compile(r"(?:\.(?:bak|backup|old|orig|save|saved|copy|prev|swp|tmp|\d{1,3})|~)+$")
_UNUSUAL = re.compile(r"[^!-~]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: Folders whose files are secret, wherever they stand; and files of folders. In a .ssh of a
#: project only its keys are, by their names.
_FOLDERS = frozenset((".gnupg", ".aws", ".azure", ".kube", ".secrets"))
_IN_FOLDERS = (
    (".docker", "config.json"),
    *((".config", name) for name in ("gcloud", "gh", "litellm")),
)


@lru_cache(maxsize=50_000)
def is_secret_name(path: str) -> bool:
    """Whether a path names a file that holds credentials, in any folder. No look at the disk. Asked
    of each file at each command."""
    # Some file systems know no difference between .env and .ENV.
    parts = _plain(path).replace("\\", "/").lower().rstrip("/").split("/")
    if _FOLDERS.intersection(parts[:-1]) or parts[-1] in _FOLDERS:
        return True
    if any(pair in pairwise(parts) for pair in _IN_FOLDERS):
        return True
    name = parts[-1]
    # `.#file` and `#file#` are an editor's copies.
    stem = _COPY.sub("", name.strip("#").removeprefix(".#")) or name
    if _NOT_SECRET.fullmatch(stem):
        return False
    return any(map(_any_name().match, {name, stem})) or bool(_BY_WORDS.fullmatch(stem))


def _plain(path: str) -> str:
    """Without what no one sees in a name: `.env` and a space, a line end, or a joiner."""
    if _UNUSUAL.search(path) is None:
        return path
    if not path.isascii():
        path = unicodedata.normalize("NFKC", path)
    seen = "".join(c for c in path if c.isascii() or unicodedata.category(c)[0] not in "CZ")
    return "/".join(part.strip() for part in _CONTROL.sub("", seen).split("/"))


@cache
def _any_name() -> re.Pattern[str]:
    # One pattern: a snapshot asks this of fifty thousand files.
    return re.compile("|".join(map(translate, _NAMES)))
