"""A real Chromium for the tests of the page; they are skipped only if none is installed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
#: Without a sandbox of its own, since CI runs as root; and silent towards the network.
OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


@contextmanager
def chromium(*options: str) -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*OPTIONS, *options])
        browser.new_context()
        yield browser
        browser.close()


@contextmanager
def tab(browser: "Browser", url: str, **options: Any) -> Iterator["Page"]:
    """A page in a profile of its own. Nothing may be in its console but what the browser itself
    says of a failed request."""
    context = browser.new_context(**options)
    context.set_default_timeout(10_000)
    said: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url)
    yield page
    context.close()
    complaints = [text for text in said if not text.startswith("Failed to load resource")]
    assert complaints == []
