"""What a change of a file does: some files are instructions that later sessions follow."""

import os

from configs.memory import is_memory
from core.effects import Effect
from core.policy.paths import named

#: Files whose text a session is given as instructions, wherever they are.
INSTRUCTIONS = "AGENTS.md"


def write_effect(path: str, cwd: str, preview: str) -> Effect:
    """The user sees a change of instructions before it is made, whatever the mode allows."""
    place = named(path, cwd)
    if is_memory(place, named(".", cwd)):
        asks = "later sessions in this folder are told what is in it"
        return Effect("write", (path,), preview=preview, asks=asks, skippable=True)
    is_told = os.path.basename(place) == INSTRUCTIONS
    asks = "later sessions follow the instructions in it" if is_told else ""
    return Effect("write", (path,), preview=preview, asks=asks)
