"""Slash commands, pickers, the status line and the first run, on a screen."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.program import program
from tests.cli.screens import Terminal, terminal
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.model_script import Asked, Call, Reply

NO_KEYS = {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": ""}


def choose(asked: Asked) -> Reply:
    if asked.step == 0 and "make" in asked.user:
        name = asked.user.split()[-1]
        return Reply(calls=[Call("write", {"path": name, "content": "1"})])
    items = [{"id": "1", "text": "the only step", "status": "completed"}]
    if asked.step == 0 and "plan" in asked.user:
        return Reply(calls=[Call("plan", {"items": items})])
    return Reply(f"heard {asked.user.splitlines()[-1]}")


def turn(chat: Terminal, text: str) -> None:
    before = chat.text.count("iteration")
    chat.enter(text)
    chat.expect("iteration", before + 1)


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_what_is_shown(columns: int, tmp_path: Path) -> None:
    with program(tmp_path, choose) as run, terminal(run, columns=columns, rows=60) as chat:
        chat.prompt()
        chat.enter("/cost")
        chat.expect("no cost yet")
        chat.enter("/plan")
        chat.expect("no plan")
        turn(chat, "a plan")
        chat.enter("/plan")
        chat.expect("\\[x\\] the only step", 2)
        chat.enter("/cost")
        chat.expect("this session +(\\$|cost)")
        chat.enter("/context")
        chat.expect("of 32,000 tokens")
        chat.enter("/tools gre")
        chat.expect("grep +\\d+ tokens")
        chat.enter("/effort low")
        chat.expect("effort low")
        chat.enter("/compact")
        chat.expect("nothing to compact: the messages")
        chat.enter("/export talk.md")
        chat.expect("messages written")
        assert "a plan" in (run.work / "talk.md").read_text()
        chat.enter("/export talk.jsonl")
        chat.until((run.work / "talk.jsonl").exists, "the recording")
        chat.enter("/export none/talk.md")
        chat.expect("cannot write")
        # The line stands again a moment after what was said above it.
        chat.until(
            lambda: any("stand-in · ask · " in x and "% context" in x for x in chat.visible),
            "the status line",
        )
        chat.until(lambda: chat.title == "ml-agent: a plan", "the title")
        chat.enter("/help effort")
        chat.expect("/effort LEVEL +reasoning effort")


def test_modes(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run, terminal(run) as chat:
        chat.prompt()
        chat.enter("/mode")
        chat.expect("mode ask; /mode takes one of: ask, auto, read-only, yolo")
        chat.enter("/mode read-only")
        chat.expect("mode read-only: no changes")
        turn(chat, "make it")
        assert not (run.work / "it").exists()
        chat.enter("/yolo")
        chat.expect("mode yolo: everything runs without asking")
        chat.expect("stand-in · yolo")
        turn(chat, "make it")
        assert (run.work / "it").exists()
        chat.enter("/yolo")
        chat.expect("mode ask: ")
        shown = run("sessions", "list", "--output", "json")
        assert json.loads(shown.stdout)["threads"][0]["mode"] == "ask"


def test_going_back_with_a_picker(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run, terminal(run, rows=60) as chat:
        chat.prompt()
        turn(chat, "make one")
        turn(chat, "make two")
        turn(chat, "make three")
        chat.enter("/rewind")
        chat.expect("> +3  make three")
        chat.expect("1  make one")
        chat.type("\x1b[B")
        chat.expect("> +2  make two")
        chat.expect("undoes 2 turns; files: ")
        chat.enter()
        chat.expect("Undo turns 3, 2\\?")
        chat.enter()
        chat.expect("turns 3, 2 undone")
        assert (run.work / "one").exists()
        assert not (run.work / "two").exists()
        chat.enter("/redo")
        chat.expect("turn 2 redone")
        chat.enter("/rewind")
        chat.expect("undo from turn:")
        chat.type("nothing of the kind")
        chat.expect("no match")
        chat.type("\x1b")
        chat.prompt()
        chat.enter("/undo")
        chat.expect("Undo\\? \\[Y/n\\]")
        chat.enter("no")
        chat.expect("nothing was undone")
        chat.enter("/fork")
        chat.expect("continue later with")
        turn(chat, "hi")
        assert (run.work / "two").exists()


def test_resuming_another_thread(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        run.task("the first story")
        run.task("the second story")
        with terminal(run, rows=60) as chat:
            chat.prompt()
            chat.enter("/sessions")
            chat.expect("1 turn +the first story")
            chat.enter("/resume")
            chat.expect("> .*the second story")
            chat.type("first")
            chat.expect("│ heard the first story")  # the preview
            chat.enter()
            chat.expect("\n +> the first story\n")
            turn(chat, "go on")
            assert "the first story" in json.dumps(run.server.bodies[-1]["messages"])
            chat.enter("/new")
            chat.expect("starts a new session")
            turn(chat, "afresh")
            assert "the first story" not in json.dumps(run.server.bodies[-1]["messages"])
            chat.enter("/resume nonsense")
            chat.expect("nonsense")
            turn(chat, "still here")
            assert "afresh" in json.dumps(run.server.bodies[-1]["messages"])
            chat.enter("/clear")
            chat.gone("afresh")
            chat.enter("/quit")
            chat.ends()


def test_the_first_run(tmp_path: Path) -> None:
    unreachable = dict.fromkeys(
        ("OLLAMA_API_BASE", "LM_STUDIO_API_BASE", "HOSTED_VLLM_API_BASE", "LLAMACPP_API_BASE"),
        "http://127.0.0.1:9",
    )
    with (
        program(tmp_path, choose) as run,
        terminal(run, "--model", "", rows=60, **NO_KEYS, **unreachable) as chat,
    ):
        chat.expect("ml-agent \\d.*no model yet · ask · no cap")
        chat.expect("No model yet")
        chat.expect("Choose 1 to 5")
        for what in ("1  Anthropic API key", "2  Hugging Face token", "5  demo"):
            assert what in chat.text
        chat.enter("hello")  # no choice: a message, which is asked about again
        chat.expect("1  Anthropic API key", 2)
        chat.type("1")
        chat.expect("An Anthropic API key for this session \\(hidden; Enter skips\\)")
        chat.enter("hf_notanthropics")
        chat.expect("That is not an Anthropic API key: they begin with sk-ant-")
        chat.enter()
        chat.expect("^> hello", 2)  # what could not be sent
        chat.type("\x03")
        chat.prompt()
        chat.enter("/demo")
        chat.expect("Offline tour")
        chat.expect("Run it\\?.*\\[y\\]es")
        chat.enter("y")
        chat.expect("Next: ml-agent login")
        chat.prompt()


def test_a_key_is_checked_and_kept(tmp_path: Path) -> None:
    unreachable = dict.fromkeys(
        ("OLLAMA_API_BASE", "LM_STUDIO_API_BASE", "HOSTED_VLLM_API_BASE", "LLAMACPP_API_BASE"),
        "http://127.0.0.1:9",
    )
    with HubServer() as hub, program(tmp_path, choose) as run:
        given = {**NO_KEYS, **unreachable, "ML_AGENT_HUB_URL": hub.url,
                 "HF_TOKEN_PATH": str(tmp_path / "hub" / "token")}  # fmt: skip
        with terminal(run, "--model", "", rows=60, **given) as chat:
            chat.expect("Choose 1 to 5")
            chat.type("2")
            chat.expect("hidden; Enter skips")
            chat.enter("hf_ann")
            chat.expect("Signed in as ann")
            chat.expect("Keep it in ")
            chat.enter("y")
            chat.expect("kept in\\s")
            chat.expect("Model: hf/")
            chat.expect("^hf/.* · ask · \\? help")
            assert "hf_ann" not in chat.raw
        kept = tmp_path / "hub" / "token"
        assert kept.read_text() == "hf_ann"
        assert kept.stat().st_mode & 0o077 == 0


def test_the_token_is_asked_for_when_it_is_needed(tmp_path: Path) -> None:
    with (
        HubServer() as hub,
        program(tmp_path, choose) as run,
        # The router's address is not a private one, so that it needs a token.
        terminal(
            run, "-m", "hf/org/model", rows=60,
            HF_ROUTER_BASE_URL="http://router.invalid/v1", ML_AGENT_HUB_URL=hub.url,
        ) as chat,
    ):  # fmt: skip
        chat.prompt()
        assert "Hugging Face token" not in chat.text
        chat.enter("hello")
        chat.expect("no API key for hf/org/model")
        chat.expect("hidden; Enter skips")
        chat.enter("/status")  # no token: what it is
        chat.expect("> /status")
        chat.expect("no session yet")
        chat.prompt("hello")  # what could not be sent
        chat.enter()
        chat.expect("hidden; Enter skips")
        chat.enter("sk-anothersecretofmine")
        chat.expect("not a Hugging Face token: they begin with hf_")
        chat.until(lambda: any(line.endswith("skips):") for line in chat.visible), "the question")
        chat.type("hf_secretsecret")
        chat.expect("\\*{8}")
        chat.enter()
        chat.expect("does not accept this token \\(401\\)")
        chat.until(lambda: any(line.endswith("skips):") for line in chat.visible), "the question")
        chat.type("hf_ann")
        chat.enter()
        chat.expect("Signed in as ann")
        chat.expect("Keep it in")
        chat.enter()
        chat.expect("kept for this session only")
        chat.expect("session .* hf/org/model")
        history = (tmp_path / "state" / "history").read_text()
        for secret in ("hf_secret", "sk-another", "hf_ann"):
            assert secret not in chat.raw
            assert secret not in history
        assert [r.headers.get("authorization") for r in hub.requests if "whoami" in r.path] == [
            "Bearer hf_secretsecret", "Bearer hf_ann",
        ]  # fmt: skip


def test_the_token_is_asked_for_when_a_tool_needs_it(tmp_path: Path) -> None:
    def looks(asked: Asked) -> Reply:
        if asked.step == 0 and asked.user_messages == 1:
            return Reply(calls=[Call("hf_jobs", {"operation": "ps"})])
        return Reply("as you say")

    with HubServer() as hub, program(tmp_path, looks) as run:
        with terminal(run, ML_AGENT_HUB_URL=hub.url) as chat:
            chat.prompt()
            turn(chat, "which jobs are there?")
            chat.expect("a tool needs your Hugging Face token")
            chat.expect("hidden; Enter skips")
            chat.type("hf_ann")
            chat.enter()
            chat.expect("Keep it in")
            chat.enter()
            turn(chat, "go on")
            assert "hf_ann" not in chat.raw
        assert hub.violations == []


def test_after_an_interrupt_a_job_can_be_cancelled(tmp_path: Path) -> None:
    job = {"operation": "run", "flavor": "t4-small", "timeout": "30m", "command": "x"}

    def launches(asked: Asked) -> Reply:
        if asked.step == 0:
            return Reply(calls=[Call("hf_jobs", job)])
        return Reply(calls=[Call("bash", {"command": "echo waiting; sleep 60"})])

    with HubServer() as hub, program(tmp_path, launches) as run:
        hub.jobs.looks = 1000
        with terminal(run, "--yolo", ML_AGENT_HUB_URL=hub.url, HF_TOKEN="hf_ann") as chat:
            chat.prompt()
            chat.enter("launch it")
            chat.expect("waiting", 2)
            chat.type("\x03")
            chat.expect("is still running and")
            chat.expect("cancel job .*\\? y, or Enter")
            chat.enter("y")
            chat.expect("was cancelled")
        assert [job.stage for job in hub.jobs.jobs.values()] == ["CANCELED"]
        assert hub.violations == []


def test_a_local_server_is_found(tmp_path: Path) -> None:
    class Models(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"data": [{"id": "small"}]}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Models)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    try:
        with (
            program(tmp_path, choose) as run,
            terminal(run, "--model", "", **NO_KEYS, OLLAMA_API_BASE=base) as chat,
        ):
            chat.expect("no API key is set; using ollama_chat/small on this machine")
    finally:
        server.shutdown()
        server.server_close()
