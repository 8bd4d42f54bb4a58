"""The Space: sign-in, and several users in one process of whom no one reaches another."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core import credentials
from core.secrets.redaction import redacted
from server.space import forget_credentials, settings_for, space
from tests.server.site import Browser
from tests.stand_ins.model_script import Call, Reply
from tests.stand_ins.model_server import ModelServer
from tests.stand_ins.sign_in_provider import CLIENT, SECRET, SignInProvider

HOST = "owner-agent.hf.space"
HOME = f"https://{HOST}"


@pytest.fixture
def provider() -> Iterator[SignInProvider]:
    with SignInProvider() as running:
        yield running


@dataclass
class Space:
    """A Space, its provider, and the router that answers for models."""

    site: Any
    provider: SignInProvider
    router: ModelServer

    async def browser(self, name: str = "") -> Browser:
        """A browser; signed in if it has a user's name."""
        browser = Browser(self.site, HOME)
        if name:
            sent = await browser.http.get("/signin")
            code, state = self.provider.allow(sent.headers["location"], name)
            back = await browser.http.get(f"/signin/done?code={code}&state={state}")
            assert back.status_code == 303, back.text
        return browser


@pytest.fixture
async def running(
    provider: SignInProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Space]:
    monkeypatch.setattr(credentials, "_shared", True)
    monkeypatch.setattr(credentials, "_tokens", {})
    for name in ("HF_TOKEN", "GITHUB_TOKEN", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, f"operators-{name}-0123456789")
    environ = {
        "SPACE_ID": "owner/agent", "SPACE_HOST": HOST, "OAUTH_CLIENT_ID": CLIENT,
        "OAUTH_CLIENT_SECRET": SECRET, "OPENID_PROVIDER_URL": provider.url,
    }  # fmt: skip
    with ModelServer(lambda asked: Reply(text="ok")) as router:
        monkeypatch.setenv("HF_ROUTER_BASE_URL", router.openai_base)
        site = space(environ, tmp_path / "home")
        try:
            yield Space(site, provider, router)
        finally:
            await site.users.close()


async def test_signing_in_and_out(running: Space) -> None:
    browser = await running.browser()
    door = await browser.http.get("/")
    assert door.status_code == 401
    assert 'href="/signin"' in door.text
    assert (await browser.http.get("/me")).json()["error"]["kind"] == "not_signed_in"
    browser = await running.browser("ada")
    (cookie,) = browser.http.cookies.jar
    assert (cookie.name, cookie.secure, cookie.domain_specified) == ("__Host-ml-agent", True, False)
    assert cookie.has_nonstandard_attr("HttpOnly")
    me = (await browser.http.get("/me")).json()
    assert (me["kind"], me["user"], me["folder"]) == ("space", {"name": "ada"}, "")
    assert "yolo" not in me["modes"]
    assert any("persistent storage" in text for text in me["warnings"])
    token = next(iter(running.provider.tokens))
    assert token not in str(browser.http.cookies)
    assert (await browser.http.get("/")).status_code == 200
    kept = browser.http.cookies.get("__Host-ml-agent")
    assert (await browser.post("/signout")).status_code == 200
    browser.http.cookies.set("__Host-ml-agent", str(kept))
    assert (await browser.http.get("/threads")).status_code == 401


async def test_a_cookie_that_is_too_old_keeps_no_user_signed_in(running: Space) -> None:
    access: Any = running.site.access
    await running.browser("ada")
    (old,) = access._known.values()
    access._clock = lambda: old.until - 1
    browser = await running.browser("ada")
    access._clock = lambda: old.until + 1
    account = running.site.users.get(old.who.id).account
    assert account is not None
    assert account.token
    assert (await browser.post("/signout")).status_code == 200
    assert account.token == ""


@pytest.mark.parametrize("wrong", ["browser", "state", "replay", "code", "refused", "provider"])
async def test_a_sign_in_that_is_not_this_browsers(running: Space, wrong: str) -> None:
    victim, other = await running.browser(), await running.browser()
    sent = (await victim.http.get("/signin")).headers["location"]
    code, state = running.provider.allow(sent, "mallory" if wrong == "browser" else "ada")
    back = f"/signin/done?code={code}&state={state}"
    browser = other if wrong == "browser" else victim
    if wrong == "state":
        back = f"/signin/done?code={code}&state=guessed"
    elif wrong == "replay":
        assert (await victim.http.get(back)).status_code == 303
        browser.http.cookies.clear()
    elif wrong == "code":
        back = f"/signin/done?code=wrong&state={state}"
    elif wrong == "refused":
        back = f"/signin/done?error=access_denied&state={state}"
    elif wrong == "provider":
        running.provider.status = 500
    answer = await browser.http.get(back)
    assert answer.status_code == 400
    assert 'href="/signin"' in answer.text
    assert (await browser.http.get("/threads")).status_code == 401


