"""OpenTelemetry: the spans of a turn, as a collector gets them, and what it must not disturb."""

import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from configs.settings import Settings
from graph.background import telemetry
from tests.cli.program import complaints, program
from tests.cli.program_process import run as run_python
from tests.graph.driving import driven
from tests.graph.test_approvals import bash, choose
from tests.graph.test_research import one, side_by_side
from tests.stand_ins.collector import Collector, Got, collecting
from tests.stand_ins.model_script import Call, Reply

SECRET = "hf_" + "a1B2c3D4e5" * 3 + "f6G7"
WORK = [Reply("I look", calls=[Call("read", {"path": "a.txt"})]), Reply("it says words of a")]


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    telemetry._own_provider.cache_clear()
    with collecting() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
        yield found
    telemetry._own_provider.cache_clear()


@pytest.fixture
def files(workdir: Path) -> Path:
    for name in "abc":
        (workdir / f"{name}.txt").write_text(f"words of {name} {SECRET}\n")
    return workdir


def the(collector: Collector, name: str) -> Got:
    (found,) = collector.named(name)
    return found


async def test_a_turn_with_its_model_calls_and_its_tool_call(
    settings: Settings, files: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=ours")
    async with driven(WORK, settings, files, model="openai/gpt-4o") as driver:
        last = await driver.send("what is in it?")
        thread = driver.session.thread.id
    assert set(collector.paths) == {"/v1/traces"}
    assert collector.headers[0]["x-team"] == "ours"
    turn = the(collector, "invoke_agent ml-agent")
    chats, call = collector.named("chat openai/gpt-4o"), the(collector, "execute_tool read")
    assert turn.resource["service.name"] == "ml-agent"
    assert turn.parent == b""
    assert {span.id for span in collector.below(turn)} == {*(c.id for c in chats), call.id}
    assert {span.trace for span in collector.spans} == {turn.trace}
    assert {span.attributes["gen_ai.conversation.id"] for span in collector.spans} == {thread}
    assert not any(span.is_error for span in collector.spans)

    first, second = (span.attributes for span in chats)
    assert first["gen_ai.operation.name"] == "chat"
    assert first["gen_ai.provider.name"] == "openai"
    assert first["gen_ai.request.model"] == "openai/gpt-4o"
    assert first["gen_ai.response.finish_reasons"] == ["tool_calls"]
    assert second["gen_ai.response.finish_reasons"] == ["stop"]
    known = turn.attributes
    assert known["gen_ai.operation.name"] == "invoke_agent"
    assert known["ml_agent.turn"] == 1
    assert known["ml_agent.turn.status"] == "done"
    assert known["ml_agent.iterations"] == 2
    assert not known["ml_agent.resumed"]
    for name, key in (("input_tokens", "input"), ("output_tokens", "output")):
        each = [span[f"gen_ai.usage.{name}"] for span in (first, second)]
        assert sum(each) == known[f"gen_ai.usage.{name}"] == last.usage[key] > 0
    costs = [span["ml_agent.cost_usd"] for span in (first, second)]
    assert sum(costs) == pytest.approx(known["ml_agent.cost_usd"])
    assert known["ml_agent.cost_usd"] == pytest.approx(last.cost_micro_usd / 1e6)
    assert call.attributes["gen_ai.tool.name"] == "read"
    assert call.attributes["gen_ai.tool.call.id"]
    assert call.attributes["ml_agent.tool.outcome"] == "done"


async def test_what_is_said_is_left_out_until_it_is_asked_for(
    settings: Settings, files: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with driven(WORK, settings, files) as driver:
        await driver.send("what is in it?")
    told = str(collector.spans)
    assert "what is in it?" not in told
    assert "words of a" not in told
    assert "a.txt" not in told
    collector.spans.clear()

    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    async with driven(WORK, settings, files) as driver:
        await driver.send(f"what is in it? {SECRET}")
    first, second = (span.attributes for span in collector.named("chat openai/stand-in"))
    call = the(collector, "execute_tool read").attributes
    turn = the(collector, "invoke_agent ml-agent").attributes
    assert json.loads(call["gen_ai.tool.call.arguments"]) == {"path": "a.txt"}
    assert "words of a" in call["gen_ai.tool.call.result"]
    (asked,) = json.loads(first["gen_ai.input.messages"])
    assert asked["role"] == "user"
    assert "what is in it?" in asked["parts"][0]["content"]
    (answer,) = json.loads(first["gen_ai.output.messages"])
    assert answer["parts"][0] == {"type": "text", "content": "I look"}
    assert (answer["parts"][1]["type"], answer["parts"][1]["name"]) == ("tool_call", "read")
    (result,) = json.loads(second["gen_ai.input.messages"])
    assert result["parts"][0]["type"] == "tool_call_response"
    assert "it says words of a" in turn["gen_ai.output.messages"]
    assert SECRET not in str(collector.spans)


async def test_errors_are_errors_of_their_spans(
    settings: Settings, files: Path, collector: Collector
) -> None:
    script = [
        Reply(calls=[Call("read", {"path": "nothing.txt"})]),
        Reply(status=401),
    ]
    async with driven(script, settings, files) as driver:
        assert (await driver.send("go")).name == "error"
    call = the(collector, "execute_tool read")
    assert (call.is_error, call.attributes["error.type"]) == (True, "failed")
    assert "nothing.txt" not in call.message
    good, bad = collector.named("chat openai/stand-in")
    assert not good.is_error
    turn = the(collector, "invoke_agent ml-agent")
    for span in (bad, turn):
        assert span.is_error
        assert span.attributes["error.type"] == "not_authenticated"
        assert span.message


async def test_a_sub_agents_spans_are_below_its_call(
    settings: Settings, files: Path, collector: Collector
) -> None:
    steps = (Reply(calls=[Call("read", {"path": "a.txt"})]), Reply("found"))
    async with driven(one(*steps), settings, files) as driver:
        await driver.send("look")
    call = the(collector, "execute_tool research")
    names = sorted(span.name for span in collector.below(call))
    assert names == ["chat openai/stand-in", "chat openai/stand-in", "execute_tool read"]
    turn = the(collector, "invoke_agent ml-agent")
    assert len(collector.below(turn)) == 3
    assert {span.trace for span in collector.spans} == {turn.trace}


async def test_sub_agents_side_by_side_keep_their_own(
    settings: Settings, files: Path, collector: Collector
) -> None:
    async with driven(side_by_side, settings, files) as driver:
        await driver.send("look")
    calls = collector.named("execute_tool research")
    assert len(calls) == 3
    for call in calls:
        assert len(collector.below(call)) == 3


async def test_a_turn_that_continues_is_a_trace_of_its_own(
    settings: Settings, workdir: Path, collector: Collector
) -> None:
    async with driven(choose(bash("echo one")), settings, workdir, mode="ask") as driver:
        await driver.send("go")
        await driver.resume([{"type": "reject", "message": "no"}])
        await driver.resume()  # there is nothing to continue: no span
        thread = driver.session.thread.id
    first, second = collector.named("invoke_agent ml-agent")
    assert first.trace != second.trace
    for span in (first, second):
        assert span.attributes["gen_ai.conversation.id"] == thread
        assert span.attributes["ml_agent.turn"] == 1
    assert first.attributes["ml_agent.turn.status"] == "approval_required"
    assert second.attributes["ml_agent.resumed"]
    call = the(collector, "execute_tool bash")
    assert (call.is_error, call.attributes["ml_agent.tool.outcome"]) == (False, "rejected")
    assert call.parent == second.id


async def test_a_program_with_a_provider_of_its_own_gets_them(
    settings: Settings, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", lambda: provider)
    with provider.get_tracer("theirs").start_as_current_span("their request"):
        async with driven(WORK, settings, files) as driver:
            await driver.send("go")
    spans = {span.name: span for span in exporter.get_finished_spans()}
    turn, theirs = spans["invoke_agent ml-agent"], spans["their request"]
    assert turn.parent is not None
    assert turn.parent.span_id == theirs.context.span_id
    for name in ("chat openai/stand-in", "execute_tool read"):
        assert spans[name].parent is not None
        assert spans[name].parent.span_id == turn.context.span_id


async def test_a_turn_that_is_left_has_an_end(
    settings: Settings, files: Path, collector: Collector
) -> None:
    async with driven(WORK, settings, files) as driver:
        turn = driver.session.send("go")
        async for event in turn:
            if event.name == "tool_output":
                break
        await turn.aclose()
    assert the(collector, "invoke_agent ml-agent").attributes["ml_agent.turn.status"] == "left"


@pytest.mark.parametrize("kind", ["closed", "silent"])
async def test_a_collector_that_is_down_is_named_once(
    kind: str, settings: Settings, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    telemetry._own_provider.cache_clear()
    monkeypatch.setattr(telemetry, "PATIENCE", 0.2)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    notices: list[str] = []
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if kind == "silent":
            silent.listen(8)
        url = f"http://user:word@127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        for _ in range(2):
            async with driven(WORK, settings, files, notice=notices.append) as driver:
                assert (await driver.send("go")).name == "turn_complete"
    (notice,) = [line for line in notices if "traces" in line]
    assert "127.0.0.1" in notice
    assert "word" not in notice
    telemetry._own_provider.cache_clear()


def test_the_program_ends_though_its_collector_is_silent(tmp_path: Path) -> None:
    with socket.socket() as silent, program(tmp_path, [Reply("done")]) as run:
        run.fresh = True
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_TIMEOUT": "3600"}
        done = run.task("hello", env=variables)
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert "traces were not sent" in complaints(done)[-1]


def test_nothing_is_imported_unless_it_is_wanted_and_installed(tmp_path: Path) -> None:
    code = """
import json, sys
from cli.lean_imports import keep_out
keep_out()
{before}
from graph.background.telemetry import spans_of
found = spans_of("t", print)
print(json.dumps([found is None, any(n.startswith("opentelemetry.") for n in sys.modules)]))
"""

    def said(code: str, **variables: str) -> Any:
        done = run_python(
            [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, **variables}
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    there = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    assert said(code.format(before="")) == [True, False]
    assert said(code.format(before=""), **there) == [False, True]
    assert said(code.format(before=""), OTEL_SDK_DISABLED="true", **there) == [True, False]
    assert said(code.format(before=""), OTEL_TRACES_EXPORTER="none", **there) == [True, False]
    missing = "sys.modules['opentelemetry'] = None"
    assert said(code.format(before=missing), **there) == [True, False]


def test_a_service_name_of_the_users_counts(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=mine,team=ours")
    found = telemetry.spans_of("t", print)
    assert found is not None
    assert found._own is not None
    attributes: Any = found._own.provider.resource.attributes
    assert (attributes["service.name"], attributes["team"]) == ("mine", "ours")


def test_doctor_says_where_spans_go(tmp_path: Path) -> None:
    with program(tmp_path, [Reply("done")]) as run:
        url = "http://me:word@collector.example:4318?key=hidden"
        done = run("doctor", env={"OTEL_EXPORTER_OTLP_ENDPOINT": url})
    assert "OpenTelemetry: spans go to collector.example:4318\n" in done.stdout
    assert "word" not in done.stdout
    assert "hidden" not in done.stdout
