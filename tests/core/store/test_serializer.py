"""Opening a session calls nothing that its rows name, on both databases."""

import pickle
import random
import sqlite3
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import ormsgpack
import psycopg
import pytest
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, ToolMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.serde.types import _DeltaSnapshot
from langgraph.types import Interrupt, Overwrite, Send

from configs.settings import Settings
from core.errors import StoreError
from core.store import open_store
from core.store.checkpoints.serializer import PACKED, WINDOW, StrictSerializer
from graph.thread import Thread
from graph.undo import TimeLine
from nodes.services import build_services
from tests.core.store.fresh import delete_thread, run
from tests.graph.driving import driven
from tests.stand_ins.model_script import Reply

CODES = {"single": 0, "positional": 1, "keywords": 2, "method": 3, "pydantic1": 4, "pydantic2": 5}


def attack(kind: str, mark: Path) -> tuple[str, bytes]:
    """(type, bytes) of a value that makes the file `mark` in a reader that calls what it names."""
    command = f"touch {mark}"
    if kind == "pickle":
        return "pickle", pickle.dumps(Touch(command))
    if kind == "json":
        return "json", (
            b'{"lc": 2, "type": "constructor", "id": ["os", "system"], "args": ["%s"]}'
            % command.encode()
        )
    arguments: Any = {"single": command, "method": command}.get(kind, [command])
    if kind in ("keywords", "pydantic1", "pydantic2"):
        arguments = {"command": command}
    called = ("os", "system", arguments, "__call__")
    return "msgpack", ormsgpack.packb(ormsgpack.Ext(CODES[kind], ormsgpack.packb(called)))


class Touch:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> Any:
        import os

        return os.system, (self.command,)


ATTACKS = [*CODES, "pickle", "json"]


@pytest.mark.parametrize("kind", ATTACKS)
def test_a_foreign_value_is_named_and_not_built(kind: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="never stores"):
        StrictSerializer().loads_typed(attack(kind, tmp_path / "mark"))
    assert not (tmp_path / "mark").exists()


def test_the_attacks_work_on_a_serializer_that_allows_all(tmp_path: Path) -> None:
    lax = JsonPlusSerializer(pickle_fallback=True, allowed_msgpack_modules=True)
    for kind in ("single", "positional", "keywords", "pydantic2", "pickle"):
        lax.loads_typed(attack(kind, tmp_path / kind))
        assert (tmp_path / kind).exists(), kind


def test_a_foreign_value_within_a_message_is_not_built(tmp_path: Path) -> None:
    _, inner = attack("single", tmp_path / "mark")
    fields = {"content": "x", "additional_kwargs": {"y": ormsgpack.unpackb(inner, ext_hook=ext)}}
    called = ("langchain_core.messages.human", "HumanMessage", fields)
    whole = ormsgpack.packb([ormsgpack.Ext(5, ormsgpack.packb(called))])
    with pytest.raises(StoreError, match="system"):
        StrictSerializer().loads_typed(("msgpack", whole))
    assert not (tmp_path / "mark").exists()


def ext(code: int, content: bytes) -> Any:
    return ormsgpack.Ext(code, content)


@pytest.mark.parametrize("content", [b"\xc1", b"\xd4\x05", b"", b"\xc7\x01\x05\xff"])
def test_damaged_bytes_are_an_error_in_words(content: bytes) -> None:
    with pytest.raises(StoreError, match="damaged"):
        StrictSerializer().loads_typed(("msgpack", content))


def test_what_we_store_comes_back_as_it_was() -> None:
    values = [
        HumanMessage("x", id="1", additional_kwargs={"ml_agent": {"at": 1.5}}),
        AIMessage("y", tool_calls=[{"name": "a", "args": {"b": [1]}, "id": "c"}]),
        ToolMessage("z", tool_call_id="c", status="error", artifact={"d": 1}),
        RemoveMessage(id="1"),
        Send("node", {"call": ["a", {}]}),
        Interrupt(value=[{"e": None}], id="f"),
        Overwrite([HumanMessage("x", id="2")]),
        _DeltaSnapshot([HumanMessage("x", id="3")]),
        {"g", 1},
        None,
        b"h",
        {1: "not a string"},
    ]
    for serializer in (StrictSerializer(), StrictSerializer().with_msgpack_allowlist([Path])):
        for value in [*values, values]:
            assert serializer.loads_typed(serializer.dumps_typed(value)) == value
        for value in [*values, [Send("node", values[0])], {"tasks": [values[4]]}]:
            assert serializer.dumps_typed(value) == JsonPlusSerializer().dumps_typed(value)
    # Rows of earlier versions were written by LangGraph's own.
    stored = JsonPlusSerializer().dumps_typed(values)
    assert StrictSerializer().loads_typed(stored) == values


