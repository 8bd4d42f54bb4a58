"""A forked run ends as a fresh interpreter ends, though its end is cut short."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program_process import Forked, run

#: By what a process may do at its end.
ENDS = {
    "nothing": "print('said')",
    "a code": "import sys; print('said'); sys.exit(7)",
    "no code": "raise SystemExit",
    "words": "import sys; sys.exit('no')",
    "an error": "print('said'); raise ValueError('no')",
    "at the exit": "import atexit; atexit.register(print, 'last'); print('said')",
    "a failure at the exit": "import atexit; atexit.register(int, 'x'); print('said')",
    "a thread": "import threading, time\n"
    "threading.Thread(target=lambda: [time.sleep(0.05), print('late')]).start()",
    "a pool": "from concurrent.futures import ThreadPoolExecutor\n"
    "ThreadPoolExecutor().submit(print, 'late')",
    "what is left open": "class Left:\n"
    "    def __init__(self):\n"
    "        self.me = self\n"
    "    def __del__(self):\n"
    "        raise ValueError('still open')\n"
    "Left()",
    "a closed stream": "import sys; print('said'); sys.stdout.close()",
    "no stream": "import sys; sys.stdout = None",
}


@pytest.mark.parametrize("end", ENDS)
def test_it_says_and_returns_the_same(end: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", ENDS[end]]
    environment = {"PATH": os.environ["PATH"]}
    forked = run(command, cwd=tmp_path, env=environment)
    fresh = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (forked.returncode, forked.stdout) == (fresh.returncode, fresh.stdout)
    # What was on the way to an error is another's business: the fork server's own frames.
    assert forked.stderr.splitlines()[-1:] == fresh.stderr.splitlines()[-1:]


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('said')"]
    with open("/dev/full", "w") as full:
        options = {"cwd": tmp_path, "stdout": full, "stderr": subprocess.PIPE, "text": True}
        with Forked(command, env={"PATH": os.environ["PATH"]}, **options) as process:
            _, complained = process.communicate()
    assert process.returncode == 120
    assert "No space left on device" in complained
