"""Servers that cause trouble: the others work, and each trouble is named with its server."""

from pathlib import Path
from typing import Any

import pytest

from tests.stand_ins.mcp_forks import command
from tests.stand_ins.model_server import closed_port
from tests.tools.mcp.conftest import Opened, program

DEAD = f"http://127.0.0.1:{closed_port()}/mcp"


async def test_every_trouble_is_named_and_the_rest_works(
    servers: Opened, web: Any, tmp_path: Path
) -> None:
    here = web("good").url.removesuffix("/mcp")
    bench = await servers(
        limits={"wait": 60},
        good=program("good"),
        gone={"command": str(tmp_path / "no-such-program")},
        text={"command": str(Path(__file__))},
        leaves=program("exit"),
        hangs=program("hang", start_timeout=2),
        dead={"url": DEAD},
        lost={"url": f"{here}/nothing-here"},
        bare={"url": DEAD, "headers": {"Authorization": "Bearer ${NOBODY_SET_THIS}"}},
        noisy=program("noise"),
        twice=program("twins"),
    )
    names = await bench.equip()
    used = {name.partition("__")[0] for name in names}
    assert used == {"good", "noisy", "twice"}, bench.notices
    told = dict(line.removeprefix("MCP server ").split(": ", 1) for line in bench.notices)
    assert sorted(told) == sorted(
        ["gone", "text", "leaves", "hangs", "dead", "lost", "bare", "noisy", "twice"]
    )
    assert told["gone"] == f"there is no program '{tmp_path / 'no-such-program'}'"
    assert "Permission denied" in told["text"]
    assert told["leaves"] == "it ended while it was asked: the licence has run out"
    assert told["hangs"] == "no answer within 2 s"
    assert told["dead"].startswith(f"{DEAD} cannot be reached")
    assert told["lost"] == f"{here}/nothing-here is not an MCP server (404)"
    assert told["bare"] == "${NOBODY_SET_THIS} is not set in the environment"
    assert told["noisy"].startswith("it prints text that is not an MCP message")
    assert told["twice"] == "two tools are named twice__echo; the first is used"
    assert (await bench.call("noisy__echo", text="x")).text == "echo x"
    assert (await bench.call("twice__echo", text="y")).text == "echo y"


async def test_a_server_that_is_late_joins_at_the_next_turn(servers: Opened) -> None:
    bench = await servers(
        limits={"wait": 0.2}, quick=program("good"), slow=program("good", "--seconds", "1")
    )
    first = await bench.equip()
    assert not any(name.startswith("slow__") for name in first)
    assert "MCP server slow: not ready after 0.2 s" in "".join(bench.notices)
    await bench.mcp.connections["slow"].begin()
    assert sorted(bench.services.tools) == first
    assert "slow__echo" in await bench.equip()
    assert (await bench.call("slow__echo", text="here")).text == "echo here"


async def test_what_did_not_start_is_not_waited_for_again(servers: Opened) -> None:
    configured = {"good": program("good"), "hangs": program("hang")}
    bench = await servers(limits={"wait": 8}, **configured)
    assert "good__echo" in await bench.equip()
    # A second wait would last as long as the watchdog of the whole suite.
    again = await servers(limits={"wait": 3600}, **configured)
    assert "good__echo" in await again.equip()
    assert again.notices == [
        "MCP server hangs: it did not start the last time (no answer within 8 s); trying again"
    ]


