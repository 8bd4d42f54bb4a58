"""A sandbox's own server on 127.0.0.1: what huggingface_hub's `Sandbox` speaks to in its job.

    with HubServer() as hub, SandboxServer(folder) as boxes:
        boxes.serve(hub)     # jobs that expose the sandbox's port are reached here from now on

Commands really run and files are really written, on this machine below `folder`. One sandbox at a
time: a new one begins with an empty folder, and one that ends loses its processes and files.
Source of the protocol: huggingface_hub's _sandbox.py, protocol 3.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.stand_ins.hub_jobs import Job
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.service import Answer, Refusal, Request, Service

PORT = 49983


@dataclass
class Box:
    """job: whose server it is. token: what requests must bring. processes: by their handle."""

    job: Job
    token: str
    processes: dict[str, tuple[subprocess.Popen[bytes], Any]] = field(default_factory=dict)


class SandboxServer(Service):
    """Attributes: folder: where its files are; `home` is below it. path: PATH of the commands.
    absent: a folder of this machine that is not there; what is written to it is below `folder`."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.boxes: dict[str, Box] = {}
        self.tokens: dict[str, str] = {}
        self.path = os.environ["PATH"]
        self.absent = ""

    def serve(self, hub: HubServer) -> None:
        hub.jobs.sandboxes = self
        self.tokens = hub.tokens

    def stop(self) -> None:
        for box in self.boxes.values():
            self._kill(box)
        super().stop()

    def begun(self, job: Job) -> str:
        """A sandbox was asked for; its address."""
        assert job.body["expose"]["ports"] == [PORT]
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "home").mkdir(parents=True)
        self.boxes[job.id] = Box(job, job.body["secrets"]["SBX_TOKEN"])
        return f"{self.url}/{job.id}--{PORT}.sandbox"

    def ended(self, job: Job) -> None:
        self._kill(self.boxes[job.id])
        shutil.rmtree(self.folder, ignore_errors=True)

    def _kill(self, box: Box) -> None:
        for process, _ in box.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def answer(self, request: Request) -> Answer:
        name, *rest = request.parts
        box = self.boxes.get(name.partition("--")[0])
        if box is None or box.job.stage != "RUNNING":
            return Answer("the job is not reachable", 502)
        if request.token not in self.tokens:
            return Answer("log in", 401)
        if request.headers.get("x-sandbox-token") != box.token:
            return _refused(403, "wrong sandbox token")
        if rest == ["health"]:
            return Answer({"status": "ok", "version": "0.7.0", "protocol": 3})
        if rest == ["v1", "exec"]:
            return self._exec(box, request.json())
        if rest[:2] == ["v1", "processes"]:
            return self._processes(box, request, rest[2:])
        if rest[:2] == ["v1", "files"] and len(rest) == 3:
            try:
                query = {**request.query, "path": self._there(request.query["path"])}
                return _file(request, rest[2], query)
            except FileNotFoundError:
                return _refused(404, "no such file or directory")
            except OSError as error:
                return _refused(400, error.strerror or str(error))
        return _refused(404, "no such route")

    def _there(self, path: str) -> str:
        return path.replace(self.absent, f"{self.folder}/absent") if self.absent else path

    def _exec(self, box: Box, body: dict[str, Any]) -> Answer:
        process = self._started(box, body, subprocess.PIPE)
        given = body.get("stdin", "").encode()
        timed_out = False
        try:
            out, err = process.communicate(given, timeout=body.get("timeout"))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            timed_out = True
        events: list[dict[str, Any]] = [{"event": "ping"}]
        for kind, data in (("stdout", out), ("stderr", err)):
            if data:
                text = data.decode("utf-8", "replace")
                text = text.replace(f"{self.folder}/absent", self.absent) if self.absent else text
                events.append({"event": kind, "data": text})
        code = process.returncode
        ended = {"exit_code": code if code >= 0 else None, "signal": -code if code < 0 else None}
        events.append({"event": "exit", **ended, "timed_out": timed_out, "duration_ms": 1})
        text = "".join(json.dumps(event) + "\n" for event in events)
        return Answer(text, 200, {"Content-Type": "application/x-ndjson"})

    def _processes(self, box: Box, request: Request, rest: list[str]) -> Answer:
        if request.method == "POST":
            process = self._started(box, request.json(), subprocess.DEVNULL)
            handle = f"p{len(box.processes) + 1}"
            box.processes[handle] = (process, request.json()["cmd"])
            return Answer({"id": handle, "pid": process.pid})
        for process, _ in box.processes.values():
            process.poll()
        if request.method == "DELETE":
            process, _ = box.processes[rest[0]]
            running = process.poll() is None
            if running:
                os.killpg(process.pid, signal.SIGKILL)
            return Answer({"killed": running})
        shown = [
            {"id": handle, "pid": process.pid, "cmd": command,
             "running": process.returncode is None, "exit_code": process.returncode}
            for handle, (process, command) in box.processes.items()
        ]  # fmt: skip
        return Answer(shown)

    def _started(self, box: Box, body: dict[str, Any], pipe: int) -> subprocess.Popen[bytes]:
        unknown = set(body) - {"cmd", "shell", "env", "cwd", "timeout", "stdin"}
        if unknown:
            raise Refusal(_refused(400, f"unknown: {unknown}"))
        command = body["cmd"] if isinstance(body["cmd"], list) else ["/bin/sh", "-c", body["cmd"]]
        command = [self._there(word) for word in command]
        secrets = {k: v for k, v in box.job.body["secrets"].items() if k != "SBX_TOKEN"}
        environment = {"PATH": self.path, "HOME": str(self.folder / "home"), **secrets}
        try:
            return subprocess.Popen(
                command,
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                cwd=body.get("cwd") or self.folder / "home",
                env={**environment, **body.get("env", {})},
                start_new_session=True,
            )
        except OSError as error:
            raise Refusal(_refused(400, str(error))) from None


def _file(request: Request, operation: str, query: dict[str, str]) -> Answer:
    path = Path(query["path"])
    for part in (path, *path.parents):
        if part.is_symlink():
            return _refused(400, "symlinks are refused")
    if operation == "read":
        offset = int(query.get("offset", 0))
        content = path.read_bytes()[offset:]
        return Answer(content[: int(query.get("length", len(content)))])
    if operation == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        if "offset" in query:
            path.touch()
            with path.open("r+b") as file:
                file.seek(int(query["offset"]))
                file.write(request.body)
                if "truncate_to" in query:
                    file.truncate(int(query["truncate_to"]))
        else:
            path.write_bytes(request.body)
        if "mode" in query:
            path.chmod(int(query["mode"], 8))
        return Answer({"ok": True})
    if operation == "stat":
        status = path.stat()
        kind = "dir" if path.is_dir() else "file"
        return Answer({"name": path.name, "path": str(path), "type": kind, "size": status.st_size})
    if operation == "mkdir":
        path.mkdir(parents=True, exist_ok=True)
        return Answer({"ok": True})
    return _refused(404, "no such route")


def _refused(status: int, message: str) -> Answer:
    return Answer({"error": message}, status)
