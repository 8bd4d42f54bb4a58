"""The command sandbox: what commands on this machine may read, write and reach.

Not the Hugging Face sandbox, which is another machine (tools/workspace/sandbox/machine.py).
"""

from tools.workspace.command_sandbox.refusals import report
from tools.workspace.command_sandbox.sandbox import (
    STARTS,
    CommandPlace,
    CommandSandbox,
    Found,
    Wrapped,
    find,
    in_words,
)

__all__ = [
    "STARTS",
    "CommandPlace",
    "CommandSandbox",
    "Found",
    "Wrapped",
    "find",
    "in_words",
    "report",
]