async def test_scopes_that_are_missing_are_named(running: Space) -> None:
    running.provider.scopes = "openid profile read-repos inference-api"
    browser = await running.browser("ada")
    (_, lacks) = (await browser.http.get("/me")).json()["warnings"]
    assert "jobs (sandboxes and jobs" in lacks
    assert "write-repos" in lacks
    assert "read-repos" not in lacks


async def test_in_a_frame_there_is_only_a_door(running: Space) -> None:
    browser = await running.browser("ada")
    answer = await browser.http.get("/", headers={"sec-fetch-dest": "iframe"})
    assert f'href="{HOME}/" target="_blank"' in answer.text
    assert "frame-ancestors https://huggingface.co" in answer.headers["content-security-policy"]
    page = await browser.http.get("/")
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


async def test_a_link_to_a_thread_survives_the_sign_in_and_decides_nothing(running: Space) -> None:
    ada = await running.browser("ada")
    thread = await new(ada, "ada", "mine")
    browser = await running.browser()
    door = await browser.http.get(f"/?thread={thread}")
    assert f'href="/signin?thread={thread}"' in door.text
    sent = (await browser.http.get(f"/signin?thread={thread}")).headers["location"]
    code, state = running.provider.allow(sent, "bob")
    back = await browser.http.get(f"/signin/done?code={code}&state={state}")
    assert back.headers["location"] == f"/?thread={thread}"
    # Another user than the one it was meant for.
    assert (await browser.post(f"/threads/{thread}/decide", decisions=[])).status_code == 404


async def test_without_oauth_the_page_says_what_is_missing(tmp_path: Path) -> None:
    browser = Browser(space({"SPACE_HOST": HOST}, tmp_path), HOME)
    answer = await browser.http.get("/")
    assert answer.status_code == 503
    assert "hf_oauth: true" in answer.text
    assert (await browser.http.get("/signin")).headers["location"] == "/"


async def new(browser: Browser, name: str, text: str) -> str:
    answer = await browser.post("/threads", text=text)
    assert answer.status_code == 201, answer.text
    thread: str = answer.json()["thread"]["id"]
    await browser.settled(thread, f"id-of-{name}")
    return thread


async def test_two_users_at_once_have_their_own_threads_tokens_and_money(running: Space) -> None:
    people = ("ada", "bob")
    browsers = [await running.browser(name) for name in people]
    threads = await asyncio.gather(
        *(new(b, n, f"I am {n}") for b, n in zip(browsers, people, strict=True))
    )
    for name, browser, thread in zip(people, browsers, threads, strict=True):
        (row,) = (await browser.http.get("/threads")).json()["threads"]
        assert (row["id"], row["title"], row["sandbox"]) == (thread, f"I am {name}", "cpu-basic")
        mine = [r for r in running.router.requests if f"I am {name}" in str(r.body)]
        assert mine
        token = {r.headers["authorization"].removeprefix("Bearer ") for r in mine}
        assert [running.provider.tokens[t] for t in token] == [name]
    assert len({b.site.users.get(f"id-of-{n}").settings.state_dir for b, n in
                zip(browsers, people, strict=True)}) == 2  # fmt: skip
    sent = " ".join(str(r.headers) for r in running.router.requests)
    assert "operators-" not in sent
    assert all(token not in redacted(f"x {token} y") for token in running.provider.tokens)


ACTS: dict[str, dict[str, Any]] = {
    "send": {"text": "x"}, "decide": {"decisions": []}, "stop": {}, "resume": {}, "compact": {},
    "undo": {}, "redo": {}, "fork": {}, "withdraw": {"number": 1}, "rename": {"title": "x"},
    "delete": {}, "model": {"model": "hf/org/other"}, "mode": {"mode": "auto"},
    "cap": {"dollars": 1},
}  # fmt: skip


