"""What glob and grep share: what is left out of a search, and how names are shown."""

from core.policy.paths import is_secret, named, resolved


def hides_secrets(path: str, cwd: str) -> bool:
    """Whether a file that a search came by is left out: reading it would be asked about."""
    return is_secret(named(path, cwd)) or is_secret(resolved(path, cwd))


def shown(text: str) -> str:
    """A name or line as text: bytes that are no UTF-8 stand as escapes."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
