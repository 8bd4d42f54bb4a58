"""The guard's table, over ASGI: host × origin × header × cookie."""

import itertools
from pathlib import Path

import httpx
import pytest

from configs.settings import Settings
from server.app import create_app
from server.limits import Limits
from server.local import LocalAccess
from tests.server.site import BASE, OURS, Browser, local_site

HOSTS = {"127.0.0.1:7860": True, "localhost:7860": True, "127.0.0.1": False,
         "evil.example:7860": False, "127.0.0.1.evil.example:7860": False, "": False}  # fmt: skip
ORIGINS = {
    "own": True,
    "http://evil.example": False,
    "null": False,
    "https://127.0.0.1:7860": False,
}
HEADERS = {"1": True, "": False}
COOKIES = {"good": True, "none": False, "another": False}


async def test_the_table(settings: Settings, workdir: Path) -> None:
    site = local_site(settings, workdir)
    browser = Browser(site)
    await browser.open()
    name, value = next(iter(browser.http.cookies.items()))
    app = httpx.ASGITransport(create_app(site))
    for host, origin, header, cookie in itertools.product(HOSTS, ORIGINS, HEADERS, COOKIES):
        headers = {"host": host, "content-type": "application/json"}
        headers["origin"] = f"http://{host}" if origin == "own" else origin
        headers |= {"x-ml-agent": header} if header else {}
        headers |= (
            {} if cookie == "none" else {"cookie": f"{name}={value if cookie == 'good' else 'x'}"}
        )
        async with httpx.AsyncClient(transport=app, base_url=BASE) as client:
            answer = await client.post("/threads/none/stop", content=b"{}", headers=headers)
        passes = HOSTS[host] and ORIGINS[origin] and HEADERS[header]
        wanted = 403 if not passes else 404 if COOKIES[cookie] else 401
        assert answer.status_code == wanted, (host, origin, header, cookie, answer.text)
        error = answer.json()["error"]
        assert error["message"]
        assert error["hint"]


@pytest.mark.parametrize("path", ["/", "/threads", "/me", "/static/index.html", "/nothing"])
async def test_every_answer_has_the_security_headers(
    settings: Settings, workdir: Path, path: str
) -> None:
    browser = Browser(local_site(settings, workdir))
    for signed_in in (False, True):
        if signed_in:
            await browser.open()
        headers = (await browser.http.get(path)).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'")
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 404),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-length": "99999999"}, 413),
    ],
)
async def test_what_a_page_of_another_site_can_send(
    settings: Settings, workdir: Path, headers: dict[str, str], status: int
) -> None:
    browser = Browser(local_site(settings, workdir))
    await browser.open()
    sent = {**OURS, "content-type": "application/json", **headers}
    answer = await browser.http.post("/threads/none/stop", content=b"{}", headers=sent)
    assert answer.status_code == status, answer.text


async def test_data_is_not_read_from_another_site(settings: Settings, workdir: Path) -> None:
    browser = Browser(local_site(settings, workdir))
    await browser.open()
    asked = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    for path in ("/threads", "/static/index.html", "/threads/x/events"):
        assert (await browser.http.get(path, headers=asked)).status_code == 403
    assert (await browser.http.put("/threads")).status_code == 405


async def test_a_body_over_the_limit_is_refused_before_it_is_read_whole(
    settings: Settings, workdir: Path
) -> None:
    browser = Browser(local_site(settings, workdir, Limits(body=1000)))
    await browser.open()
    given = 0

    async def endless() -> object:
        nonlocal given
        while given < 10_000_000:
            given += 500
            yield b"x" * 500

    sent = {**OURS, "content-type": "application/json"}
    answer = await browser.http.post("/threads", content=endless(), headers=sent)  # type: ignore[arg-type]
    assert answer.status_code == 413
    assert given < 5000


async def test_the_link_works_once_and_the_cookie_outlives_the_server(
    settings: Settings, workdir: Path
) -> None:
    first = Browser(local_site(settings, workdir))
    assert (await first.http.get("/")).status_code == 401
    assert (await first.http.get("/?key=wrong")).status_code == 401
    assert isinstance(first.site.access, LocalAccess)
    link = first.site.access.path
    answer = await first.http.get(link)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    stranger = Browser(first.site)
    used = await stranger.http.get(link)
    assert used.status_code == 401
    assert "was used" in used.text
    assert (await first.http.get("/")).status_code == 200
    again = Browser(local_site(settings, workdir))
    again.http.cookies = first.http.cookies
    assert (await again.http.get("/threads")).status_code == 200
    kept = (settings.state_path() / "web-cookies.json").read_text()
    assert next(iter(first.http.cookies.values())) not in kept


async def test_health_needs_neither_cookie_nor_host(settings: Settings, workdir: Path) -> None:
    browser = Browser(local_site(settings, workdir))
    answer = await browser.http.get("/health", headers={"host": "10.0.0.3:7860"})
    assert answer.json() == {"status": "ok"}


async def test_what_is_not_there_is_answered_in_the_same_form(
    settings: Settings, workdir: Path
) -> None:
    browser = Browser(local_site(settings, workdir))
    await browser.open()
    for path in ("/nothing", "/static/../app.py", "/static/%2e%2e/app.py", "/static/"):
        answer = await browser.http.get(path)
        assert (answer.status_code, answer.json()["error"]["kind"]) == (404, "not_found")
