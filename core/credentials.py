"""Whose credentials a piece of work uses: this machine's, or those of one signed-in user.

On the user's own machine a credential is a variable or the token of `hf auth login`. A server for
several users says so once (`serve_accounts`): from then on the only credential is the token of the
account for which a task acts, no variable counts, and files of the server are out of reach.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache

from core.errors import ToolError
from core.model_errors import NotAuthenticated

#: Tokens that redaction knows at once; the oldest go first.
MOST_TOKENS = 1000


@dataclass(eq=False)
class Account:
    """A signed-in user. token: of the Hub; "" after the sign-out, looked up at each use."""

    name: str
    token: str = field(default="", repr=False)

    def sign_in(self, token: str) -> None:
        """Work under way uses the new token from now on."""
        self.token = token
        _tokens[token] = None
        while len(_tokens) > MOST_TOKENS:
            del _tokens[next(iter(_tokens))]

    def sign_out(self) -> None:
        self.token = ""


_account: ContextVar[Account | None] = ContextVar("account", default=None)
_tokens: dict[str, None] = {}
_shared = False


def serve_accounts() -> None:
    """This process works for several users from now on; there is no way back."""
    global _shared
    _shared = True


def is_shared() -> bool:
    """Whether this process works for several users."""
    return _shared


@contextmanager
def acting_for(account: Account | None) -> Iterator[None]:
    """Tasks and threads that begin in the block act for `account`."""
    before = _account.set(account)
    try:
        yield
    finally:
        _account.reset(before)


def hub_token() -> str | None:
    """The Hub token of this moment: a user may log in while a session runs. May read a file: call
    it in a thread. Raises NotAuthenticated on a server, if the user is signed out."""
    account = _account.get()
    if account is not None and account.token:
        return account.token
    if account is not None or _shared:
        raise NotAuthenticated("you are signed out", "sign in again; the session is intact")
    return _library()()


@cache
def _library() -> Callable[[], str | None]:
    from huggingface_hub import get_token  # which the package looks up in a table at each import

    return get_token


def way_in(here: str) -> str:
    """How to log in to the Hub: `here` on the user's own machine; what a server's user does."""
    return "the user can sign out of this page and sign in again" if _shared else here


def variable(name: str) -> str:
    """A credential of this machine by its name; "" if there is none, or on a server."""
    return "" if _shared else os.environ.get(name, "")


def account_tokens() -> list[str]:
    """The tokens of all who signed in to this process."""
    return list(_tokens)


def check_local_file(what: str) -> None:
    """Raises ToolError if files of this machine are not the user's: on a server."""
    if _shared:
        raise ToolError(
            f"{what}: this server's files are out of reach. Pass the text itself; a job with the "
            "secret HF_TOKEN can upload what it made."
        )
