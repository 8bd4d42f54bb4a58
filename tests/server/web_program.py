"""`ml-agent web` as a process."""

import re
import subprocess
import threading

from tests.cli.program import Program
from tests.cli.program_process import start

#: Seconds in which the server must be there.
PATIENCE = 120


class Web:
    """The server; after `kill` and `start` it has the same port, so the page comes back."""

    def __init__(self, run: Program) -> None:
        self.run = run
        self.port = "0"
        self.start()

    def start(self) -> None:
        port = ["--port", self.port] if self.port != "0" else []
        command = self.run.command("-m", "openai/stand-in", "web", "--no-browser", *port)
        self.process = start(
            command, cwd=self.run.work, env=self.run.environment, text=True,
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self.link, self.port = self._link()
        assert self.process.stderr
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def _link(self) -> tuple[str, str]:
        """(the link that works once, the port). Raises AssertionError with what the program said
        if it ends without one, or says nothing for PATIENCE seconds."""
        said: list[str] = []
        late = threading.Timer(PATIENCE, self.process.kill)
        late.start()
        try:
            for line in self.process.stderr or ():
                said.append(line)
                if found := re.search(r"open (http://127.0.0.1:(\d+)/\S+)", line):
                    return found[1], found[2]
        finally:
            late.cancel()
        code = self.process.wait(timeout=20)
        raise AssertionError(f"ml-agent web ended with {code} and no link:\n{''.join(said)}")

    def let_go(self) -> None:
        """A command that waits for the file `go` comes to its end."""
        (self.run.work / "go").touch()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=20)

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)
