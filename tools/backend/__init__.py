"""Where commands run and files live: this machine, or a sandbox."""

from tools.backend.local import LocalBackend
from tools.backend.protocol import Backend, Command, Entry, Quote, Search, Spending

__all__ = ["Backend", "Command", "Entry", "LocalBackend", "Quote", "Search", "Spending"]
