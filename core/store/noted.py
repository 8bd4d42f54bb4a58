"""Notes that the user is told once, not in each session."""

from hashlib import sha256
from pathlib import Path

from configs.folders import make_private_folder


def is_first_time(state: Path, what: str) -> bool:
    """Whether `what` was not told before; from now on it was. Of two processes at once, one is
    first. If the state directory cannot be written to, it is told again."""
    try:
        folder = state / "noted"
        make_private_folder(folder)
        (folder / sha256(what.encode()).hexdigest()[:16]).open("x").close()
    except FileExistsError:
        return False
    except OSError:
        pass
    return True
