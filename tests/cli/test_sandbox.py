"""`--sandbox` in the real program; `doctor` lists what was left, `sessions delete` ends it."""

from pathlib import Path

from tests.cli.program import complaints, program
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.model_script import Call, Reply
from tests.stand_ins.sandbox_server import SandboxServer


def test_a_run_and_what_is_left_of_it(tmp_path: Path) -> None:
    script = [Reply(calls=[Call("bash", {"command": "echo in; pwd"})]), Reply("ok")]
    with (
        HubServer() as hub,
        SandboxServer(tmp_path / "box") as boxes,
        program(tmp_path, script) as ml,
    ):
        boxes.serve(hub)
        ml.extra = {
            "HF_TOKEN": "hf_ann",
            "ML_AGENT_HUB_URL": hub.url,
            "ML_AGENT_SANDBOX__FOLDER": str(boxes.folder / "work"),
        }
        done = ml.task("--sandbox", "cpu-basic", "go")
        assert (done.returncode, done.stdout) == (0, "ok\n")
        assert "· sandbox cpu-basic ·" in done.stderr
        assert "its files die with it" in done.stderr
        (first,) = hub.jobs.jobs.values()
        assert first.stage == "CANCELED"
        assert f"the sandbox {first.id} was ended; it came to $0.0017" in done.stderr

        keep = {"ML_AGENT_SANDBOX__KEEP": "true", "ML_AGENT_SANDBOX__FLAVOR": "cpu-basic"}
        assert ml.task("go", env=keep).returncode == 0
        second = list(hub.jobs.jobs.values())[-1]
        assert second.stage == "RUNNING"
        seen = ml("doctor")
        (line,) = [line for line in seen.stdout.splitlines() if "sandbox" in line]
        assert line.startswith(f"warn  sandbox {second.id} on cpu-basic of session ")
        assert line.endswith(f"end it: hf jobs cancel ann/{second.id})")
        gone = ml("sessions", "delete", "--yes", line.split("of session ")[1].split(",")[0])
        assert gone.returncode == 0
        assert f"ended the sandbox {second.id}" in gone.stderr
        assert second.stage == "CANCELED"
        assert "sandbox" not in ml("doctor").stdout

        missing = ml.task("--sandbox", "cpu-basic", "go", env={"HF_TOKEN": ""})
        assert missing.returncode == 5
        assert complaints(missing) == [
            "ml-agent: a sandbox needs a Hugging Face token (hf auth login, or set HF_TOKEN)"
        ]
        assert (hub.violations, boxes.violations) == ([], [])
