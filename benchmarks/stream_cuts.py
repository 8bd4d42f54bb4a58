"""The web chat's stream, cut at random bytes while a turn of the real program runs.

    uv run python -m benchmarks.stream_cuts [CUTS]

A tab is cut CUTS times (200) and comes back each time; it is held against one that is never cut.
Exits with 1 if anything was lost, repeated or changed.
"""

import sys
import tempfile
from http.client import HTTPConnection
from pathlib import Path

from tests.cli.program import program
from tests.server.cut_stream import Cuts, sent
from tests.server.scenes import ANSWER
from tests.server.web_program import Web
from tests.stand_ins.model_script import Asked, Call, Reply

#: Lines that a command prints while the line is cut.
LINES = "for n in $(seq 1 200); do echo line $n; sleep 0.02; done"


def choose(asked: Asked) -> Reply:
    if asked.step < 2:
        return Reply(f"Step {asked.step}.", calls=[Call("bash", {"command": LINES})])
    return Reply(ANSWER * 2, pieces=400, chunk_delay=0.02)


def cookie_of(web: Web) -> str:
    """The cookie for the link that works once."""
    line = HTTPConnection(f"127.0.0.1:{web.port}", timeout=60)
    line.request("GET", "/" + web.link.rpartition("/")[2])
    return (line.getresponse().getheader("set-cookie") or "").partition(";")[0]


def cut(count: int) -> Cuts:
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        program(Path(folder), choose) as run,
    ):
        run.extra["ML_AGENT_CLAIMS"] = "off"  # else the model is asked, and its script begins again
        web = Web(run)
        try:
            address, cookie = f"127.0.0.1:{web.port}", cookie_of(web)
            cuts = Cuts(address, cookie, sent(address, cookie, "go", mode="auto"), count)
            cuts.run(seconds=600)
        finally:
            web.end()
    return cuts


def main() -> None:
    cuts = cut(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
    print(f"{cuts.made} cuts, {cuts.resumed} of them after a frame, {cuts.resets} resets")
    print("\n".join(cuts.problems) or "0 events lost, repeated or changed")
    sys.exit(bool(cuts.problems))


if __name__ == "__main__":
    main()
