"""The Space's page in a real Chromium, through the sign-in: two users at once, and a token that is
revoked in the middle of a turn."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core import credentials
from server.space import space
from tests.server.browser import chromium, needs_browser, tab
from tests.server.tls_site import browser_options, served_with_tls
from tests.stand_ins.model_script import Asked, Call, Reply
from tests.stand_ins.model_server import ModelServer
from tests.stand_ins.sign_in_provider import CLIENT, SECRET, SignInProvider

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [needs_browser, pytest.mark.xdist_group("web")]
HOST = "owner-agent.hf.space"
HOME = f"https://{HOST}"
PLAN = Call("plan", {"items": [{"id": "a", "text": "work", "status": "completed"}]})


@dataclass
class Space:
    """Its parts. revoked: tokens that the router does not take any more."""

    browser: "Browser"
    provider: SignInProvider
    router: ModelServer
    site: Any
    revoked: set[str] = field(default_factory=set)

    def tokens_of(self, words: str) -> list[str]:
        """Whose tokens the requests had that hold these words, in their order."""
        mine = [r for r in self.router.requests if words in str(r.body)]
        return [r.headers["authorization"].removeprefix("Bearer ") for r in mine]

    @contextmanager
    def signed_in(self, name: str) -> Iterator["Page"]:
        with tab(self.browser, HOME, ignore_https_errors=True) as page:
            page.set_default_timeout(30_000)
            page.get_by_role("link", name="Sign in with Hugging Face").click()
            page.get_by_role("link", name=name).click()
            page.get_by_role("heading", name=f"What should we build, {name}?").wait_for()
            yield page


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Space]:
    monkeypatch.setattr(credentials, "_shared", True)
    monkeypatch.setattr(credentials, "_tokens", {})
    monkeypatch.setenv("HF_TOKEN", "hf_operators_token_0123456789")
    home = tmp_path / "home"
    with SignInProvider() as provider, ModelServer(lambda asked: Reply("ok")) as router:
        monkeypatch.setenv("HF_ROUTER_BASE_URL", router.openai_base)
        environ = {
            "SPACE_ID": "owner/agent", "SPACE_HOST": HOST, "OAUTH_CLIENT_ID": CLIENT,
            "OAUTH_CLIENT_SECRET": SECRET, "OPENID_PROVIDER_URL": provider.url,
        }  # fmt: skip
        site = space(environ, home)
        with (
            served_with_tls(site, HOST, tmp_path) as port,
            chromium(*browser_options(HOST, port)) as browser,
        ):
            yield Space(browser, provider, router, site)


def say(page: "Page", text: str) -> None:
    page.locator("#message").fill(text)
    page.keyboard.press("Enter")


def ledger_of(running: Space, name: str) -> list[str]:
    """The threads that this user's ledger has rows of."""
    state = running.site.users.get(f"id-of-{name}").settings.state_path()
    with closing(sqlite3.connect(state / "ml-agent.db")) as opened:
        return [row[0] for row in opened.execute("SELECT DISTINCT thread FROM ledger")]


def test_two_users_at_once(running: Space) -> None:
    with running.signed_in("ada") as ada, running.signed_in("bob") as bob:
        people = {"ada": ada, "bob": bob}
        for name, page in people.items():
            say(page, f"I am {name}")
        threads = {}
        for name, page in people.items():
            page.locator(".answer", has_text="ok").wait_for()
            page.locator("#log .line").wait_for()
            threads[name] = page.url.partition("thread=")[2]
            titles = page.locator("#threads li").all_inner_texts()
            assert [title.split("\n")[0] for title in titles] == [f"I am {name}"]
            used = set(running.tokens_of(f"I am {name}"))
            assert {running.provider.tokens[token] for token in used} == {name}
        assert threads["ada"] != threads["bob"]
        for name in people:
            assert ledger_of(running, name) == [threads[name]]
        # The other's address leads nowhere, and shows nothing.
        bob.goto(f"{HOME}/?thread={threads['ada']}")
        bob.locator(".toast", has_text=threads["ada"]).wait_for()
        assert "I am ada" not in bob.inner_text("body")
        # A sign-out in one browser leaves the other one signed in.
        bob.get_by_role("button", name="Sign out").click()
        bob.get_by_role("link", name="Sign in with Hugging Face").wait_for()
        say(ada, "still here?")
        ada.locator(".answer").nth(1).wait_for()


def test_a_token_that_is_revoked_in_the_middle_of_a_turn(running: Space) -> None:
    """The turn fails with what to do; after one click it continues with the new token."""

    def choose(asked: Asked) -> Reply:
        token = running.router.requests[-1].headers["authorization"].removeprefix("Bearer ")
        if token in running.revoked:
            return Reply(status=401)
        if asked.step == 0:
            running.revoked.add(token)  # from now on
            return Reply("First the plan.", calls=[PLAN])
        return Reply("Done with the new one.")

    running.router.choose = choose
    with running.signed_in("ada") as page:
        say(page, "please work")
        again = page.locator(".ending").get_by_role("link", name="Sign in again")
        again.wait_for()
        thread = page.url.partition("thread=")[2]
        page.locator(".answer", has_text="First the plan.").wait_for()
        again.click()
        page.get_by_role("link", name="ada").click()
        page.wait_for_url(f"**/?thread={thread}")
        page.get_by_role("button", name="Try again").click()
        page.locator(".answer", has_text="Done with the new one.").wait_for()
        assert page.locator(".user").count() == 1
        assert page.locator(".call").count() == 1
        first, *_, last = running.tokens_of("please work")
        assert first != last
        assert last not in running.revoked
        assert running.provider.tokens[last] == "ada"
