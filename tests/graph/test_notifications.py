"""Notifications: who is told about what, in which shape, and that nothing waits for them."""

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from configs.layers import load
from configs.problems import SettingsProblem
from configs.sections import Notify
from configs.settings import Settings
from graph.background import notifications
from tests.cli.program import program
from tests.graph.conftest import JOB
from tests.graph.driving import driven
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.model_script import Asked, Call, Reply
from tests.stand_ins.model_server import closed_port
from tools.hub.jobs import notices

KEY = "hf_" + "QwErTyUiOpAsDfGhJkLz" + "XcVbNmKjHgFdSa"


@dataclass
class Hook:
    """A server that takes messages. `statuses`: of the next answers, 200 after them. `held`: no
    answer before it is set."""

    url: str = ""
    got: list[tuple[str, Any]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)

    def at(self, path: str) -> list[Any]:
        return [body for where, body in self.got if where == path]


@pytest.fixture
def hook() -> Iterator[Hook]:
    told = Hook()
    told.held.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told.got.append((self.path, body))
            told.held.wait(60)
            self.send_response(told.statuses.pop(0) if told.statuses else 200)
            self.send_header("Retry-After", "0")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield told
    told.held.set()
    server.shutdown()
    server.server_close()


def with_notify(settings: Settings, **given: Any) -> Settings:
    return settings.model_copy(update={"notify": Notify.model_validate(given)})


@pytest.fixture
def given(settings: Settings, hook: Hook) -> Settings:
    return with_notify(
        settings, slack_webhook_url=f"{hook.url}/slack", webhook_url=f"{hook.url}/any"
    )


async def test_a_turn_that_is_done(given: Settings, workdir: Path, hook: Hook) -> None:
    async with driven([Reply("42 rows & <one> more")], given, workdir) as driver:
        await driver.send("count the rows\nof data.csv")
        thread = driver.session.thread.id
    assert hook.at("/any") == [
        {
            "event": "done",
            "status": "done",
            "thread": thread,
            "title": "count the rows",
            "text": "42 rows & <one> more",
            "go_on": f'ml-agent -r {thread} "..."',
        }
    ]
    (slack,) = hook.at("/slack")
    assert slack == {
        "text": "Done: count the rows\n42 rows &amp; &lt;one&gt; more\n"
        f'session {thread} · ml-agent -r {thread} "..."'
    }


async def test_an_approval_and_an_error(given: Settings, workdir: Path, hook: Hook) -> None:
    def choose(asked: Asked) -> Reply:
        if asked.user_messages > 1:
            return Reply(status=400)
        command = Call("bash", {"command": f"touch x # {KEY}"})
        return Reply(calls=[command, Call("bash", {"command": "touch y"})])

    async with driven(choose, given, workdir, mode="ask", interactive=True) as driver:
        assert (await driver.send(f"go {KEY}")).name == "approval_required"
        assert (await driver.send("no")).name == "error"
        thread = driver.session.thread.id
    first, second = sorted(hook.at("/any"), key=lambda body: str(body["event"]))
    assert (first["event"], first["status"]) == ("approval", "waiting")
    assert first["text"].startswith("bash (and 1 more): touch x")
    assert first["go_on"] == f"ml-agent approvals approve {thread}"
    assert (second["event"], second["status"]) == ("error", "error")
    assert KEY not in json.dumps(hook.got)
    assert "[secret: hugging face token]" in first["text"]
    assert "[secret: hugging face token]" in first["title"]


async def test_a_link_to_the_web_chat_names_the_session_and_nothing_else(
    given: Settings, workdir: Path, hook: Hook
) -> None:
    web = given.web.model_copy(update={"public_url": "https://me.example/chat/"})
    linked = given.model_copy(update={"web": web})
    script = [Reply(calls=[Call("bash", {"command": "touch x"})])]
    async with driven(script, linked, workdir, mode="ask", interactive=True) as driver:
        await driver.send("go")
        link = f"https://me.example/chat/?thread={driver.session.thread.id}"
    assert hook.at("/any")[0]["url"] == link
    assert hook.at("/slack")[0]["text"].splitlines()[-1] == link


async def test_a_limit_says_so(given: Settings, workdir: Path, hook: Hook) -> None:
    more = Reply(calls=[Call("glob", {"pattern": "*"})])
    async with driven([more, more], given, workdir, max_iterations=1) as driver:
        await driver.send("go")
    assert hook.at("/any")[0]["text"] == "the turn used its 1 iterations"
    assert hook.at("/slack")[0]["text"].startswith("It stopped at a limit: go")


