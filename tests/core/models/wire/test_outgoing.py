"""What is sent: names, ids, schemas and text that every provider takes, and what belongs to one
provider back to it alone. What is stored stays as it is."""

import json
import re
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import StructuredTool

from core.models.wire.names import sendable, sendable_id
from core.models.wire.outgoing import prepared_tools
from core.models.wire.schemas import acceptable
from tests.core.models.asking import ANTHROPIC, BOTH, HELLO, OPENAI, asking, bash
from tests.core.models.wire.asking_raw import asking_raw
from tests.stand_ins.model_script import Call, Reply
from tests.stand_ins.raw_server import Raw, chunk, piece, say, stream

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def history(
    name: str = "bash", id: str = "c1", text: str = "r", **extras: Any
) -> list[BaseMessage]:
    call = {"name": name, "args": {"command": text}, "id": id}
    metadata = {"model_provider": extras.pop("provider", "openai")}
    return [
        *HELLO,
        AIMessage("", tool_calls=[call], additional_kwargs=extras, response_metadata=metadata),
        ToolMessage(text, tool_call_id=id, name=name),
    ]


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("name", ["functions.bash", "bash<|channel|>x", "a b", "", "ä" * 80])
async def test_a_thread_with_a_name_that_nobody_takes_works_again(model: str, name: str) -> None:
    with asking([Reply(text="x")]) as a:
        await a.ask(model, history(name or "unknown"), tools=[bash])
        assert name == "" or name not in json.dumps(a.server.bodies[0], ensure_ascii=False)


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("id", ["toolu_01/x.y", "call_" + "a" * 60, "id mit ü", "7"])
async def test_ids_of_other_providers(model: str, id: str) -> None:
    with asking([Reply(text="x")]) as a:
        await a.ask(model, history(id=id), tools=[bash])
        sent = json.dumps(a.server.bodies[0])
    found = re.findall(r'"(?:id|tool_call_id|tool_use_id)": "([^"]*)"', sent)
    assert len(found) == 2
    assert len(set(found)) == 1
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", found[0])


@pytest.mark.parametrize("model", BOTH)
async def test_half_a_character_in_a_thread(model: str) -> None:
    messages = [*history(text="half \ud83d"), HumanMessage("caf\udce9.txt")]
    with asking([Reply(text="x")]) as a:
        await a.ask(model, messages, tools=[bash])
        sent = json.dumps(a.server.bodies[0], ensure_ascii=False)
    sent.encode()
    assert "caf\\\\xe9.txt" in sent
    assert messages[-1].text == "caf\udce9.txt"


