"""Subscriptions: the sign-in reaches the user, and nothing else that LiteLLM says does."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from configs.settings import Settings
from core.events import ToolLog, TurnComplete
from core.model_errors import ModelUnavailable, NotAuthenticated
from core.models.routes import resolve
from graph.session import RunOptions, Session
from tests.core.models.asking import Asking
from tests.stand_ins.device_sign_in import SignIn
from tests.stand_ins.model_server import closed_port

MODELS = {
    "chatgpt/gpt-5.5": ("https://auth.openai.com/codex/device", "WXYZ-1"),
    "github_copilot/gpt-4o": ("https://github.com/login/device", "ABCD-2"),
}


@pytest.fixture
def sign_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[SignIn]:
    found = SignIn()
    with found.server:
        found.install(monkeypatch)
        yield found


@pytest.mark.parametrize("model", MODELS)
def test_no_key_is_asked_for(model: str) -> None:
    resolve(model, Settings()).check()


@pytest.mark.parametrize("model", MODELS)
async def test_the_address_and_the_code_reach_the_user(
    model: str, sign_in: SignIn, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    a = Asking(sign_in.server)  # type: ignore[arg-type]
    answer = await a.ask(model)
    assert (answer.message.text, answer.cost_micro_usd) == ("hi", 0)
    said, (address, code) = "\n".join(a.logs), MODELS[model]
    assert address in said
    assert code in said
    # It is kept, in a folder that is only the user's.
    asked = len(sign_in.paths)
    assert (await a.ask(model)).message.text == "hi"
    assert (len(sign_in.paths), "\n".join(a.logs)) == (asked + 1, said)
    folder = tmp_path / "home" / ".config" / "litellm" / model.partition("/")[0]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert capfd.readouterr() == ("", "")


async def test_they_reach_the_user_of_a_session(
    sign_in: SignIn, settings: Settings, workdir: Path
) -> None:
    options = RunOptions(model="github_copilot/gpt-4o", interactive=False)
    async with Session.open(settings, cwd=workdir, options=options) as session:
        events = [event async for event in session.send("hello")]
    told = [event.text for event in events if isinstance(event, ToolLog)]
    assert len(told) == 1
    assert "https://github.com/login/device and enter code ABCD-2" in told[0]
    last = events[-1]
    assert isinstance(last, TurnComplete)
    assert (last.text, last.cost_micro_usd) == ("hi", 0)


@pytest.mark.parametrize("model", MODELS)
async def test_waiting_can_be_stopped_and_begun_again(model: str, sign_in: SignIn) -> None:
    sign_in.approved = False
    a = Asking(sign_in.server)  # type: ignore[arg-type]
    waiting = asyncio.ensure_future(a.ask(model))
    while MODELS[model][1] not in "\n".join(a.logs):
        await asyncio.sleep(0.02)
    threads = threading.active_count()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    while threading.active_count() >= threads:
        await asyncio.sleep(0.02)
    sign_in.approved = True
    assert (await a.ask(model)).message.text == "hi"


@pytest.mark.parametrize("model", MODELS)
async def test_offline_it_is_one_clear_line(
    model: str, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in.server.root = f"http://127.0.0.1:{closed_port()}"
    sign_in.install(monkeypatch)
    a = Asking(sign_in.server)  # type: ignore[arg-type]
    error = await a.refused(model)
    assert isinstance(error, ModelUnavailable)
    assert error.message.startswith("Cannot sign in to ")
    assert "refused" in error.message
    assert "litellm" not in error.message.lower()
    assert a.logs == []


async def test_an_account_without_the_subscription(sign_in: SignIn) -> None:
    sign_in.subscribed = False
    a = Asking(sign_in.server)  # type: ignore[arg-type]
    error = await a.refused("github_copilot/gpt-4o")
    assert isinstance(error, NotAuthenticated)
    assert "Cannot sign in to GitHub Copilot" in error.message
    assert "403" in error.message or "subscription" in error.message
