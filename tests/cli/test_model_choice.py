"""Which model answers, how much it thinks, what the context holds: in the chat and as commands."""

import json
from pathlib import Path

from tests.cli.program import program
from tests.cli.test_chat import chatting
from tests.stand_ins.model_script import Asked, Reply


def who(asked: Asked) -> Reply:
    effort = asked.body.get("reasoning_effort", "no effort")
    return Reply(f"I am {asked.model}, {effort}")


def test_in_the_chat(tmp_path: Path) -> None:
    with program(tmp_path, who) as run, chatting(run) as chat:
        chat.expect_exact("> ")
        chat.sendline("hello")
        chat.expect("I am stand-in, no effort")
        chat.sendline("/model openai/other")
        chat.expect("Model: openai/other")
        chat.sendline("/effort")
        chat.expect("minimal, low, medium, high")
        chat.sendline("/effort turbo")
        chat.expect("does not take the effort 'turbo' .choose one of none, minimal")
        chat.sendline("/effort high")
        chat.expect("effort: high")
        chat.sendline("who?")
        chat.expect("I am other, high")
        chat.sendline("/model gpt-5.1")
        chat.expect("Model: openai/gpt-5.1 at ")
        chat.sendline("/model groq/llama")
        chat.expect("no API key for groq/llama .set GROQ_API_KEY")
        chat.sendline("/model sonnet")
        chat.expect("unknown model 'sonnet'")
        chat.sendline("/model")
        chat.expect("gpt-5.1 is the model")
        chat.expect("openai/gpt-4.1  1,047,576 tokens")
        chat.sendline("/context")
        chat.expect("of 272,000 tokens")
        chat.expect("system prompt +[\\d,]+")
        chat.expect("compacted above")
        chat.sendline("/tools")
        chat.expect("grep +\\d+ tokens")
        chat.sendline("/compact")
        chat.expect("nothing to compact: the messages have [\\d,]+ tokens")
        chat.sendline("/quit")
        chat.expect("continue later with")


def test_models_are_listed(tmp_path: Path) -> None:
    with program(tmp_path, who) as run:
        found = run("-m", "list", "gpt-5")
        assert found.returncode == 0, found.stderr
        lines = found.stdout.splitlines()
        assert lines
        assert all(line.startswith("openai/") and "gpt-5" in line for line in lines)
        wrong = run("-m", "gpt-5.1", "--effort", "max", "hello")
        assert wrong.returncode == 2
        assert "gpt-5.1 does not take the effort 'max' (it takes none, low, medium" in wrong.stderr
        without = run("-m", "list", env={"OPENAI_API_KEY": ""})
        assert without.stderr.startswith("no models: set ")


def test_what_every_request_costs(tmp_path: Path) -> None:
    with program(tmp_path, who) as run:
        shown = run("tools")
        assert shown.returncode == 0, shown.stderr
        assert "read" in shown.stdout
        told = json.loads(run("tools", "--json").stdout)
        fixed = told["system_prompt"] + told["tools_tokens"]
        assert str(f"{fixed:,}") in shown.stdout
        assert fixed < 7_500
        assert {tool["name"] for tool in told["tools"]} >= {"bash", "plan"}


def test_a_fallback(tmp_path: Path) -> None:
    def choose(asked: Asked) -> Reply:
        return Reply(status=401) if asked.model == "broken" else who(asked)

    with program(tmp_path, choose) as run:
        found = run("-m", "openai/broken", "--fallback-model", "openai/spare", "hello")
        assert (found.returncode, found.stdout) == (0, "I am spare, no effort\n")
        assert "openai/spare replaces it for this turn" in found.stderr