@pytest.mark.parametrize("prefix", ["mistral", "litellm/mistral", "local"])
async def test_mistral_gets_ids_of_nine(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = stream(piece(0, "D681PevKs", "bash", '{"command": "ls"}'), chunk({}, "tool_calls"))
    with asking_raw(first, say("x")) as a:
        monkeypatch.setenv("MISTRAL_API_KEY", "k" * 20)
        monkeypatch.setenv("MISTRAL_API_BASE", a.server.base)  # type: ignore[attr-defined]
        a.settings.local_base_url = a.server.base  # type: ignore[attr-defined]
        await a.ask(f"{prefix}/mistral-large-latest", tools=[bash])
        await a.ask(f"{prefix}/mistral-large-latest", history(id="call_" + "0" * 24), tools=[bash])
        sent = a.server.bodies[1]["messages"]
    ids = [c["id"] for m in sent for c in m.get("tool_calls") or ()]
    ids += [m["tool_call_id"] for m in sent if m["role"] == "tool"]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert re.fullmatch("[a-zA-Z0-9]{9}", ids[0])
    if prefix == "mistral":
        # Fields that it does not know are refused.
        assert "stream_options" not in a.server.bodies[0]


def test_names_and_ids_stay_apart() -> None:
    names = ["a.b", "a b", "a/b", "a_b", "ä", "ö", "x" * 70, "x" * 71]
    assert len({sendable(n) for n in names}) == len(names)
    assert all(NAME.fullmatch(sendable(n)) for n in names)
    assert sendable("a_b") == "a_b"
    ids = [f"call_{n}" for n in range(3000)]
    assert len({sendable_id(i, nine=True) for i in ids}) == len(ids)
    assert sendable_id("D681PevKs", nine=True) == "D681PevKs"


# --- what belongs to one provider ------------------------------------------------------------

SIGNED = {"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "SIGN"}]}


@pytest.mark.parametrize(
    ("provider", "model", "goes"),
    [
        ("anthropic", ANTHROPIC, True),
        ("litellm", ANTHROPIC, True),  # stored before routes had names
        ("openrouter", ANTHROPIC, False),
        ("anthropic", OPENAI, False),
        ("anthropic", f"litellm/{OPENAI}", False),
    ],
)
async def test_signed_thinking(provider: str, model: str, goes: bool) -> None:
    with asking([Reply(text="x")]) as a:
        await a.ask(model, history(provider=provider, **SIGNED), tools=[bash])
        assert ("SIGN" in json.dumps(a.server.bodies[0])) is goes


async def test_redacted_thinking_goes_back_and_a_librarys_own_fields_do_not() -> None:
    blocks = [
        {"type": "redacted_thinking", "data": "AAA"},
        {"type": "thinking", "thinking": "hm", "signature": "S", "index": 0, "prefix": "digest"},
        {"type": "thinking", "thinking": "unsigned"},
    ]
    with asking([Reply(text="x")]) as a:
        messages = history(provider="anthropic", thinking_blocks=blocks)
        await a.ask(ANTHROPIC, messages, tools=[bash])
        sent = a.server.bodies[0]["messages"][1]["content"]
    assert sent[:2] == [
        {"type": "redacted_thinking", "data": "AAA"},
        {"type": "thinking", "thinking": "hm", "signature": "S"},
    ]
    assert sent[2]["type"] == "tool_use"


@pytest.mark.parametrize(
    ("provider", "goes"), [("openrouter", True), ("openai", False), ("groq", False)]
)
async def test_reasoning_details(
    provider: str, goes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    details = [{"type": "reasoning.encrypted", "data": "HIDDEN"}]
    with asking_raw(say("x")) as a:
        monkeypatch.setenv("OPENROUTER_API_KEY", "k" * 20)
        monkeypatch.setenv("OPENROUTER_API_BASE", a.server.base)  # type: ignore[attr-defined]
        messages = history(provider=provider, reasoning_details=details)
        await a.ask("openrouter/a/b", messages, tools=[bash])
        assert ("HIDDEN" in json.dumps(a.server.bodies[0])) is goes


@pytest.mark.parametrize(
    ("model", "variable", "goes"),
    [
        ("deepseek/deepseek-chat", "DEEPSEEK", True),
        ("vllm/m", "HOSTED_VLLM", True),
        ("groq/m", "GROQ", False),
        ("xai/m", "XAI", False),
        ("openai/m", "OPENAI", False),
    ],
)
async def test_thinking_of_this_turn_goes_back_to_who_takes_it(
    model: str, variable: str, goes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asking_raw(say("x")) as a:
        monkeypatch.setenv(f"{variable}_API_KEY", "k" * 20)
        monkeypatch.setenv(f"{variable}_API_BASE", a.server.base)  # type: ignore[attr-defined]
        thought = history(reasoning_content="I THINK")
        await a.ask(model, thought, tools=[bash])
        await a.ask(model, [*thought, AIMessage("done"), HumanMessage("more")], tools=[bash])
        sent = ["I THINK" in json.dumps(body) for body in a.server.bodies]
    assert sent == [goes, False]


# --- schemas -----------------------------------------------------------------------------------

ANY_OF = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "name": {"type": "string"}},
    "anyOf": [{"required": ["id"]}, {"required": ["name"]}],
}
REF = {
    "$ref": "#/definitions/Q",
    "definitions": {
        "Q": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
    },
}
ALL_OF = {
    "allOf": [
        {"$ref": "#/$defs/A"},
        {
            "properties": {"b": {"type": "integer"}},
            "required": ["b"],
            "additionalProperties": False,
        },
    ],
    "$defs": {"A": {"properties": {"a": {"type": "string"}}, "required": ["a"]}},
}
ONE_OF = {
    "oneOf": [
        {"properties": {"kind": {"const": "x"}, "x": {}}, "required": ["kind", "x"]},
        {"properties": {"kind": {"const": "y"}, "y": {}}, "required": ["kind", "y"]},
    ]
}  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "properties", "required"),
    [
        (ANY_OF, {"id", "name"}, None),
        (REF, {"path"}, ["path"]),
        (ALL_OF, {"a", "b"}, ["a", "b"]),
        (ONE_OF, {"kind", "x", "y"}, ["kind"]),
        ({"type": ["object", "null"], "properties": {"a": True}}, {"a"}, None),
        ({"type": "object", "required": ["gone"]}, set(), None),
        ({"$ref": "#/nowhere"}, set(), None),
        ({"$ref": "https://example.org/schema.json"}, set(), None),
        ({"$ref": "#"}, set(), None),
        ({"type": "string", "enum": ["a"]}, set(), None),
        ({"not": {}, "if": {}, "then": {}, "properties": {"a": {}}}, {"a"}, None),
        (None, set(), None),
        (True, set(), None),
        ({"properties": None, "required": None}, set(), None),
    ],
)
def test_schemas_that_providers_take(schema: Any, properties: Any, required: Any) -> None:
    before = json.dumps(schema)
    sent = acceptable(schema).schema
    assert sent["type"] == "object"
    assert set(sent["properties"]) == properties
    assert sent.get("required") == required
    assert not {"anyOf", "oneOf", "allOf", "$ref", "not", "enum", "if", "then"} & set(sent)
    assert all(isinstance(value, dict) for value in sent["properties"].values())
    assert json.dumps(schema) == before