async def test_another_users_thread_on_every_route(running: Space) -> None:
    ada, bob = await running.browser("ada"), await running.browser("bob")
    thread = await new(ada, "ada", "a secret plan")
    routes = {route.path for route in _routes(running) if "{id}" in route.path}
    assert routes == {
        f"/threads/{{id}}/{act}" for act in (*ACTS, "events", "items", "results/{call}")
    }
    folder = ada.site.users.get("id-of-ada").settings.state_dir
    for name in (thread, thread[:-1], thread[:8], f"..%2f{thread}", f"%2e%2e%2f{folder}", "*"):
        for act, body in ACTS.items():
            answer = await bob.post(f"/threads/{name}/{act}", **body)
            assert answer.status_code == 404, (name, act, answer.text)
            assert "secret plan" not in answer.text
        for path in ("events", "items", "results/call_1"):
            assert (await bob.http.get(f"/threads/{name}/{path}")).status_code == 404
    assert (await bob.http.get("/threads")).json()["threads"] == []
    (row,) = (await ada.http.get("/threads")).json()["threads"]
    assert (row["title"], row["turns"]) == ("a secret plan", 1)


def _routes(running: Space) -> Any:
    from server.routes import ThreadRoutes

    return ThreadRoutes(running.site).routes()


async def test_what_a_space_does_not_offer(running: Space) -> None:
    ada = await running.browser("ada")
    thread = await new(ada, "ada", "go")
    for model in ("replay//etc/passwd", "local/x", "ollama/x", "anthropic/claude", "openai/gpt-5"):
        answer = await ada.post(f"/threads/{thread}/model", model=model)
        assert answer.json()["error"]["kind"] == "unknown_model", model
        answer = await ada.post("/threads", text="go", model=model)
        assert answer.status_code == 400
    answer = await ada.post(f"/threads/{thread}/mode", mode="yolo")
    assert "not offered" in answer.json()["error"]["message"]


async def test_a_token_that_is_gone_in_the_middle_of_a_turn(
    running: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await running.browser("ada")
    thread = await new(ada, "ada", "go")
    account = ada.site.users.get("id-of-ada").account
    assert account is not None
    account.sign_out()
    assert (await ada.post(f"/threads/{thread}/send", text="more")).status_code == 202
    await ada.settled(thread, "id-of-ada")
    frames = await ada.frames(thread, key="id-of-ada")
    (error,) = [frame["data"] for frame in frames if frame["event"] == "error"]
    assert "signed out" in error["message"]
    assert error["hint"] == "Sign in again. The session is intact."
    # One click later it continues.
    again = await running.browser("ada")
    assert (await again.post(f"/threads/{thread}/resume")).status_code == 202
    await again.settled(thread, "id-of-ada")
    assert (await again.frames(thread, key="id-of-ada"))[-1]["data"]["state"] == "done"


def test_the_settings_are_built_and_merge_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ML_AGENT_MODE", "yolo")
    monkeypatch.setenv("ML_AGENT_JOBS_NAMESPACE", "operator")
    (tmp_path / "ml-agent.json").write_text('{"share_traces": true}')
    settings = settings_for(tmp_path)
    assert (settings.mode, settings.jobs_namespace, settings.bill_to) == ("ask", "", "")
    assert (settings.share_traces, settings.mcpServers, settings.child_tokens) == (False, {}, [])
    assert (settings.sandbox.flavor, settings.job_secrets) == ("cpu-basic", ["HF_TOKEN"])
    assert settings.notify.slack_webhook_url == ""
    assert settings.database_url == ""


def test_credentials_leave_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in ("HF_TOKEN", "WANDB_API_KEY", "OAUTH_CLIENT_SECRET", "MY_DB_PASSWORD"):
        monkeypatch.setenv(name, "a-value-0123456789")
    monkeypatch.setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "")
    forget_credentials()
    assert "a-value-0123456789" not in os.environ.values()


async def test_a_command_runs_in_the_users_sandbox_or_not_at_all(
    running: Space, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    replies = iter([Reply(calls=[Call("bash", {"command": f"touch {tmp_path}/here"})]),
                    Reply(text="ok")])  # fmt: skip
    running.router.choose = lambda asked: next(replies)
    monkeypatch.setenv("HF_ENDPOINT", running.provider.url)  # a Hub without jobs
    ada = await running.browser("ada")
    answer = await ada.post("/threads", text="go", mode="auto")
    thread = answer.json()["thread"]["id"]
    await ada.settled(thread, "id-of-ada")
    assert not (tmp_path / "here").exists()
