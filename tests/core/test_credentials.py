"""Whose credentials work uses: on a server each user's own, and nothing of the server's."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

import pytest

from configs.mcp import McpServer
from configs.settings import Settings
from core import credentials
from core.credentials import Account, acting_for, hub_token
from core.errors import AgentError, ToolError
from core.hub.connection import Hub
from core.hub.leaving_secrets import secrets_of
from core.model_errors import NotAuthenticated, UnknownModel
from core.models.defaults import default_model
from core.models.routes import resolve
from core.secrets.redaction import redacted
from nodes.services import in_sandbox
from nodes.surroundings import surroundings
from tests.stand_ins.hub_server import HubServer
from tools.github.api import token as github_token
from tools.hub.datasets.viewer import Viewer
from tools.hub.fit.hardware import local_gpus
from tools.hub.jobs.spec import read_script
from tools.hub.repo.files import files_of
from tools.mcp.config import start_of


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """A server for several users, whose operator left credentials lying about."""
    monkeypatch.setattr(credentials, "_shared", True)
    monkeypatch.setattr(credentials, "_tokens", {})
    for name in ("HF_TOKEN", "GITHUB_TOKEN", "WANDB_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, f"operators-{name.lower()}-0123456789")
    account = Account("ada")
    account.sign_in("user-token-of-ada-123")
    with acting_for(account):
        yield account


def test_on_the_users_machine_a_token_is_found_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_of_this_machine")
    assert hub_token() == "hf_of_this_machine"


async def test_each_task_and_its_threads_use_their_users_token(shared: Account) -> None:
    async def of(name: str) -> tuple[str | None, str]:
        account = Account(name)
        account.sign_in(f"token-of-{name}")
        with acting_for(account):
            await asyncio.sleep(0)
            route = await asyncio.to_thread(resolve, "hf/org/model", Settings())
            return await asyncio.to_thread(hub_token), route.api_key

    found = await asyncio.gather(*(of(name) for name in ("ada", "bob", "cy")))
    assert found == [(f"token-of-{n}", f"token-of-{n}") for n in ("ada", "bob", "cy")]


async def test_no_server_sees_the_token_of_another_user(
    shared: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HubServer() as server, HubServer() as viewer_server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        settings = Settings(dataset_viewer_url=viewer_server.url)
        place = McpServer.model_validate({"url": f"{server.url}/mcp"})

        async def work(name: str) -> str:
            account = Account(name)
            account.sign_in(f"token-of-{name}")
            hub = Hub(settings)
            with acting_for(account):
                for _ in range(3):
                    with suppress(ToolError):  # who asks is all that counts here
                        await hub.ask(lambda api: api.model_info(f"{name}/model"), again=False)
                    with suppress(ToolError):
                        await hub.get(f"/api/models/{name}/model")
                    with suppress(ToolError):
                        await Viewer(hub).get("/splits", f"{name}/data")
                return (await asyncio.to_thread(start_of, place, ".")).headers["Authorization"]

        names = ("ada", "bob", "cy")
        found = await asyncio.gather(*(work(name) for name in names))
        assert list(found) == [f"Bearer token-of-{name}" for name in names]
        asked = [*server.requests, *viewer_server.requests]
        assert len(asked) >= 3 * 3 * len(names)
        for request in asked:
            (owner,) = [name for name in names if f"{name}/" in unquote(request.target)]
            assert request.headers["authorization"] == f"Bearer token-of-{owner}"


def test_without_a_user_there_is_no_token(shared: Account) -> None:
    with acting_for(None), pytest.raises(NotAuthenticated):
        hub_token()
    shared.sign_out()
    with pytest.raises(NotAuthenticated, match="signed out"):
        hub_token()


def test_every_signed_in_users_token_is_redacted(shared: Account) -> None:
    bob = Account("bob")
    bob.sign_in("opaque/of+bob=1234567")
    said = redacted("user-token-of-ada-123 and opaque/of+bob=1234567")
    assert said == "[secret HF_TOKEN] and [secret HF_TOKEN]"
    assert "user-token" not in repr(shared)


@pytest.mark.parametrize(
    "model",
    [
        "replay//etc/passwd", "replay/demo", "local/x", "ollama/x", "llamacpp/x", "vllm/x",
        "anthropic/claude", "openai/gpt-5", "litellm/hf/org/model", "gpt-4o", "org/model",
        "huggingface/org/model", "HF/org/model", " hf/org/model", "", "hf/",
    ],
)  # fmt: skip
def test_only_models_of_the_router_are_offered(shared: Account, model: str) -> None:
    with pytest.raises(UnknownModel):
        resolve(model, Settings(local_base_url="http://127.0.0.1:1/v1"))


def test_the_router_gets_the_users_token(shared: Account) -> None:
    assert resolve("hf/org/model:groq", Settings()).api_key == "user-token-of-ada-123"
    assert default_model().startswith("hf/")


@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/self/environ", "x", "~", "../x"])
def test_an_upload_reads_nothing_of_the_servers_disk(
    shared: Account, tmp_path: Path, path: str
) -> None:
    (tmp_path / "x").write_text("another user's")
    with pytest.raises(ToolError, match="out of reach"):
        files_of(path, "", str(tmp_path))


@pytest.mark.parametrize("path", ["train.py", "/srv/other/train.py", "~/x.py"])
def test_a_jobs_script_is_no_file_of_the_server(shared: Account, tmp_path: Path, path: str) -> None:
    (tmp_path / "train.py").write_text("print('another user')")
    with pytest.raises(ToolError, match="out of reach"):
        read_script(path, str(tmp_path))
    assert read_script("print(1)\n", str(tmp_path)) == "print(1)\n"


def test_a_job_gets_no_secret_of_the_server(shared: Account) -> None:
    settings = Settings()
    assert secrets_of(["HF_TOKEN"], settings) == {"HF_TOKEN": "user-token-of-ada-123"}
    for name in ("GITHUB_TOKEN", "WANDB_API_KEY"):
        with pytest.raises(ToolError, match="not set"):
            secrets_of([name], settings)
    assert github_token() == ""


async def test_nothing_of_the_server_is_looked_at(
    shared: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "AGENTS.md").write_text("the operator's own words")
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\ntouch ran\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await local_gpus() == []
    assert "operator" not in surroundings(str(tmp_path), 0.0, there="a sandbox")


def test_no_session_works_on_the_server_itself(shared: Account) -> None:
    services: object = None
    with pytest.raises(AgentError, match="sandbox"):
        in_sandbox(services, "thread", "")  # type: ignore[arg-type]
