"""How servers are configured: shapes, variables, and where the Hub token goes."""

from pathlib import Path
from typing import Any

import pytest

from configs.mcp import McpServer
from tools.mcp.config import digest, start_of
from tools.mcp.errors import Trouble
from tools.mcp.tool import name_of

TOKEN = "hf_abcdefghijklmnopqrstuvwxyz0123"


def start(**keys: Any) -> Any:
    environ = keys.pop("environ", {})
    return start_of(McpServer.model_validate(keys), "/project", environ)


def test_the_form_of_the_readme() -> None:
    found = start(
        transport="http",
        url="https://example.com/mcp",
        headers={"Authorization": "Bearer ${YOUR_TOKEN}"},
        environ={"YOUR_TOKEN": "yours-alone"},
    )
    assert found.headers == {"Authorization": "Bearer yours-alone"}


def test_the_form_of_other_agents() -> None:
    found = start(
        type="stdio",
        command="npx",
        args=["-y", "server", "${FOLDER:-/data}"],
        env={"KEY": "${KEY_OF_IT}"},
        environ={"KEY_OF_IT": "a-key"},
    )
    assert (found.command, found.args) == ("npx", ["-y", "server", "/data"])
    assert (found.env, found.cwd) == ({"KEY": "a-key"}, "/project/")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, "either a url or a command"),
        ({"url": "http://x", "command": "y"}, "either a url or a command"),
        ({"transport": "stdio", "url": "http://x"}, "stdio needs a command"),
        ({"transport": "http", "command": "y"}, "http needs a url"),
        ({"transport": "carrier-pigeon", "url": "http://x"}, "transport"),
        ({"url": "http://x", "head": {}}, "head"),
    ],
)
def test_what_is_no_server_is_named(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        McpServer.model_validate(keys)


def test_the_hub_token_goes_to_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    for url in ("https://huggingface.co/mcp", "https://hf.co/mcp?login"):
        assert start(url=url).headers == {"Authorization": f"Bearer {TOKEN}"}
    own = start(url="https://huggingface.co/mcp", headers={"authorization": "Bearer other"})
    assert own.headers == {"authorization": "Bearer other"}


@pytest.mark.parametrize(
    "url",
    [
        "http://huggingface.co/mcp",
        "https://huggingface.co.example.com/mcp",
        "https://huggingface.co@example.com/mcp",
        "https://someone-space.hf.space/mcp",
        "https://example.com/huggingface.co",
        "https://huggingface.co:8443/mcp",
    ],
)
def test_it_goes_nowhere_else_by_itself(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert start(url=url, environ={"HF_TOKEN": TOKEN}).headers == {}


@pytest.mark.parametrize(
    "keys",
    [
        {"url": "https://example.com/mcp", "headers": {"Authorization": "Bearer ${HF_TOKEN}"}},
        {"url": "https://example.com/mcp?token=${HF_TOKEN}"},
        {"url": "https://example.com/mcp", "headers": {"X-Token": TOKEN}},
        {"command": "server", "env": {"TOKEN": "${HF_TOKEN}"}},
        {"command": "server", "args": ["--token=${HF_TOKEN}"]},
    ],
)
def test_it_is_not_given_away_by_settings(keys: dict[str, Any]) -> None:
    with pytest.raises(Trouble, match="Hugging Face's own server only") as caught:
        start(**keys, environ={"HF_TOKEN": TOKEN})
    assert TOKEN not in str(caught.value)


def test_the_token_of_a_sign_in_is_known_too(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")
    with pytest.raises(Trouble):
        start(command="server", env={"TOKEN": TOKEN}, environ={"HF_HOME": str(tmp_path)})


def test_a_list_is_kept_per_configuration() -> None:
    one = McpServer(url="https://example.com/mcp")
    assert digest(one) == digest(one.model_copy(update={"tools": ["a"], "call_timeout": 3.0}))
    assert digest(one) != digest(one.model_copy(update={"headers": {"A": "b"}}))


def test_names_are_such_as_providers_take() -> None:
    assert name_of("your-server-name", "get_time") == "your-server-name__get_time"
    assert name_of("my server", "a.b/c") == "my_server__a_b_c"
    long = name_of("server", "x" * 100)
    assert len(long) == 64
    assert long != name_of("server", "x" * 101)
