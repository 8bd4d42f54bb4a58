"""Keys of a folder's .env: taken only if the user has no credential of that provider."""

import hashlib
import os
import re
from collections.abc import Callable, Collection, Mapping
from io import StringIO
from pathlib import Path

from configs.folder_files import text_in_folder
from configs.trust import Item

#: Names that .env may bring: credentials, never addresses.
NAMES = re.compile(r"^(?:[A-Z0-9_]+_API_KEY|HF_TOKEN|GITHUB_TOKEN)$")
#: Not those of services that would be sent what the program does: the owner of the key could
#: read it. Nor ours, which are settings.
NEVER = re.compile(r"^(?:ML_AGENT|LANGSMITH|LANGCHAIN|LANGFUSE|OTEL|SENTRY)_")
#: Variables that are one provider's credential under several names.
SAME = (
    frozenset({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_API_KEY", "HF_API_KEY",
               "HUGGINGFACE_HUB_API_KEY", "HUGGINGFACEHUB_API_TOKEN"}),
    frozenset({"GITHUB_TOKEN", "GH_TOKEN", "GITHUB_API_KEY", "GITHUB_ENTERPRISE_TOKEN",
               "GH_ENTERPRISE_TOKEN"}),
    frozenset({"GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_APPLICATION_CREDENTIALS"}),
    frozenset({"TOGETHERAI_API_KEY", "TOGETHER_API_KEY", "TOGETHER_AI_API_KEY"}),
)  # fmt: skip

#: What was taken in this process, with its value; it is in the process's environment.
taken: dict[str, str] = {}


def keys_of_folder(folder: Path) -> dict[str, str]:
    """The credentials that the folder's .env names. Raises FileNotFoundError, Unreadable."""
    from dotenv import dotenv_values

    text = text_in_folder(folder / ".env", folder)
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    return {
        name: value
        for name, value in values.items()
        if value and NAMES.match(name) and not NEVER.match(name) and "\0" not in value
    }


def keys_to_take(folder: Path) -> dict[str, str]:
    """Those of which the user has no credential in any way. What was taken before is let go of
    first, so that it does not count as the user's. Raises as `keys_of_folder`."""
    release_keys()
    mine = {name for name, value in os.environ.items() if value}
    return {k: v for k, v in keys_of_folder(folder).items() if not _is_known(k, mine)}


def key_items(keys: Mapping[str, str]) -> list[Item]:
    """Each key as what is to be trusted; its value is never shown."""
    return [
        Item(".env", name, (f"{name} from .env",), hashlib.sha256(value.encode()).hexdigest())
        for name, value in keys.items()
    ]


def apply_keys(keys: Mapping[str, str]) -> None:
    """Set them in the environment."""
    os.environ.update(keys)
    taken.update(keys)


def release_keys() -> None:
    """Take what was set out of the environment again, unless another value is there now."""
    for name, value in taken.items():
        if os.environ.get(name) == value:
            del os.environ[name]
    taken.clear()


def _is_known(name: str, mine: Collection[str]) -> bool:
    names = next((group for group in SAME if name in group), frozenset({name}))
    if names & set(mine) or any(STORED[one]() for one in names & STORED.keys()):
        return True
    family = name.removesuffix("_API_KEY")
    other = re.compile(rf"{re.escape(family)}_(?:\w+_)?(?:KEY|TOKEN|KEY_ID)")
    return family != name and any(other.fullmatch(known) for known in mine)


def _has_hub_login() -> bool:
    """`hf auth login` keeps a token in a file, which huggingface_hub finds."""
    from huggingface_hub import get_token

    return bool(get_token())


def _has_github_login() -> bool:
    """`gh auth login` names the host in its settings, wherever the token itself is kept. Commands
    run gh, and a variable would win over its login."""
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    place = os.environ.get("GH_CONFIG_DIR") or os.path.join(home, "gh")
    return "github.com" in _text(Path(place) / "hosts.yml")


def _has_wandb_login() -> bool:
    netrc = os.environ.get("NETRC") or os.path.expanduser("~/.netrc")
    return "api.wandb.ai" in _text(Path(netrc))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""


#: Credentials that a login keeps outside of the environment, by variable.
STORED: dict[str, Callable[[], bool]] = {
    "HF_TOKEN": _has_hub_login,
    "GITHUB_TOKEN": _has_github_login,
    "WANDB_API_KEY": _has_wandb_login,
}
