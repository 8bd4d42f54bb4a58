"""The Hub token for commands, as the file that huggingface_hub reads.

A variable is inherited by every program that a command starts, and `env`, crash reports and logs
print it. So a command gets `HF_TOKEN_PATH`, the path of a file that only the user can read; the
sandbox shows that file and hides the user's own login.
"""

from contextlib import suppress
from pathlib import Path

from configs.folders import write_atomically


def hub_login(state: Path) -> Path | None:
    """The file with the token that ML Agent itself uses; None if the user is not logged in.

    Args:
        state: the state directory. Raises OSError.
    """
    from huggingface_hub import get_token

    token, file = get_token(), state / "login" / "token"
    if not token:
        with suppress(FileNotFoundError):
            file.unlink()
        return None
    with suppress(FileNotFoundError):
        if file.read_text(encoding="utf-8") == token:
            return file
    write_atomically(file, token)
    return file
