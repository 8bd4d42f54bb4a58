"""Calls to real servers, over stdio and over streamable HTTP."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from configs.settings import Permissions
from core.policy.decide import Situation, decide
from core.policy.propose import proposed
from core.policy.rules import rules_of
from tests.tools.bench import until
from tests.tools.mcp.conftest import Opened, fresh_program, program
from tools.mcp.call import pinged
from tools.mcp.select_tools import McpArguments, McpSearch


@pytest.fixture(params=["stdio", "sandbox", "http"])
def good(request: pytest.FixtureRequest, web: Any) -> dict[str, Any]:
    """The settings of a server that works."""
    if request.param == "http":
        return {"url": web("good").url}
    if request.param == "sandbox":
        return {**fresh_program("good"), "sandbox": True}
    return program("good")


async def test_tools_have_their_servers_name_and_the_servers_schema(
    servers: Opened, good: dict[str, Any]
) -> None:
    bench = await servers(box=good)
    names = await bench.equip()
    assert {"box__echo", "box__note", "box__remove"} <= set(names)
    assert bench.notices == []
    echo = bench.services.tools["box__echo"]
    assert echo.description == "Say it again."
    assert echo.tool_call_schema["required"] == ["text"]


async def test_an_answer_comes_back(servers: Opened, good: dict[str, Any]) -> None:
    bench = await servers(box=good)
    await bench.equip()
    result = await bench.call("box__echo", text="hello")
    assert (result.text, result.ok, result.outcome) == ("echo hello", True, "done")


async def test_one_session_serves_all_calls(servers: Opened, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    bench = await servers(box=program("good", "--starts", str(starts)))
    await bench.equip()
    await asyncio.gather(*(bench.call("box__echo", text=str(n)) for n in range(5)))
    assert len(starts.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("tool", "kind"),
    [("echo", "read"), ("note", "execute"), ("remove", "destroy"), ("publish", "publish")],
)
async def test_effects_follow_from_annotations(servers: Opened, tool: str, kind: str) -> None:
    bench = await servers(box=program("good"))
    await bench.equip()
    found = bench.services.tools[f"box__{tool}"]
    arguments = found.args_schema.model_validate({"path": "/x", "text": "y"})
    effect = found.effect(arguments, "/")
    assert effect.kind == kind
    assert json.loads(effect.preview) == {"path": "/x", "text": "y"}


@pytest.mark.parametrize(
    ("mode", "allowed", "action"),
    [
        ("read-only", [], "deny"),
        ("read-only", ["mcp_reads(box)"], "deny"),
        ("ask", [], "ask"),
        ("ask", ["mcp_reads(box)"], "run"),
        ("ask", ["mcp_reads(other)"], "ask"),
        ("ask", ["mcp_reads"], "ask"),
        ("ask", ["box__echo"], "run"),
        ("auto", [], "run"),
        ("yolo", [], "run"),
    ],
)
async def test_that_a_tool_only_reads_is_the_servers_word(
    mode: str, allowed: list[str], action: str, servers: Opened
) -> None:
    bench = await servers(box=program("good"))
    await bench.equip()
    tool = bench.services.tools["box__echo"]
    effect = tool.effect(tool.args_schema.model_validate({"text": "x"}), "/project")
    here = Situation(mode, "/project", rules_of(Permissions(), allow=allowed))
    assert decide("box__echo", effect, ["x"], here).action == action
    through = McpSearch.over({"box__echo": tool})
    arguments = McpArguments(operation="call", tool="box__echo", arguments={"text": "x"})
    assert decide("box__echo", through.effect(arguments, "/project"), ["x"], here).action == action
    looking = through.effect(McpArguments(operation="search", query="x"), "/project")
    assert decide("mcp", looking, ["x"], here).action == "run"
    # What approval offers is the rule that counts, for a call through the search, too.
    for name, given in (("box__echo", effect), ("mcp", through.effect(arguments, "/project"))):
        assert proposed(name, {}, here.rules, effect=given) == "mcp_reads(box)"
    put = bench.services.tools["box__note"]
    changes = put.effect(put.args_schema.model_construct(root={}), "/project")
    assert proposed("box__note", {}, here.rules, effect=changes) == "box__note"


async def test_bad_arguments_never_reach_the_server(servers: Opened) -> None:
    bench = await servers(box=program("good"))
    await bench.equip()
    result = await bench.call("box__count", to="many")
    assert result.text == "Not run: box__count: to: 'many' is not of type 'integer'"
    result = await bench.call("box__count")
    assert result.text == "Not run: box__count: 'to' is a required property"


async def test_progress_and_log_lines_are_events(servers: Opened, good: dict[str, Any]) -> None:
    bench = await servers(box=good)
    await bench.equip()
    result = await bench.call("box__count", to=3)
    assert result.text == "counted to 3"
    assert bench.logs() == ["info: counting begins", "1 of 3: at 1", "2 of 3: at 2", "3 of 3: at 3"]


async def test_a_failure_of_the_tool_is_said_as_one(servers: Opened, good: dict[str, Any]) -> None:
    bench = await servers(box=good)
    await bench.equip()
    result = await bench.call("box__fail")
    assert (result.ok, result.outcome) == (False, "failed")
    assert "it went wrong" in result.text
    assert (await bench.call("box__echo", text="x")).ok


@pytest.mark.parametrize(
    ("how", "why"),
    [("missing", "there is no structured content"), ("other", "size: 'large' is not of type")],
)
async def test_an_answer_that_breaks_its_schema_reaches_the_model(
    servers: Opened, tmp_path: Path, how: str, why: str
) -> None:
    bench = await servers(box=program("misfit"))
    await bench.equip()
    result = await bench.call("box__size", path=str(tmp_path / "asked"), how=how)
    assert (result.ok, result.outcome) == (True, "done")
    assert "42" in result.text
    assert f"does not fit the outputSchema that the server declares: {why}" in result.text
    assert (tmp_path / "asked").exists()


async def test_pictures_are_pictures(servers: Opened) -> None:
    bench = await servers(box=program("good"))
    await bench.equip()
    result = await bench.call("box__picture")
    assert [image["mime_type"] for image in result.images] == ["image/png"]
    assert result.text.startswith("[picture 1]: png, 1×1 pixels")


async def test_a_question_is_declined_where_nobody_is_there(servers: Opened) -> None:
    bench = await servers(box=program("good"))
    await bench.equip()
    result = await bench.call("box__ask")
    assert result.text == "decline None"
    assert bench.logs() == ["box asks: what shall it be? (declined: the user is not there)"]


async def test_a_question_is_answered_live(servers: Opened, good: dict[str, Any]) -> None:
    asked: list[Any] = []

    async def person(question: Any) -> dict[str, Any]:
        asked.append(question)
        return {"name": "a model", "copies": 2}

    bench = await servers(box=good)
    bench.mcp.equip(ask=person)
    await bench.equip()
    result = await bench.call("box__ask")
    assert result.text == "accept name='a model' copies=2"
    assert (asked[0].server, asked[0].message) == ("box", "what shall it be?")
    assert set(asked[0].schema["properties"]) == {"name", "copies"}


async def test_an_answer_that_does_not_fit_is_not_sent(servers: Opened) -> None:
    async def person(question: Any) -> dict[str, Any]:
        return {"name": "x", "copies": "two"}

    bench = await servers(box=program("good"))
    bench.mcp.equip(ask=person)
    await bench.equip()
    assert (await bench.call("box__ask")).text == "cancel None"
    assert bench.logs()[-1].startswith("the answer was not sent: copies: 'two'")


async def test_a_server_that_dies_in_a_call_is_started_again(
    servers: Opened, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    bench = await servers(box=program("good"))
    await bench.equip()
    result = await bench.call("box__die", path=str(begun))
    assert (result.ok, result.outcome) == (False, "unknown")
    assert result.text.startswith("MCP server box ended during the call")
    assert begun.exists()
    assert (await bench.call("box__echo", text="again")).text == "echo again"


async def test_a_call_that_only_reads_is_asked_again(servers: Opened, tmp_path: Path) -> None:
    bench = await servers(box=program("good"))
    await bench.equip()
    result = await bench.call("box__die_once", marker=str(tmp_path / "marker"))
    assert result.text == "alive again"


async def test_a_server_that_died_between_calls_is_started_again(
    servers: Opened, tmp_path: Path
) -> None:
    import os
    import signal

    starts, notes = tmp_path / "starts", tmp_path / "notes"
    bench = await servers(box=program("good", "--starts", str(starts)))
    await bench.equip()
    live = await bench.mcp.connections["box"].begin()
    os.kill(int(starts.read_text()), signal.SIGKILL)
    while await pinged(live):
        await asyncio.sleep(0.05)
    result = await bench.call("box__note", path=str(notes), text="once")
    assert result.ok
    assert notes.read_text() == "once\n"
    assert len(starts.read_text().splitlines()) == 2


async def test_an_http_server_that_was_started_anew_is_found_again(
    servers: Opened, web: Any, tmp_path: Path
) -> None:
    notes, server = tmp_path / "notes", web("good")
    bench = await servers(box={"url": server.url})
    await bench.equip()
    server.kill()
    gone = await bench.call("box__note", path=str(notes), text="never")
    assert (gone.ok, gone.outcome) == (False, "failed")
    assert gone.text.startswith("Not run: MCP server box: ")
    server.start()
    assert (await bench.call("box__note", path=str(notes), text="once")).ok
    server.kill()
    server.start()  # its sessions are gone, and the client does not know yet
    assert (await bench.call("box__note", path=str(notes), text="twice")).ok
    assert notes.read_text() == "once\ntwice\n"


async def test_an_http_server_that_dies_in_a_call_leaves_its_outcome_unknown(
    servers: Opened, web: Any, tmp_path: Path
) -> None:
    bench = await servers(box={"url": web("good").url})
    await bench.equip()
    result = await bench.call("box__die", path=str(tmp_path / "begun"))
    assert (result.ok, result.outcome) == (False, "unknown")
    assert (tmp_path / "begun").exists()


async def test_a_call_that_hangs_is_given_up(servers: Opened, good: dict[str, Any]) -> None:
    path = Path("begun").absolute()
    bench = await servers(box={**good, "call_timeout": 1})
    await bench.equip()
    result = await bench.call("box__wait", path=str(bench.cwd / path.name))
    assert (result.ok, result.outcome) == (False, "unknown")
    assert result.text.startswith("MCP server box: no answer within 1 s\nWhether it took effect")


async def test_an_interrupt_tells_the_server_to_stop(
    servers: Opened, good: dict[str, Any], tmp_path: Path
) -> None:
    state = tmp_path / "state-of-it"
    bench = await servers(box=good)
    await bench.equip()
    call = asyncio.create_task(bench.call("box__wait", path=str(state)))
    await asyncio.to_thread(until, state.exists)
    bench.services.stop.set()
    result = await call
    assert (result.ok, result.outcome) == (False, "interrupted")
    await asyncio.to_thread(until, lambda: state.read_text() == "cancelled")


async def test_a_call_of_a_killed_process_is_unknown_unless_it_reads(servers: Opened) -> None:
    bench = await servers(box=program("good"))
    await bench.equip()
    cut = bench.new_id()
    await bench.begun(cut, "box__note", {"server": "box", "tool": "note"})
    result = await bench.call("box__note", call_id=cut, path=str(bench.cwd / "n"), text="x")
    assert result.outcome == "unknown"
    assert not (bench.cwd / "n").exists()
    read = bench.new_id()
    await bench.begun(read, "box__echo", None)
    assert (await bench.call("box__echo", call_id=read, text="x")).text == "echo x"


async def test_a_cut_off_call_of_a_server_that_is_gone_is_unknown(servers: Opened) -> None:
    bench = await servers(other=program("good"))
    await bench.equip()
    cut = bench.new_id()
    await bench.begun(cut, "box__note", {"server": "box", "tool": "note"})
    result = await bench.call("box__note", call_id=cut, path="x", text="x")
    assert result.outcome == "unknown"


async def test_a_program_sees_no_credential_that_it_was_not_given(
    servers: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-servers")
    monkeypatch.setenv("HF_TOKEN", "hf_not_for_servers")
    monkeypatch.setenv("ITS_OWN", "given-by-name")
    bench = await servers(box=program("good", env={"BOX_KEY": "${ITS_OWN}"}))
    await bench.equip()
    names, _, folder = (await bench.call("box__environment")).text.partition(" in ")
    assert "BOX_KEY" in names.split()
    assert not {"OPENAI_API_KEY", "HF_TOKEN", "ITS_OWN"} & set(names.split())
    assert folder == str(bench.cwd)
