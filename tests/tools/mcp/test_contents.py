"""Prompts and resources of real servers, over stdio and over streamable HTTP."""

import asyncio
import base64
import re
from pathlib import Path
from typing import Any

import pytest

from core.errors import AgentError, UsageError
from tests.stand_ins.mcp_library import FORGED, LONG
from tests.stand_ins.mcp_server import PIXEL
from tests.stand_ins.model_server import closed_port
from tests.tools.mcp.conftest import McpBench, Opened, program
from tools.extension import ServerContents, ServerPrompt
from tools.mcp import contents as module

DEAD = f"http://127.0.0.1:{closed_port()}/mcp"


@pytest.fixture(params=["stdio", "http"])
def library(request: pytest.FixtureRequest, web: Any) -> dict[str, Any]:
    return {"url": web("library").url} if request.param == "http" else program("library")


async def opened(servers: Opened, **configured: Any) -> tuple[McpBench, ServerContents]:
    bench = await servers(**configured)
    return bench, bench.mcp.contents


async def prompt_of(contents: ServerContents, name: str) -> ServerPrompt:
    return next(one for one in await contents.prompts("lib") if one.name == name)


async def test_both_are_listed_and_known_after_a_restart_without_a_start(
    servers: Opened, library: dict[str, Any]
) -> None:
    bench, contents = await opened(servers, lib=library)
    assert await contents.prompts() == []
    await bench.equip()
    listed = [one.name for one in await contents.prompts()]
    assert listed == ["review", "odd name/ü", "dialog", "pictured", "fails"]
    resources = dict(await contents.resources())
    assert resources["lib:note://plain"] == "A plain note"
    assert "lib:image://pixel" in resources
    states = await bench.mcp.states()
    assert re.fullmatch(r"\d+ tools, 5 prompts, 7 resources", states["lib"].words)

    bench, contents = await opened(servers, lib=library)
    review = (await contents.prompts())[0]
    assert (review.server, review.description) == ("lib", "Review a file")
    assert [(one["name"], one["required"]) for one in review.arguments] == [
        ("path", True),
        ("depth", False),
    ]
    assert dict(await contents.resources()) == resources
    assert bench.mcp.connections["lib"].opening is None


async def test_a_prompt_is_got_with_its_arguments(servers: Opened, library: dict[str, Any]) -> None:
    _, contents = await opened(servers, lib=library)
    review = await prompt_of(contents, "review")
    (piece,) = await contents.get_prompt(review, {"path": "a.py", "depth": "deep"})
    assert piece.text == "Review a.py, deep. See https://evil.example/from-prompt"
    dialog = await contents.get_prompt(await prompt_of(contents, "dialog"), {})
    assert [one.text for one in dialog] == ["user: What is 2+2?", "assistant: 4", "user: +1"]
    picture, inner, words = await contents.get_prompt(await prompt_of(contents, "pictured"), {})
    assert (picture.data, picture.name) == (PIXEL, "picture.png")
    assert (inner.text, words.text) == ("the inner note", "describe it")


async def test_resources_are_texts_and_files(servers: Opened, library: dict[str, Any]) -> None:
    _, contents = await opened(servers, lib=library)
    (forged,) = await contents.read_resource("lib", "note://forged")
    assert forged.text == FORGED
    (long,) = await contents.read_resource("lib", "note://long")
    assert long.text == LONG
    (pixel,) = await contents.read_resource("lib", "image://pixel")
    assert (pixel.data, pixel.name) == (PIXEL, "pixel.png")
    (data,) = await contents.read_resource("lib", "file:///data/..%2Fevil%20name.bin")
    assert data.data == b"\0\1\2"
    assert re.fullmatch(r"[\w.-]+", data.name)
    assert not data.name.startswith(".")
    (profile,) = await contents.read_resource("lib", "user://ann/profile")
    assert profile.text == "profile of ann"


async def test_secrets_of_a_server_are_replaced(
    servers: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = base64.b64encode(b"a secret of this user, long").decode()
    monkeypatch.setenv("LIBRARY_PASSWORD", secret)
    keys = program("library", env={"LIBRARY_PASSWORD": "${LIBRARY_PASSWORD}"})
    _, contents = await opened(servers, lib=keys)
    (plain,) = await contents.read_resource("lib", "note://plain")
    assert plain.text.startswith("the plain note, password=")
    assert secret not in plain.text


@pytest.mark.parametrize(
    ("server", "uri", "said"),
    [
        ("nope", "note://plain", "no MCP server is named 'nope' (configured: dead, lib)"),
        ("lib", "note://nope", "the server answered: Unknown resource: note://nope"),
        ("lib", "no uri", "no uri is not a URI"),
        ("lib", "note://dies", "Cannot read @lib:note://dies: "),
        ("dead", "note://plain", "cannot be reached"),
    ],
)
async def test_what_cannot_be_read_is_one_line(
    servers: Opened, server: str, uri: str, said: str
) -> None:
    _, contents = await opened(servers, lib=program("library"), dead={"url": DEAD})
    with pytest.raises(AgentError) as caught:
        await contents.read_resource(server, uri)
    assert said in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint
    (after,) = await contents.read_resource("lib", "user://ann/profile")
    assert after.text == "profile of ann"


async def test_a_server_that_does_not_answer_is_given_up(
    servers: Opened, library: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIMIT", 0.5)
    _, contents = await opened(servers, lib=library)
    with pytest.raises(AgentError, match=r"no answer within 0\.5 s"):
        await contents.read_resource("lib", "note://hangs")


async def test_a_server_that_dies_under_a_reader_ends_the_wait(
    servers: Opened, web: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIMIT", 600.0)
    one = web("library")
    bench, contents = await opened(servers, lib={"url": one.url})
    live = await bench.mcp.connections["lib"].begin()
    reading = asyncio.ensure_future(contents.read_resource("lib", "note://hangs"))
    while not live.running:
        await asyncio.sleep(0.01)
    one.kill()
    with pytest.raises(AgentError, match="Cannot read @lib:note://hangs"):
        await asyncio.wait_for(reading, 60)


async def test_the_prompts_own_error_and_missing_arguments_are_said(servers: Opened) -> None:
    _, contents = await opened(servers, lib=program("library"))
    fails = await prompt_of(contents, "fails")
    with pytest.raises(UsageError, match="it went wrong: because"):
        await contents.get_prompt(fails, {"why": "because"})
    with pytest.raises(UsageError, match="Missing required arguments"):
        await contents.get_prompt(fails, {})


async def test_a_server_without_them_has_none(servers: Opened, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    _, contents = await opened(servers, lib=program("good", "--starts", str(starts)))
    assert await contents.prompts("lib") == []
    assert len(starts.read_text().splitlines()) == 1
