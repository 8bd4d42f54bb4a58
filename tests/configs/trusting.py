"""What tests do about trust: the user's answers, without a terminal."""

from pathlib import Path

from configs.folder import Brought, look_at
from configs.layers import load
from configs.trust import remember


def brought_by(folder: Path, *, new_keys: bool = True) -> Brought:
    """What `folder` brings, as the command line sees it."""
    found = look_at(folder, new_keys=new_keys)
    loaded = load(cwd=folder, environ={})
    return found.plus(loaded.answers, loaded.items)


def answer_all(folder: Path, *, trusted: bool) -> Brought:
    """Answer the question of trust for all that `folder` brings; what it was asked about."""
    found = brought_by(folder)
    remember(folder, (*found.waiting, *found.refused), trusted=trusted)
    return found
