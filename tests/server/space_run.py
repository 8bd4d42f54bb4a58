"""Run an installed `ml-agent web` as a Space, as another user where that is possible, and say which
processes it started: none. `.ci/wheel` runs it with the Python of a wheel's environment:

    python tests/server/space_run.py PYTHON
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

#: Runs in front of the program: it writes down each process that is started.
AUDIT = """
import sys
log = sys.argv.pop(1)
STARTS = ("subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system")
def hook(event, args):
    if event in STARTS:
        with open(log, "a") as file:
            file.write(f"{event} {args[:2]}\\n")
sys.addaudithook(hook)
import cli.main
print(cli.main.__file__, flush=True)
cli.main.main()
"""
#: A user that has nothing; 65534 is "nobody" on Linux.
OTHER = 65534
HOST = "owner-agent.hf.space"


def run(python: str, environ: dict[str, str]) -> str:
    """Where the program was imported from. Raises AssertionError for whatever is not as it should
    be: answers, processes, credentials."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        port, log = _free_port(), folder / "started"
        log.touch()
        log.chmod(0o666)
        given = {
            "PATH": os.environ["PATH"], "HOME": name, "SPACE_ID": "owner/agent",
            "SPACE_HOST": HOST, "OAUTH_CLIENT_ID": "id", "OAUTH_CLIENT_SECRET": "secret",
            "OPENAI_API_KEY": "sk-operators", "HF_TOKEN": "hf_operators", **environ,
        }  # fmt: skip
        command = [python, "-c", AUDIT, str(log), "web", "--port", str(port)]
        program = _started(command, name, given)
        try:
            assert _get(port, "/health", "10.0.0.1", program) == (200, '{"status":"ok"}')
            status, door = _get(port, "/", HOST, program)
            assert (status, "Sign in with Hugging Face" in door) == (401, True), door
            assert _get(port, "/threads", HOST, program)[0] == 401
            assert _get(port, "/", "evil.example", program)[0] == 403
            assert _get(port, "/static/index.html", HOST, program)[0] == 200
        finally:
            program.terminate()
            out, errors = program.communicate(timeout=60)
        assert "Traceback" not in errors, errors
        assert log.read_text() == "", log.read_text()
        return out.strip()


def _started(command: list[str], cwd: str, environ: dict[str, str]) -> "subprocess.Popen[str]":
    """The program, as another user if this one can do that and that one can run this Python."""
    how: dict[str, Any] = {"cwd": cwd, "env": environ, "text": True}
    how |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if os.geteuid() == 0:
        with suppress(PermissionError):
            return subprocess.Popen(command, user=OTHER, **how)
    return subprocess.Popen(command, **how)


def _get(port: int, path: str, host: str, program: "subprocess.Popen[str]") -> tuple[int, str]:
    """(status, text), asked until the server answers."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": host})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + 90
    while True:
        try:
            with opener.open(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            assert program.poll() is None, program.communicate()
            assert time.monotonic() < until, "the server does not answer"
            time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.stdout.write(f"a Space served from {run(sys.argv[1], {})} and started no process\n")