def test_a_schema_that_needs_nothing_is_as_it_was() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/B"}]}},
        "required": ["a"],
        "additionalProperties": False,
        "$defs": {"B": {"type": "object"}},
    }
    assert acceptable(schema).schema == schema


def test_schemas_that_lead_in_circles_end() -> None:
    schema = {"$ref": "#/$defs/A", "$defs": {"A": {"allOf": [{"$ref": "#/$defs/A"}]}}}
    assert acceptable(schema).schema["properties"] == {}


def spec(name: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def test_names_of_parameters_go_out_sendable_and_come_back() -> None:
    odd = {"user:id": {"type": "string"}, "$filter": {"description": "OData"}, "größe": {}, "a": {}}
    tools = prepared_tools([spec("fs/read.file", odd, ["user:id", "a"])])
    (sent,) = (s["function"] for s in tools.specs)
    assert NAME.fullmatch(sent["name"])
    parameters = sent["parameters"]
    assert all(re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", n) for n in parameters["properties"])
    assert set(parameters["required"]) < set(parameters["properties"])
    given = dict.fromkeys(parameters["properties"], 1)
    assert set(tools.given(sent["name"], given)) == set(odd)
    assert tools.names[sent["name"]] == "fs/read.file"


async def test_a_call_comes_back_under_the_tools_own_names() -> None:
    parameters = {"type": "object", "properties": {"user:id": {}}, "required": ["user:id"]}
    odd = StructuredTool(name="fs.read", description="Read.", args_schema=parameters, func=print)

    def answer(path: str, body: Any) -> bytes:
        function = body["tools"][0]["function"]
        (name,) = function["parameters"]["properties"]
        arguments = json.dumps({name: 7})
        return stream(piece(0, "a", function["name"], arguments), chunk({}, "tool_calls"))

    with asking_raw(answer) as a:
        got = await a.ask("openai/m", tools=[odd])
        sent = a.server.bodies[0]["tools"][0]["function"]
    (call,) = got.message.tool_calls
    assert (call["name"], call["args"], got.bad_calls) == ("fs.read", {"user:id": 7}, ())
    assert "." not in sent["name"]
    assert list(sent["parameters"]["properties"]) == sent["parameters"]["required"] == ["user_id"]


async def test_a_users_picture_goes_to_anthropic_with_its_type() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,AAAA"}}
    message = HumanMessage([{"type": "text", "text": "look"}, picture])
    with asking([Reply(text="x", calls=[Call("bash", {"command": "ls"})])]) as a:
        await a.ask(ANTHROPIC, [HELLO[0], message], tools=[bash])
        sent = a.server.bodies[0]["messages"][0]["content"]
    source = {"type": "base64", "media_type": "image/jpeg", "data": "AAAA"}
    assert sent[1]["source"] == source


async def test_what_stands_side_by_side_is_one_turn_for_anthropic() -> None:
    messages = [
        *history(provider="anthropic"),
        HumanMessage("steer"),
        HumanMessage("more"),
        AIMessage("a"),
        AIMessage("b "),
        HumanMessage("end"),
    ]
    with asking([Reply(text="x")]) as a:
        await a.ask(ANTHROPIC, messages, tools=[bash])
        roles = [m["role"] for m in a.server.bodies[0]["messages"]]
        results = a.server.bodies[0]["messages"][2]["content"]
    assert roles == ["user", "assistant", "user", "assistant", "user"]
    assert [b["type"] for b in results] == ["tool_result", "text", "text"]


async def test_a_refused_answer_is_no_reason_to_send_an_empty_one() -> None:
    with asking_raw(Raw(stream(chunk({}, "content_filter"))), say("x")) as a:
        answer = await a.ask("openai/m")
        await a.ask("openai/m", [*HELLO, answer.message, HumanMessage("and now?")])
        assert all(m["content"] for m in a.server.bodies[1]["messages"])