@pytest.mark.parametrize("waits", [False, True])
async def test_the_end_of_a_job(
    given: Settings, workdir: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    def choose(asked: Asked) -> Reply:
        if asked.user_messages == 1 and asked.step == 0:
            return Reply(calls=[Call("hf_jobs", {**JOB, "detach": not waits})])
        return Reply("fine")

    monkeypatch.setenv("HF_TOKEN", "hf_ann")
    monkeypatch.setattr(notices, "BETWEEN", 0.0)
    with HubServer() as hub:
        here = given.model_copy(update={"hub_url": hub.url})
        hub.jobs.looks = 2 if waits else 1000
        async with driven(choose, here, workdir) as driver:
            await driver.send("train")
            if not waits:
                hub.jobs.end("ERROR", "no memory left", seconds=60)
                await driver.send("how is it?")
        (job,) = hub.jobs.jobs
    (told,) = [body for body in hook.at("/any") if body["event"] == "job"]
    assert (told["status"], told["title"]) == ("done" if waits else "failed", "train")
    assert told["text"].endswith(f"/{job}")
    head = "A job has ended: train" if waits else "A job has failed: train"
    assert [body for body in hook.at("/slack") if body["text"].startswith(head)]


async def test_only_what_was_asked_for(settings: Settings, workdir: Path, hook: Hook) -> None:
    errors_only = with_notify(settings, webhook_url=hook.url, on=["error"])
    async with driven([Reply("fine")], errors_only, workdir) as driver:
        await driver.send("go")
    assert hook.got == []


@pytest.mark.parametrize("statuses", [[500], [429, 503, 500]])
async def test_busy_servers_are_asked_again(
    given: Settings, workdir: Path, hook: Hook, statuses: list[int]
) -> None:
    hook.statuses = list(statuses)
    given = with_notify(given, webhook_url=f"{hook.url}/any")
    async with driven([Reply("fine")], given, workdir) as driver:
        await driver.send("go")
    assert len(hook.at("/any")) == len(statuses) + 1


async def test_a_refusal_is_one_line_without_the_address(
    settings: Settings, workdir: Path, hook: Hook
) -> None:
    hook.statuses = [404, 404]
    said: list[str] = []
    given = with_notify(settings, webhook_url=f"{hook.url}/a-secret-path")
    async with driven([Reply("fine")], given, workdir, notice=said.append) as driver:
        await driver.send("go")
        await driver.send("go on")
    assert said == ["a notification was not sent: 127.0.0.1: it answered 404"]
    assert len(hook.got) == 2


async def test_a_turn_and_the_end_do_not_wait_for_a_server_that_hangs(
    given: Settings, workdir: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "PATIENCE", 0.2)
    hook.held.clear()
    said: list[str] = []
    async with driven([Reply("fine")], given, workdir, notice=said.append) as driver:
        assert (await driver.send("go")).name == "turn_complete"
        assert (await driver.send("go on")).name == "turn_complete"
    # All of that while no message was answered.
    assert not hook.held.is_set()
    assert said == ["a notification was not sent: the server takes too long"]


async def test_a_host_that_is_not_there(
    settings: Settings, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "ATTEMPTS", 2)
    said: list[str] = []
    given = with_notify(settings, webhook_url=f"http://127.0.0.1:{closed_port()}/x")
    async with driven([Reply("fine")], given, workdir, notice=said.append) as driver:
        assert (await driver.send("go")).name == "turn_complete"
    assert said == ["a notification was not sent: 127.0.0.1: ConnectError"]


def test_a_project_may_not_say_where_they_go(tmp_path: Path) -> None:
    folder = tmp_path / ".ml-agent"
    folder.mkdir()
    (folder / "config.json").write_text('{"notify": {"webhook_url": "https://evil.example"}}')
    with pytest.raises(SettingsProblem, match="notify: a project's file cannot set it"):
        load(cwd=tmp_path, environ={})


def test_a_headless_run_sends_before_it_ends_and_its_commands_do_not_see_the_address(
    tmp_path: Path, hook: Hook
) -> None:
    address = f"{hook.url}/a-secret-path"
    steps = [
        Reply(calls=[Call("bash", {"command": "env | grep -c NOTIFY"})]),
        Reply(f"the address is {address}"),
    ]
    with program(tmp_path, steps) as run:
        run.extra["ML_AGENT_NOTIFY__WEBHOOK_URL"] = address
        run.extra["ML_AGENT_CLAIMS"] = "off"  # the address is in no result
        done = run.task("--output", "stream-json", "go")
        assert done.returncode == 0, done.stderr
        (told,) = hook.at("/a-secret-path")
        assert told["text"] == "the address is [secret ML_AGENT_NOTIFY__WEBHOOK_URL]"
        events = map(json.loads, done.stdout.splitlines())
        (output,) = [e["text"] for e in events if e["event"] == "tool_output"]
        assert output.splitlines()[0] == "0"
        shown = run("config", "show").stdout
        assert re.search(r'notify\.webhook_url +"\*\*\*"', shown)
        assert address not in shown
