"""The web chat in a real Chromium: how fast it paints, opens a long session, and streams.

    uv run python -m benchmarks.web_page [STEPS] [TOKENS]

The real program serves a session of STEPS model calls (300), then an answer of TOKENS tokens
(2,000) comes at 200 a second. Other programs of the machine are in every figure, so its load is
printed.
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.program import program
from tests.server.browser import chromium
from tests.server.scenes import ANSWER
from tests.server.web_program import Web
from tests.stand_ins.model_script import Asked, Call, Choose, Reply

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: Tokens a second.
PACE = 200
#: Notes when the last step is there, from the address on, and what is in the document then; tasks
#: that hold the page for over 50 ms; and each drawn frame, once asked to.
WATCH = """
window.long_ = [];
new PerformanceObserver((list) => window.long_.push(...list.getEntries().map((e) => e.duration)))
  .observe({ type: 'longtask', buffered: true });
window.opened = new Promise((found) => {
  const isThere = () => document.querySelector('#log .line');
  const count = () => document.querySelectorAll('*').length;
  const look = () => isThere() ? found([performance.now(), count()]) : requestAnimationFrame(look);
  look();
});
window.watchFrames = () => {
  window.frames_ = [];
  const next = (now) => { window.frames_.push(now); requestAnimationFrame(next); };
  requestAnimationFrame(next);
};
"""
PAINT = """() => performance.getEntriesByName('first-contentful-paint')[0].startTime
  - performance.getEntriesByType('navigation')[0].responseStart"""


@dataclass(frozen=True)
class Figure:
    """One figure; `most`: what it should not be above, None: only to be read."""

    name: str
    value: float
    most: float | None = None

    def __str__(self) -> str:
        bound = "" if self.most is None else f"   at most {self.most:g}"
        return f"  {self.name:<64} {self.value:>8.0f}{bound}"


def script(steps: int, tokens: int) -> Choose:
    """A session of `steps` calls, then the long answer to "stream"."""
    words = ANSWER.split(" ")
    text = " ".join(words * (1 + tokens // len(words)))

    def choose(asked: Asked) -> Reply:
        if asked.user.endswith("stream"):
            return Reply(text, pieces=tokens, chunk_delay=1 / PACE)
        if asked.step < steps:
            command = f"seq 1 200; echo step {asked.step}"
            said = f"Step {asked.step}: `x` and **y**.\n\n- one\n- two\n\n```python\nx = 1\n```\n"
            return Reply(said, calls=[Call("bash", {"command": command})])
        return Reply(ANSWER)

    return choose


class Health:
    """Asks the server every 50 ms how it is: the longest answer is how long its loop was held."""

    def __init__(self, url: str) -> None:
        self.longest = 0.0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._ask, args=(url,), daemon=True)

    def _ask(self, url: str) -> None:
        with closing(HTTPConnection(url.removeprefix("http://"), timeout=30)) as line:
            while not self._is_over.wait(0.05):
                began = time.perf_counter()
                line.request("GET", "/health")
                line.getresponse().read()
                self.longest = max(self.longest, time.perf_counter() - began)

    def __enter__(self) -> "Health":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()


def opened(page: "Page", url: str, name: str) -> Iterator[Figure]:
    """The long session from its address to its last line."""
    with Health(url.partition("/?")[0]) as health:
        page.goto(url)
        took, elements = page.evaluate("window.opened")
        paint = page.evaluate(PAINT)
        page.locator("#earlier").wait_for(state="hidden", timeout=60_000)
        all_ = page.evaluate("document.querySelectorAll('*').length")
    yield Figure(f"{name}: ms from the server's answer to the first paint", paint, 300)
    yield Figure(f"{name}: ms from the address to the newest step", took, 1000)
    yield Figure(f"{name}: elements then", elements, 3000)
    yield Figure(f"{name}: elements once the older messages are there", all_)
    held = page.evaluate("window.long_.reduce((sum, each) => sum + each, 0)")
    yield Figure(f"{name}: ms of tasks over 50 ms", held)
    yield Figure(f"{name}: ms that the server's loop was held, at most", health.longest * 1000)


def streamed(page: "Page", url: str, tokens: int) -> Iterator[Figure]:
    """Drawn frames while an answer streams into the long session."""
    page.evaluate("window.long_.length = 0; window.watchFrames()")
    with Health(url.partition("/?")[0]) as health:
        page.locator("#message").fill("please stream")
        page.keyboard.press("Enter")
        page.locator("#log .line").nth(1).wait_for(timeout=120_000)
    frames = page.evaluate("window.frames_")
    gaps = [after - before for before, after in pairwise(frames)]
    yield Figure(f"{tokens} tokens: frames drawn", len(frames))
    yield Figure("frames that came over 50 ms after the one before", sum(g > 50 for g in gaps), 0)
    yield Figure("longest ms between two frames", max(gaps))
    yield Figure("tasks over 50 ms", page.evaluate("window.long_.length"))
    yield Figure("ms that the server's loop was held, at most", health.longest * 1000)


@contextmanager
def long_session(web: Web) -> Iterator[tuple["Page", str]]:
    """(a page of a browser that is signed in, the address of a long session)."""
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(30_000)
        page.goto(web.link)
        page.locator(".example").first.wait_for()
        page.locator("#mode").click()
        page.get_by_role("menuitemradio", name="Auto").click()
        page.locator("#message").fill("go")
        page.keyboard.press("Enter")
        page.locator("#log .line").wait_for(timeout=900_000)
        page.add_init_script(WATCH)
        yield page, page.url


def measure(steps: int, tokens: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        extra = {
            "ML_AGENT_CONTEXT_WINDOW": "900000",
            "ML_AGENT_MAX_ITERATIONS": str(steps + 9),
            # The model would be asked about the figures of its answer, and its script begin again.
            "ML_AGENT_CLAIMS": "off",
        }
        with program(Path(folder), script(steps, tokens)) as run:
            run.extra.update(extra)
            web = Web(run)
            try:
                with long_session(web) as (page, url):
                    yield from opened(page, url, f"{steps} steps, open already")
                    page.goto("about:blank")
                    web.kill()
                    web.start()
                    yield from opened(page, url, f"{steps} steps, server just started")
                    yield from streamed(page, url, tokens)
            finally:
                web.end()


def main() -> None:
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    tokens = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    print(f"load of {os.cpu_count()} processors before: {os.getloadavg()[0]:.1f}")
    for figure in measure(steps, tokens):
        print(figure, flush=True)
    print(f"load after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
