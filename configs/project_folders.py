"""The folders of a project, from the working directory up to the repository's top."""

import os
from collections.abc import Iterator
from pathlib import Path


def folders_upward(cwd: Path) -> Iterator[tuple[Path, Path]]:
    """(folder, top): `cwd` and the folders above it up to the repository's top; outside of a
    repository `cwd` alone. A folder of another user's above stops the way: a user who can write
    into /tmp could otherwise make a repository of it, with instructions for everyone below."""
    above = [cwd, *cwd.parents]
    own = {_owner(cwd), os.getuid(), 0}
    count = 1
    for number, folder in enumerate(above):
        if _owner(folder) not in own:
            break
        if _owner(folder / ".git") in own:
            count = number + 1
            break
    top = above[count - 1]
    for folder in above[:count]:
        yield folder, top


def _owner(path: Path) -> int | None:
    """Whose it is; None if it is not there."""
    try:
        return os.stat(path).st_uid
    except (OSError, ValueError):
        return None