def test_a_long_output_takes_a_fraction_and_comes_back() -> None:
    lines = "".join(f"epoch {n} loss {1 / (n + 1):.4f}\n" for n in range(300))
    message = ToolMessage(lines, tool_call_id="c")
    kind, content = StrictSerializer().dumps_typed([message])
    assert (kind, len(content) < len(lines) / 2) == (PACKED, True)
    assert StrictSerializer().loads_typed((kind, content)) == [message]
    for size in (600, 1 << WINDOW, (1 << WINDOW) + 1, 100_000):
        value = {"x": (lines * 20)[:size]}
        kind, content = StrictSerializer().dumps_typed(value)
        assert kind == PACKED
        assert StrictSerializer().loads_typed((kind, content)) == value
    # What does not become smaller is left alone.
    noise = {"x": random.randbytes(5000)}
    kind, content = StrictSerializer().dumps_typed(noise)
    assert kind == "msgpack"
    assert StrictSerializer().loads_typed((kind, content)) == noise


def test_packed_bytes_that_are_damaged_or_would_fill_the_memory_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind, content = StrictSerializer().dumps_typed({"x": "y" * 100_000})
    for broken in (content[:-8], b"\0" + content[1:], b""):
        with pytest.raises(StoreError, match="damaged"):
            StrictSerializer().loads_typed((kind, broken))
    monkeypatch.setattr("core.store.checkpoints.serializer.MOST", 10_000)
    with pytest.raises(StoreError, match="too many"):
        StrictSerializer().loads_typed((kind, content))


def test_what_is_packed_calls_nothing_either() -> None:
    called = ormsgpack.packb(["builtins", "print", "x" * 1000])
    content = zlib.compress(ormsgpack.packb(ormsgpack.Ext(CODES["single"], called)))
    with pytest.raises(StoreError, match=r"builtins\.print"):
        StrictSerializer().loads_typed((PACKED, content))


def poison(settings: Settings, column: str, kind: str, mark: Path) -> int:
    """Put a foreign value into every row of a column; how many rows changed."""
    named, content = attack(kind, mark)
    if not settings.database_url:
        what = "checkpoints SET checkpoint" if column == "checkpoint" else "writes SET value"
        with sqlite3.connect(settings.state_path() / "ml-agent.db") as database:
            sql = f"UPDATE {what} = ?2, type = ?1"
            return database.execute(sql, (named, content)).rowcount
    table = "checkpoint_blobs" if column == "checkpoint" else "checkpoint_writes"
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        sql = f"UPDATE ml_agent.{table} SET type = %s, blob = %s"
        return connection.execute(sql.encode(), (named, content)).rowcount


async def said(work: Awaitable[Any]) -> str:
    """What the StoreError says, raised or told as the last event; "": there is none."""
    try:
        last = await work
    except StoreError as error:
        return error.message
    return str(getattr(last, "message", ""))


Work = Callable[[], Awaitable[Any]]


@pytest.mark.parametrize("kind", ["single", "pickle", "json"])
@pytest.mark.parametrize("column", ["checkpoint", "write"])
async def test_every_way_to_open_a_session_calls_nothing(
    settings: Settings, workdir: Path, tmp_path: Path, column: str, kind: str
) -> None:
    mark = tmp_path / "mark"
    async with driven([Reply("one"), Reply("two")], settings, workdir) as driver:
        await driver.send("hello")
        await driver.send("again")
        thread = driver.session.thread.id
    assert poison(settings, column, kind, mark) > 0

    async with await open_store(settings) as store:
        (row,) = await store.threads.list()
        undo = TimeLine(store, build_services(settings, store), row)
        ways: dict[str, Work] = {
            "show": Thread(store, thread).messages,
            "pending": Thread(store, thread).pending,
            "export": Thread(store, thread).whole_history,
            "turns": lambda: undo.turns(),
            "undo": lambda: undo.undo(),
            "fork": lambda: undo.fork(),
        }
        refused = {name: await said(way()) for name, way in ways.items()}
        # What a way does not read cannot stop it.
        assert "never stores" in refused["export"]
        assert not mark.exists()
        assert [row.id for row in await store.threads.list()] == [thread]
    async with driven([Reply("three")], settings, workdir, thread=thread) as driver:
        assert "never stores" in await said(driver.send("go on"))
        await said(driver.resume())
    assert not mark.exists()
    async with await open_store(settings) as store:
        await delete_thread(store, thread)
        assert not await store.threads.list()


def test_a_saver_that_others_bring_is_strict_too(settings: Settings, tmp_path: Path) -> None:
    """In a program that imports this package before LangGraph."""
    stored = attack("single", tmp_path / "mark")
    code = f"""
    from langgraph.checkpoint.memory import InMemorySaver
    from graph.agent import build_graph
    app = build_graph().compile(checkpointer=InMemorySaver())
    print(app.checkpointer.serde.loads_typed({stored!r}))
    """
    assert run(code, settings) == f"touch {tmp_path / 'mark'}"
    assert not (tmp_path / "mark").exists()