async def test_a_second_start_needs_no_server(servers: Opened, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    configured = {"good": program("good", "--starts", str(starts))}
    first = await (await servers(**configured)).equip()
    bench = await servers(**configured)
    assert await bench.equip() == first
    assert len(starts.read_text().splitlines()) == 1
    assert (await bench.call("good__echo", text="now")).text == "echo now"
    assert len(starts.read_text().splitlines()) == 2


async def test_a_thread_keeps_its_list_while_the_server_changes(
    servers: Opened, tmp_path: Path
) -> None:
    from core.models.tool_specs import tool_specs

    kind = tmp_path / "kind"
    kind.write_text("good")
    line = f'exec "$@" "$(cat {kind})"'
    settings = {"command": "sh", "args": ["-c", line, "sh", *command("good")[:-1]]}
    bench = await servers(box=settings)
    await bench.equip("old")
    specs = tool_specs(list(bench.services.tools.values()))
    kind.write_text("changed")
    bench = await servers(box=settings)
    await bench.equip("old")
    bench.mcp.connect()
    await bench.mcp.connections["box"].begin()
    assert "box__brand_new" in await bench.equip("new")
    assert "box__brand_new" not in await bench.equip("old")
    assert tool_specs(list(bench.services.tools.values())) == specs
    bench = await servers(box=settings)  # and after another restart
    assert "box__brand_new" in await bench.equip("new")
    await bench.equip("old")
    assert tool_specs(list(bench.services.tools.values())) == specs


async def test_many_tools_are_searched_for(servers: Opened) -> None:
    bench = await servers(many=program("many"), good=program("good"))
    names = await bench.equip()
    assert "mcp" in names
    assert "good__echo" in names
    assert not any(name.startswith("many__") for name in names)
    assert "its 500 tools are too many" in "".join(bench.notices)
    found = await bench.call("mcp", operation="search", query="multiply thirteen")
    assert found.text.startswith("many__tool_13: multiply by thirteen\narguments: {")
    call = {"operation": "call", "tool": "many__tool_13", "arguments": {"value": 3}}
    assert (await bench.call("mcp", **call)).text == "13 times 3 is 39"
    wrong = await bench.call("mcp", operation="call", tool="many__tool_13", arguments={})
    assert wrong.text == "Not run: many__tool_13: 'value' is a required property"
    none = await bench.call("mcp", operation="call", tool="many__nothing")
    assert "there is no tool 'many__nothing'" in none.text
    bad = await bench.call("mcp", operation="search")
    assert bad.text == "Not run: mcp: query: operation search needs it"


async def test_an_allow_list_chooses(servers: Opened) -> None:
    bench = await servers(many=program("many", tools=["tool_1", "tool_20*", "nothing"]))
    names = await bench.equip()
    expected = ["tool_1", "tool_20", *(f"tool_20{n}" for n in range(10))]
    assert names == sorted(f"many__{name}" for name in expected)
    assert bench.notices == ["MCP server many: no tool of it fits 'nothing' of its allow-list"]


@pytest.mark.parametrize("hidden", [False, True])
async def test_rules_name_the_tool_also_behind_the_search(servers: Opened, hidden: bool) -> None:
    from configs.settings import Permissions
    from core.history import Call
    from core.policy.decide import Situation
    from core.policy.rules import rules_of
    from nodes.circumstances import Circumstances
    from nodes.judge_calls import judge

    bench = await servers(limits={"most_tools": 1 if hidden else 100}, box=program("good"))
    await bench.equip()

    def verdict(tool: str, arguments: dict[str, Any], mode: str, **rules: list[str]) -> str:
        name, given = tool, arguments
        if hidden:
            name, given = "mcp", {"operation": "call", "tool": tool, "arguments": arguments}
        here = Situation(mode, str(bench.cwd), rules_of(Permissions(shipped=False, **rules)))
        found = judge([Call("c", name, given)], [], Circumstances(bench.services.tools, here))
        return found["c"]["action"]

    note = {"path": "x", "text": "y"}
    assert verdict("box__note", note, "ask") == "ask"
    assert verdict("box__note", note, "ask", allow=["box__note"]) == "run"
    assert verdict("box__note", note, "yolo", deny=["box__note"]) == "deny"
    assert verdict("box__note", note, "auto", ask=["box__note"]) == "ask"
    assert verdict("box__note", note, "read-only") == "deny"
    # That it only reads is the server's word.
    echo = {"text": "x"}
    assert verdict("box__echo", echo, "read-only") == "deny"
    assert verdict("box__echo", echo, "read-only", allow=["mcp_reads(box)"]) == "deny"
    assert verdict("box__echo", echo, "ask") == "ask"
    assert verdict("box__echo", echo, "ask", allow=["mcp_reads(box)"]) == "run"
    assert verdict("box__echo", echo, "ask", allow=["mcp_reads(box)"], deny=["box__echo"]) == "deny"
    assert verdict("box__echo", echo, "auto") == "run"
    assert verdict("box__remove", {"path": "x"}, "auto") == "ask"
