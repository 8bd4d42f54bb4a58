"""What holds for every tool: a new one gets these tests by being in `builtin_tools()`."""

import asyncio
import json
import time
from typing import Any, get_args

import pytest
from langchain_core.tools import BaseTool
from pydantic import BaseModel

from core.effects import EffectKind
from core.history import Call
from core.models.tokens import _encoder
from core.models.tool_specs import tool_specs
from core.tool import AgentTool, ToolResult
from nodes.validate import validated
from tests.tools.bench import Bench
from tools import builtin_tools

TOOLS = builtin_tools()
#: All specs together, in tokens: they are sent with every request.
SPECS = 6000
#: Of tools whose required arguments alone say nothing.
EXAMPLES: dict[str, dict[str, Any]] = {
    "experiment": {"operation": "list"},
    "wait": {"until": [{"after": "1m"}]},
}

every_tool = pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS.keys())


def example(tool: AgentTool) -> dict[str, Any]:
    """Arguments that fit: the required ones, and the first of each choice."""
    if tool.name in EXAMPLES:
        return EXAMPLES[tool.name]
    schema = tool.args_schema.model_json_schema()
    return {
        name: _value(schema["properties"][name], schema.get("$defs", {}))
        for name in schema.get("required", ())
    }


def _value(schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    if "$ref" in schema:
        return _value(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    if "anyOf" in schema:
        return _value(schema["anyOf"][0], definitions)
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if schema["type"] == "array":
        return [_value(schema["items"], definitions)] * schema.get("minItems", 0)
    if schema["type"] == "object":
        inner = schema.get("properties", {})
        return {name: _value(inner[name], definitions) for name in schema.get("required", ())}
    lowest = schema.get("minimum", 1)
    return {"string": "x", "integer": lowest, "number": lowest, "boolean": False}[schema["type"]]


@every_tool
def test_is_a_langchain_tool_under_its_name(tool: AgentTool) -> None:
    assert isinstance(tool, BaseTool)
    assert TOOLS[tool.name] is tool
    assert builtin_tools()[tool.name] is not tool


@every_tool
def test_says_what_it_does_in_few_words(tool: AgentTool) -> None:
    assert 40 < len(tool.description) < 700


@every_tool
def test_arguments_are_typed_and_nothing_else_is_taken(tool: AgentTool) -> None:
    assert issubclass(tool.args_schema, BaseModel)
    assert tool.args_schema.model_json_schema()["additionalProperties"] is False
    assert all(field.annotation is not Any for field in tool.args_schema.model_fields.values())


@every_tool
def test_declares_an_effect_without_touching_anything(tool: AgentTool) -> None:
    _, arguments = validated(Call("c", tool.name, example(tool)), TOOLS)
    effect = tool.effect(arguments, "/nowhere")
    assert effect.kind in get_args(EffectKind)
    assert effect == tool.effect(arguments, "/nowhere")


@every_tool
def test_bad_arguments_come_back_as_one_message_naming_the_field(tool: AgentTool) -> None:
    good = example(tool)
    bad: list[tuple[dict[str, Any], str]] = [({**good, "surplus": 1}, "surplus")]
    for name in good:
        bad.append(({k: v for k, v in good.items() if k != name}, name))
    for name in tool.args_schema.model_fields:
        bad.append(({**good, name: object()}, name))
    for arguments, field in bad:
        with pytest.raises(ValueError, match=rf"^{tool.name}: .*{field}") as caught:
            validated(Call("c", tool.name, arguments), TOOLS)
        assert "\n" not in str(caught.value)


@every_tool
def test_null_means_left_out(tool: AgentTool) -> None:
    """Some models write null for each optional argument."""
    good = example(tool)
    optional = {n for n, f in tool.args_schema.model_fields.items() if not f.is_required()}
    nulls = dict.fromkeys(optional - set(good))
    assert validated(Call("c", tool.name, {**nulls, **good}), TOOLS) == validated(
        Call("c", tool.name, good), TOOLS
    )


@every_tool
async def test_bad_arguments_do_not_run(bench: Bench, tool: AgentTool) -> None:
    result = await bench.call(tool.name, **example(tool), surplus=1)
    assert (result.ok, result.outcome) == (False, "failed")
    assert result.text.startswith(f"Not run: {tool.name}: surplus: ")


@every_tool
async def test_an_exception_inside_is_this_calls_failure(
    bench: Bench, tool: AgentTool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*args: Any) -> ToolResult:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr(type(tool), "execute", breaks)
    broken = await bench.call(tool.name, **example(tool))
    assert broken.text == "The tool failed: ZeroDivisionError: inside"
    assert (broken.ok, broken.outcome) == (False, "failed")


@every_tool
async def test_the_event_loop_goes_on(bench: Bench, tool: AgentTool) -> None:
    """A blocked loop answers no Ctrl-C. A watchdog, generous: a busy machine is not a failure."""
    longest, last, done = 0.0, time.perf_counter(), asyncio.Event()

    async def tick() -> None:
        nonlocal longest, last
        while not done.is_set():
            await asyncio.sleep(0.005)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now

    ticking = asyncio.create_task(tick())
    result = await asyncio.wait_for(bench.call(tool.name, **example(tool)), 60)
    done.set()
    await ticking
    assert isinstance(result, ToolResult)
    assert longest < 1


@every_tool
async def test_its_result_can_be_stored(bench: Bench, tool: AgentTool) -> None:
    result = await bench.call(tool.name, **example(tool))
    stored = json.loads(json.dumps(result.to_dict()))
    assert ToolResult.from_dict(stored) == result


def test_all_specs_together_are_small() -> None:
    specs = tool_specs(list(TOOLS.values()))
    assert len(_encoder().encode(json.dumps(specs))) < SPECS
    assert specs == tool_specs(list(builtin_tools().values()))
