"""What we promise to whoever drives a session: the events, their fields, the errors' names and
exit codes. A change here is a change of the contract: raise SCHEMA_VERSION where a reader of
the old one would break."""

import json
import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any

import pytest

from core import errors, events, model_errors
from core.errors import AgentError
from core.events import EVENTS, SCHEMA_VERSION, Event, from_dict
from nodes.emit import emitter

#: Each event's fields in their order; those with a default may be left out by older writers.
FIELDS = {
    "ready": "tools model mode",
    "processing": "text number= resumes=",
    "assistant_chunk": "text kind=",
    "assistant_message": "text",
    "assistant_stream_end": "finish_reason= withdrawn=",
    "tool_call": "id tool arguments effect title=",
    "tool_output": "id tool ok text truncated= seconds= summary=",
    "tool_log": "id tool text progress=",
    "tool_state_change": "id tool state url=",
    "approval_required": "requests",
    "waiting": "call reasons since until= note=",
    "turn_complete": "status text iterations usage cost_micro_usd seconds reason= since= "
    "left_micro_usd= claims=",
    "error": "kind message hint=",
    "interrupted": "at",
    "compacted": "tokens_before tokens_after",
    "undo_complete": "undone_turn files_restored= files_left=",
    "shutdown": "",
}

#: The errors' names on the wire, and what the program exits with.
EXIT_CODES = {
    "agent_error": 1,
    "usage_error": 2,
    "settings_error": 2,
    "approval_needed": 3,
    "limit_reached": 4,
    "hook_blocked": 1,
    "stuck_in_loop": 1,
    "store_error": 1,
    "newer_database": 1,
    "thread_busy": 1,
    "message_queued": 0,
    "no_such_thread": 2,
    "tool_error": 1,
    "model_error": 1,
    "not_authenticated": 5,
    "unknown_model": 2,
    "request_refused": 1,
    "context_too_long": 1,
    "payment_required": 1,
    "model_unavailable": 1,
    "answer_cut": 1,
    "answer_refused": 1,
    "no_tool_calls": 1,
    "recording_ends": 1,
    "replay_differs": 1,
}

#: A value for each field, odd enough to be broken by a careless encoding.
VALUES: dict[str, Any] = {
    "tools": ["bash", "read"],
    "arguments": {"command": "ls ä", "deep": [1, {"x": None}]},
    "requests": [{"id": "c1", "price_micro_usd": None}],
    "usage": {"input": 1, "cached": 0, "output": 2, "reasoning": 0},
    "cost_micro_usd": None,
    "ok": False,
    "truncated": True,
    "withdrawn": True,
    "seconds": 1.5,
    "iterations": 3,
    "tokens_before": 9,
    "tokens_after": 1,
    "undone_turn": 2,
    "number": 4,
    "resumes": "limit",
    "files_restored": ["/a"],
    "files_left": [],
    "call": "call_1",
    "reasons": ["2026-01-31 08:00:00"],
    "since": 1.5,
    "until": None,
    "note": "",
}


def own_fields(cls: type[Event]) -> str:
    head = {f.name for f in fields(Event)}
    named = []
    for f in fields(cls):
        if f.name not in head:
            optional = f.default is not MISSING or f.default_factory is not MISSING
            named.append(f.name + "=" * optional)
    return " ".join(named)


def error_classes(cls: type[AgentError] = AgentError) -> Iterator[type[AgentError]]:
    yield cls
    for below in cls.__subclasses__():
        # A tool may have kinds of its own; they are the model's to read.
        if below.__module__ in (errors.__name__, model_errors.__name__):
            yield from error_classes(below)


def test_the_seventeen_events_and_their_fields() -> None:
    assert {name: own_fields(cls) for name, cls in EVENTS.items()} == FIELDS
    assert len(EVENTS) == 17
    assert [f.name for f in fields(Event)] == ["thread", "turn", "seq"]
    assert SCHEMA_VERSION == 1


def test_no_event_is_forgotten_in_the_list() -> None:
    assert set(Event.__subclasses__()) == set(EVENTS.values())
    assert all(cls.name == name for name, cls in EVENTS.items())


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_survives_its_journey_as_json(name: str) -> None:
    cls = EVENTS[name]
    given = {f.rstrip("="): VALUES.get(f.rstrip("="), "text\n€") for f in FIELDS[name].split()}
    event = cls(**given, thread="t", turn=2, seq=7)
    line = json.dumps(event.to_dict())
    assert "\n" not in line
    head = ["event", "schema_version", "thread", "turn", "seq"]
    assert list(event.to_dict())[: len(head)] == head
    again = from_dict(json.loads(line))
    assert type(again) is cls
    assert again == event
    assert again.to_dict() == event.to_dict()


def test_an_event_of_a_later_version_is_named() -> None:
    with pytest.raises(KeyError, match="quantum_leap"):
        from_dict({"event": "quantum_leap", "schema_version": 2})


def test_what_is_written_to_the_stream_is_plain() -> None:
    written: list[Any] = []
    emitter(written.append)(events.AssistantMessage(text="hi"))
    assert written == [events.AssistantMessage(text="hi").to_dict()]
    assert type(written[0]) is dict


def test_the_errors_and_their_exit_codes() -> None:
    assert {cls("m").kind: cls.exit_code for cls in error_classes()} == EXIT_CODES


@pytest.mark.parametrize("cls", list(error_classes()))
def test_each_error_says_what_to_do_next(cls: type[AgentError]) -> None:
    error = cls("what happened")
    assert str(error) == error.message == "what happened"
    assert bool(error.hint) is (cls is not errors.ToolError)
    assert cls("m", "do this").hint == "do this"


@pytest.mark.parametrize("cls", list(error_classes()))
def test_the_drawn_tree_is_the_real_one(cls: type[AgentError]) -> None:
    drawing = sys.modules[cls.__module__].__doc__ or ""
    lines = [line for line in drawing.splitlines() if cls.__name__ in line.split()]
    assert len(lines) == 1, f"{cls.__name__} is not drawn once"
    if vars(cls).get("exit_code", 1) != 1:
        assert f"exit {cls.exit_code}" in lines[0]
