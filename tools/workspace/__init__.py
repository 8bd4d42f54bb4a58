"""Where commands run and files live: this machine, or a sandbox."""

from tools.workspace.protocol import Backend, Command, Entry, Quote, Search, Spending
from tools.workspace.this_machine import LocalBackend

__all__ = ["Backend", "Command", "Entry", "LocalBackend", "Quote", "Search", "Spending"]
