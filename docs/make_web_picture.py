"""Makes the README's picture of the web chat: `uv run python -m docs.make_web_picture`.

The real page in a real Chromium (Debian's `chromium`), with a session that a stand-in tells.
"""

from pathlib import Path

from tests.server import scenes
from tests.server.browser import chromium, tab
from tests.stand_ins.page_server import PageServer

TARGET = Path(__file__).parent / "web.png"
SIZE = {"width": 1200, "height": 860}
TITLE = "Fine-tune a small model on ann/reviews"


def main() -> None:
    items = scenes.long_session()
    calls = [item for item in items if item["kind"] == "call"][-3:]
    fixed = scenes.answer("The training set no longer overlaps the test set. Now the real run:")
    with PageServer() as server, chromium() as browser:
        scenes.sessions(server)
        server.reset(
            "long", [items[0], *calls, fixed], requests=[scenes.REQUEST], plan=scenes.PLAN,
            title=TITLE, state="approval", cap=10_000_000,
            cost={"turn": 214_000, "thread": 862_000, "day": 2_420_000},
            context={"total": 61_200, "threshold": 160_000, "window": 200_000},
        )  # fmt: skip
        with tab(browser, f"{server.url}/?thread=long", viewport=SIZE) as page:
            page.locator(".request:focus").wait_for()
            page.wait_for_timeout(500)
            page.screenshot(path=TARGET)
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
