"""`ml-agent web` as a process."""

import re
import subprocess
import threading

from tests.cli.program import Program


class Web:
    """The server; after `kill` and `start` it has the same port, so the page comes back."""

    def __init__(self, run: Program) -> None:
        self.run = run
        self.port = "0"
        self.start()

    def start(self) -> None:
        port = ["--port", self.port] if self.port != "0" else []
        command = self.run.command("-m", "openai/stand-in", "web", "--no-browser", *port)
        self.process = subprocess.Popen(
            command, cwd=self.run.work, env=self.run.environment, text=True,
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        assert self.process.stderr
        for line in self.process.stderr:
            if found := re.search(r"open (http://127.0.0.1:(\d+)/\S+)", line):
                self.link, self.port = found[1], found[2]
                break
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def let_go(self) -> None:
        """A command that waits for the file `go` comes to its end."""
        (self.run.work / "go").touch()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=20)

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)
