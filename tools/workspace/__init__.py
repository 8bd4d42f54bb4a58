"""Where commands run and files live: this machine, or a sandbox."""

from tools.workspace.protocol import Backend, Entry, Quote, RunningCommand, Search, Spending
from tools.workspace.this_machine import LocalBackend

__all__ = ["Backend", "Entry", "LocalBackend", "Quote", "RunningCommand", "Search", "Spending"]
