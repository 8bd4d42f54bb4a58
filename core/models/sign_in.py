"""Signing in to a subscription: ChatGPT and GitHub Copilot, by LiteLLM's own device sign-in.

LiteLLM prints an address and a code, waits for the browser in the thread that asked, and logs why
it fails. Here it waits in another thread, what it prints goes to the session, and a failure
is one error. Source: litellm/llms/{chatgpt,github_copilot}/authenticator.py.
"""

import asyncio
import contextvars
import importlib
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from core.model_errors import ModelError, ModelUnavailable, NotAuthenticated
from core.models.errors import classify
from core.models.known_providers import SUBSCRIPTIONS
from core.models.loading import load_beside

Tell = Callable[[str], None]


class _Left(BaseException):
    """The user stopped waiting. LiteLLM asks for another code after an Exception."""


@dataclass
class _Attempt:
    """A sign-in of one thread: who hears of it, why it failed, and whether it is left."""

    tell: Tell
    causes: list[BaseException] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)


_of_thread = threading.local()
#: One at a time: the second finds the token of the first.
_alone = threading.Lock()


async def sign_in(provider: str, tell: Tell) -> None:
    """Make sure that there is a token for `provider`; a kept one is renewed without a question.

    Args:
        tell: gets the lines that say which address to open and which code to enter.

    Raises NotAuthenticated, ModelUnavailable.
    """
    loop = asyncio.get_running_loop()
    # LangGraph's stream writer works in the context of its node only.
    context = contextvars.copy_context()

    def tell_loop(text: str) -> None:
        loop.call_soon_threadsafe(tell, text, context=context)

    attempt, ended = _Attempt(tell_loop), loop.create_future()

    def settle(error: BaseException | None) -> None:
        if not ended.done():
            ended.set_result(error)

    def work() -> None:
        with _alone:
            error = _signed_in(provider, attempt)
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, error)

    # Not a thread of the pool: the program ends without it.
    threading.Thread(target=work, daemon=True).start()
    try:
        error = await ended
    finally:
        attempt.left.set()
    if error is not None:
        raise _as_ours(provider, attempt.causes[0] if attempt.causes else error)


def _signed_in(provider: str, attempt: _Attempt) -> BaseException | None:
    """Ask LiteLLM for the token; why there is none."""
    _of_thread.attempt = attempt
    try:
        authenticator = _module(provider).Authenticator()
        # The files in it are readable to all.
        os.chmod(authenticator.token_dir, 0o700)
        # Else a sign-in that was left makes the next one wait for five minutes.
        authenticator._get_device_code_cooldown_remaining = lambda data: 0.0
        getattr(authenticator, SUBSCRIPTIONS[provider].token)()
    except BaseException as error:
        return error
    finally:
        del _of_thread.attempt
    return None


def _module(provider: str) -> Any:
    """LiteLLM's module, with what it prints, logs and waits for in our hands."""
    name = f"litellm.llms.{provider}.authenticator"
    load_beside([name])
    module: Any = importlib.import_module(name)
    module.print, module.verbose_logger, module.time = _print, _Log(), _Clock()
    return module


def _print(text: str, **_: Any) -> None:
    attempt = getattr(_of_thread, "attempt", None)
    if attempt is not None:
        for line in text.splitlines():
            attempt.tell(line)


class _Log:
    """In place of LiteLLM's logger: keeps the errors that it logs, and nothing else."""

    def error(self, text: str, *args: Any) -> None:
        attempt = getattr(_of_thread, "attempt", None)
        if attempt is not None:
            attempt.causes += [arg for arg in args if isinstance(arg, BaseException)]

    warning = info = debug = error


class _Clock:
    """In place of `time`: a pause ends when the user stops waiting."""

    time = staticmethod(time.time)

    def sleep(self, seconds: float) -> None:
        attempt = getattr(_of_thread, "attempt", None)
        if attempt is None:
            time.sleep(seconds)
        elif attempt.left.wait(seconds):
            raise _Left


def _as_ours(provider: str, error: BaseException) -> ModelError:
    failure = classify(error) if isinstance(error, Exception) else None
    said = failure.said if failure else str(error)
    message = f"Cannot sign in to {SUBSCRIPTIONS[provider].name}: {said}"
    if failure and failure.kind != "final":
        return ModelUnavailable(message, "check the network, then run it again")
    return NotAuthenticated(message, "run it again to get a new code")
