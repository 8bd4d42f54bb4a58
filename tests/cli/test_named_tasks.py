"""/init, /review and /memory, in the chat and headless."""

import json
import subprocess
from pathlib import Path

from tests.cli.program import complaints, program
from tests.cli.screens import terminal
from tests.stand_ins.model_script import Asked, Call, Reply


def choose(asked: Asked) -> Reply:
    if "/init" in asked.user and asked.step == 0:
        return Reply(calls=[Call("write", {"path": "AGENTS.md", "content": "- run pytest\n"})])
    if "/review" in asked.user and asked.step == 0:
        return Reply(calls=[Call("write", {"path": "new.py", "content": "x"})])
    return Reply("`high train.py:1` the rate is too high" if "/review" in asked.user else "done")


def test_headless(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        outside = run.task("--json", "/review")
        assert outside.returncode == 2
        assert "not in a git repository" in json.loads(outside.stdout)["error"]["message"]
        assert len(complaints(outside)) == 1
        subprocess.run(["git", "init", "-q"], cwd=run.work, check=True)
        (run.work / "train.py").write_text("lr = 1\n")
        review = run.task("-p", "/review", "--yolo", "--json")
        assert "the rate is too high" in json.loads(review.stdout)["text"]
        assert not (run.work / "new.py").exists()
        assert run("sessions", "show").stdout.splitlines()[1].endswith("done")
        shown = json.loads(run("sessions", "show", "--json").stdout)
        assert (shown["mode"], shown["title"]) == ("yolo", "/review")

        chat_only = run.task("/cost")
        assert (chat_only.returncode, len(complaints(chat_only))) == (2, 1)
        proposed = run.task("/init")
        assert proposed.returncode == 3
        assert "later sessions follow the instructions in it" in proposed.stderr
        listed = run("approvals", "list").stdout
        assert listed.startswith("session               call           needs approval\n")
        assert "- run pytest" in listed
        run("approvals", "approve")
        assert run("sessions", "resume").returncode == 0
        assert (run.work / "AGENTS.md").read_text() == "- run pytest\n"


def test_memory_commands(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run:
        none = run("memory", "show")
        assert none.stdout.startswith("no memory in this folder yet")
        path = Path(run("memory", "path").stdout.strip())
        assert path == run.work / ".ml-agent" / "MEMORY.md"
        editor = tmp_path / "editor"
        editor.write_text("#!/bin/sh\necho '- use uv' >> \"$1\"\n")
        editor.chmod(0o755)
        assert "saved" in run("memory", "edit", env={"EDITOR": str(editor)}).stderr
        shown = json.loads(run("memory", "show", "--json").stdout)
        assert shown == {"path": str(path), "text": "- use uv\n", "trusted": True}
        path.write_text("- use pip\n")
        assert "not trusted" in run("memory", "show").stdout.splitlines()[0]
        missing = run("memory", "edit", env={"VISUAL": "no-such-editor"})
        assert (missing.returncode, len(complaints(missing))) == (2, 1)
        path.unlink()
        path.symlink_to("/etc/hosts")
        refused = run("memory", "show")
        assert "cannot be used: it is a link" in refused.stderr


def test_in_the_chat(tmp_path: Path) -> None:
    with program(tmp_path, choose) as run, terminal(run) as chat:
        chat.prompt()
        chat.enter("/memory")
        chat.expect("no memory in this folder yet")
        chat.enter("/memory add seeds in every config")
        chat.expect("added; new sessions read it")
        chat.enter("/memory")
        chat.expect("- seeds in every config")
        chat.enter("/memory forget")
        chat.expect("/memory takes edit or add LINE")
        chat.enter("/review")
        chat.expect("there are no changes to review")
        chat.enter("/review .")
        chat.expect("the rate is too high")
        chat.expect("openai/stand-in · ask")
        assert not (run.work / "new.py").exists()
        chat.enter("/init")
        chat.expect("later sessions follow")
        chat.type("y")
        chat.until((run.work / "AGENTS.md").exists, "the file")
