"""Commands get the Hub token as a file, and only while they have the network."""

import os
import stat

import pytest
from huggingface_hub import constants

from core.run import Reach
from tests.tools.bench import Bench
from tools.workspace.this_machine import hub_login

TOKEN = "hf_aTokenOfTheUser0123456789abcdefgh"


async def seen(bench: Bench, command: str = 'cat "${HF_TOKEN_PATH-/nowhere}"; env') -> str:
    """What a command saw, from a file: results are redacted."""
    await bench.call("bash", command=f"({command}) > seen.txt")
    return (bench.cwd / "seen.txt").read_text()


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)


async def test_a_command_with_network_has_the_token_in_a_file_and_not_in_its_variables(
    bench: Bench,
) -> None:
    text = await seen(bench)
    assert text.startswith(TOKEN)
    assert TOKEN not in text.removeprefix(TOKEN)


async def test_no_process_of_a_command_shows_the_token(bench: Bench) -> None:
    command = "tr '\\0' '\\n' < /proc/self/environ; sleep 0"
    assert TOKEN not in await seen(bench, command)


@pytest.mark.parametrize("reach", ["offline", "read-only"])
async def test_a_command_without_network_has_no_token(bench: Bench, reach: Reach) -> None:
    bench.reach = reach
    text = (await bench.call("bash", command='cat "${HF_TOKEN_PATH-/nowhere}"; env')).text
    assert "/nowhere" in text
    assert "[secret" not in text
    assert TOKEN not in text
    assert "HF_TOKEN" not in text


async def test_a_setting_holds_it_back(bench: Bench) -> None:
    bench.services.settings.child_tokens = []
    assert TOKEN not in await seen(bench)


async def test_a_setting_gives_it_as_a_variable_too(bench: Bench) -> None:
    bench.services.settings.child_environment = ["HF_TOKEN"]
    assert f"HF_TOKEN={TOKEN}" in await seen(bench)


def test_only_the_user_can_read_the_file_and_it_follows_the_login(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = bench.services.settings.state_path()
    file = hub_login(state)
    assert file is not None
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    monkeypatch.setenv("HF_TOKEN", "hf_another")
    assert hub_login(state) == file
    assert file.read_text() == "hf_another"
    monkeypatch.delenv("HF_TOKEN")
    # The library took the home of the test that imported it, which may have a token.
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", os.environ["HF_TOKEN_PATH"])
    assert hub_login(state) is None
    assert not file.exists()
