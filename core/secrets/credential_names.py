"""Names of variables and fields that hold credentials, judged by their words.

A list of known names is never complete, so a name is taken apart: MYSQL_ROOT_PASSWORD, DB_PASS,
githubPat and apikey all end in a word that says what is behind it.
"""

import re
from functools import lru_cache

#: A word of the name that is one of these.
_WORDS = frozenset((
    "AUTH", "BEARER", "CRED", "CREDENTIAL", "CREDENTIALS", "CREDS", "DSN", "JWT", "KEY",
    "LICENSE", "OTP", "PASS", "PAT", "PIN", "PRIVATE", "PSK", "PW", "PWD", "SAS", "SECRET",
    "SECRETS", "SESSION", "SIG", "SIGNATURE",
    "WEBHOOK",
))  # fmt: skip
#: A word that ends in one of these: PGPASSWORD, APIKEY, AUTHTOKEN.
_ENDINGS = (
    "PASSWORD", "PASSWORDS", "PASSWD", "PASSPHRASE", "TOKEN", "SECRET", "APIKEY", "APIKEYS",
    "ACCESSKEY", "SECRETKEY", "PRIVATEKEY", "AUTHKEY", "CREDENTIAL", "CREDENTIALS", "DBPASS",
)  # fmt: skip
#: What says of a credential where it is or how long it holds, not what it is.
_ABOUT = frozenset((
    "ALGORITHM", "BACKEND", "COUNT", "DIR", "DIRECTORY", "DISABLED", "ENABLED", "ENDPOINT",
    "EXPIRES", "EXPIRY", "FILE", "HOST", "IP", "LENGTH", "LIFETIME", "LIMIT", "METHOD", "MODE",
    "MEMORY", "NAME", "PARALLELISM", "PATH", "PORT", "PROVIDER", "REGION", "SIZE", "SOCK", "SOCKET",
    "STORE", "TIMEOUT", "TTL", "TYPE", "VERSION",
))  # fmt: skip
#: Addresses that hold a password more often than not.
_ADDRESS = re.compile(
    r"(?:DATABASE|DB|REDIS|MONGO|MONGODB|POSTGRES|POSTGRESQL|PG|MYSQL|AMQP|RABBITMQ|BROKER"
    r"|SQLALCHEMY\w*|CELERY\w*|CACHE|QUEUE|JDBC|ELASTICSEARCH|CLICKHOUSE)_(?:URL|URI)"
    r"|CONN(?:ECTION)?_?(?:STRING|STR)"
)
#: Signs of a text that a model knows: PAD_TOKEN, eos_token.
_OF_TEXT = frozenset((
    "AUDIO", "BOS", "CLS", "END", "EOS", "IMAGE", "MASK", "PAD", "SEP", "SPECIAL", "START", "STOP",
    "UNK", "VIDEO",
))  # fmt: skip
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@lru_cache(maxsize=8192)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a name in capitals: `db_Pass`, `dbPass` and `DB-PASS` are DB and PASS."""
    parts = (_CAMEL.split(part) for part in re.split(r"[^A-Za-z0-9]+", name))
    return tuple(word.upper() for part in parts for word in part if word)


@lru_cache(maxsize=8192)
def is_credential_name(name: str) -> bool:
    """Whether what is behind this name is a credential, as far as a name can say."""
    words = words_of(name)
    if not words or words in (("PWD",), ("OLDPWD",)) or words[-1] in _ABOUT:
        return False
    if words[-1] == "TOKEN" and _OF_TEXT.intersection(words[:-1]):
        return False
    if _ADDRESS.search("_".join(words)):
        return True
    return any(word in _WORDS or word.endswith(_ENDINGS) for word in words)
