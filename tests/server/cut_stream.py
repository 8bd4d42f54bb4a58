"""A tab whose line is cut at random bytes, and which comes back each time, over real connections.

It holds what it gets against a line that is never cut: `Cuts.problems` says what was lost, repeated
or changed.
"""

import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

Frame = tuple[str, str, str]
#: Bytes after which a line is cut at the latest: some cuts come before the first whole frame.
MOST = 3000


class Cuts:
    """Call `run` while a turn runs.

    Args:
        address: `127.0.0.1:PORT`. cookie: of a browser that is signed in. wanted: cuts.
    """

    def __init__(self, address: str, cookie: str, thread: str, wanted: int, seed: int = 7) -> None:
        self.problems: list[str] = []
        self.made = self.resumed = self.resets = 0
        self._address, self._cookie, self._thread = address, cookie, thread
        self._wanted = wanted
        self._chance = random.Random(seed)
        self._whole: dict[str, Frame] = {}
        self._is_over = threading.Event()

    def run(self, seconds: float = 120) -> None:
        """Cut until `wanted` is reached, from the turn's start again if it has ended."""
        reference = threading.Thread(target=self._follow_uncut, daemon=True)
        reference.start()
        end = time.monotonic() + seconds
        passes: list[list[Frame]] = []
        while self.made < self._wanted and time.monotonic() < end:
            passes.append(self._one_pass(end))
        self._is_over.wait(max(0.0, end - time.monotonic()))
        for frames in passes:
            self._compare(frames)
        if not self._is_over.is_set():
            self.problems.append("the turn did not end")

    def _follow_uncut(self) -> None:
        with closing(self._connected("", timeout=120)) as line:
            for frame in _frames(line.getresponse()):
                self._whole[frame[0]] = frame
                if frame[1] == "turn_complete":
                    self._is_over.set()
                    return

    def _one_pass(self, end: float) -> list[Frame]:
        """A tab from its first frame to the turn's last, cut as often as it goes."""
        got: list[Frame] = []
        while time.monotonic() < end:
            line = self._connected(got[-1][0] if got else "", timeout=1)
            with closing(line), suppress(TimeoutError):  # nothing comes for a while: that cuts, too
                for frame in _frames(line.getresponse(), self._chance.randint(1, MOST)):
                    self.resets += frame[1] == "reset" and bool(got)
                    got.append(frame)
                    if frame[1] == "turn_complete":
                        return got
            self.made += 1
            self.resumed += bool(got)
            if self.made >= self._wanted and self._is_over.is_set():
                return got
        return got

    def _connected(self, last: str, timeout: float) -> HTTPConnection:
        line = HTTPConnection(self._address, timeout=timeout)
        headers = {"Cookie": self._cookie, **({"Last-Event-ID": last} if last else {})}
        line.request("GET", f"/threads/{self._thread}/events", headers=headers)
        return line

    def _compare(self, frames: list[Frame]) -> None:
        """Each frame follows the one before, and is the one that the uncut line got."""
        place = ""
        for id, name, data in frames:
            epoch, _, number = id.rpartition(".")
            before, _, known = place.rpartition(".")
            follows = epoch == before and int(number) == int(known) + 1
            if place and name != "reset" and not follows:
                self.problems.append(f"{id} came after {place}")
            if id in self._whole and name != "reset" and self._whole[id] != (id, name, data):
                self.problems.append(f"{id} is another one: {name}")
            place = id


def _frames(answer: HTTPResponse, most: int = 0) -> Iterator[Frame]:
    """The whole frames of a stream, in its first `most` bytes; 0: as long as it lasts."""
    text, taken = b"", 0
    while not most or taken < most:
        with suppress(HTTPException):
            piece = answer.read1(most - taken if most else 65_536)
            if not piece:
                return
            taken += len(piece)
            text += piece
        *whole, text = text.split(b"\n\n")
        for one in whole:
            fields = dict(line.split(": ", 1) for line in one.decode().split("\n") if ": " in line)
            if "data" in fields:
                json.loads(fields["data"])
                yield fields["id"], fields["event"], fields["data"]


def sent(address: str, cookie: str, text: str, **more: Any) -> str:
    """The thread of a first message."""
    headers = {
        "Cookie": cookie, "X-ML-Agent": "1", "Origin": f"http://{address}",
        "Content-Type": "application/json",
    }  # fmt: skip
    with closing(HTTPConnection(address, timeout=60)) as line:
        line.request("POST", "/threads", json.dumps({"text": text, **more}), headers)
        thread: str = json.loads(line.getresponse().read())["thread"]["id"]
    return thread
