"""Where commands run and files live: this machine."""

from tools.backend.local import LocalBackend
from tools.backend.protocol import Backend

__all__ = ["Backend", "LocalBackend"]
