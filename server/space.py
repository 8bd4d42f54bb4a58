"""The Space: the server for all who sign in with Hugging Face. Chosen by SPACE_ID, no way back.

Its settings are built here, not merged from files and variables: a user gets none of what the
operator has. Every session works in a sandbox, which is a job of the user's own account.
"""

import asyncio
import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import platformdirs

from configs.folders import make_private_folder
from configs.settings import Settings
from core.credentials import Account, serve_accounts
from core.errors import UsageError
from core.secrets.credential_names import is_credential_name
from graph.options import RunOptions
from server.limits import Limits
from server.oauth import Provider
from server.serve import bound, serve
from server.site import Site
from server.space_access import SpaceAccess
from server.users import User, Users

PORT = 7860
#: The hardware of a session's sandbox, which the user pays.
FLAVOR = "cpu-basic"
#: USD that one turn, and one user's day, may cost at most.
TURN, DAY = 10.0, 50.0
#: A Space's persistent storage, if it has one.
STORAGE = Path("/data")
LOST = "This Space has no persistent storage: sessions are lost when it restarts."


def settings_for(folder: Path) -> Settings:
    """The settings of one user, whose state directory is `folder`."""
    return Settings.model_validate(
        {
            "mode": "ask",
            "state_dir": str(folder),
            "budget": {"turn": TURN, "day": DAY},
            "sandbox": {"flavor": FLAVOR},
            "sandbox_commands": "required",
            "child_tokens": [],
            "job_secrets": ["HF_TOKEN"],
            "undo_files": False,
            "alert": "off",
        }
    )


def space(environ: Mapping[str, str], home: Path, limits: Limits | None = None) -> Site:
    """The site of a Space. home: where the users' folders are. Raises UsageError."""
    host = environ.get("SPACE_HOST", "")
    if not host:
        raise UsageError("Cannot serve the Space: SPACE_HOST is not set.", "run it in a Space")

    def make(key: str) -> User:
        # The id is the provider's; a digest of it is a safe name of a folder.
        folder = home / "users" / hashlib.sha256(key.encode()).hexdigest()[:32]
        work = folder / "work"
        make_private_folder(folder)
        make_private_folder(work)
        return User(
            settings_for(folder),
            users.limits,
            folder=work,
            account=Account(key),
            options=RunOptions(sandbox=FLAVOR),
        )

    users = Users(make, limits or Limits())
    return Site(
        kind="space",
        access=SpaceAccess(Provider.of_space(environ), users, f"https://{host}"),
        users=users,
        hosts=frozenset({host.lower()}),
        scheme="https",
        modes=("ask", "auto", "read-only"),
        warnings=() if home.is_relative_to(STORAGE) else (LOST,),
    )


def forget_credentials() -> None:
    """Take every credential out of the environment. Nothing relies on that: no variable counts
    after `serve_accounts`."""
    for name in [*os.environ]:
        if is_credential_name(name) or name.startswith("OAUTH_"):
            del os.environ[name]
    # Read when huggingface_hub is imported: a request without a token stays one.
    os.environ["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1"


def start(say: Callable[[str], None], port: int | None = None) -> None:
    """Serve the Space until it is stopped. Raises AgentError."""
    environ = dict(os.environ)
    serve_accounts()
    forget_credentials()
    has_storage = os.access(STORAGE, os.W_OK)
    home = STORAGE / "ml-agent" if has_storage else platformdirs.user_state_path("ml-agent-space")
    make_private_folder(home)
    site = space(environ, home)
    listener = bound("0.0.0.0", port or PORT)
    site.users.warm(settings_for(home))
    asyncio.run(serve(site, listener, lambda: say(f"serving {environ['SPACE_ID']}")))
