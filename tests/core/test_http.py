"""One way to ask over HTTP: what is asked again, what is waited for, and where headers go."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from core import http
from core.errors import ToolError
from core.http import GetOptions
from tests.stand_ins.model_server import closed_port

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Site:
    """A server that answers each path from a list; the last answer stays."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def say(self, path: str, status: int = 200, body: bytes = b"", **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.setdefault(path, []).append((status, named, body))


@pytest.fixture
def new_site() -> Iterator[Callable[[], Site]]:
    servers: list[ThreadingHTTPServer] = []

    def start() -> Site:
        site = Site()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                waiting = site.answers[self.path.split("?")[0]]
                status, headers, body = waiting.pop(0) if len(waiting) > 1 else waiting[0]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        site.url = f"http://127.0.0.1:{server.server_address[1]}"
        return site

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def site(new_site: Callable[[], Site]) -> Site:
    return new_site()


class Pauses(list[float]):
    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


async def test_parameters_and_text(site: Site) -> None:
    site.say("/a", body="Grüße".encode("latin-1"), content_type="text/plain; charset=latin-1")
    reply = await http.get(f"{site.url}/a", params={"q": "x y", "n": None, "t": ["1", "2"]})
    assert (reply.ok, reply.text, reply.cut) == (True, "Grüße", False)
    assert site.asked[0][0] == "/a?q=x+y&t=1&t=2"


async def test_parameters_of_the_url_stay(site: Site) -> None:
    site.say("/a", body=b"[1]")
    assert (await http.get(f"{site.url}/a?cursor=x%3D")).json() == [1]
    assert site.asked[0][0] == "/a?cursor=x%3D"


@pytest.mark.parametrize("status", http.RETRIED)
async def test_a_busy_server_is_asked_again(site: Site, status: int) -> None:
    site.say("/a", status)
    site.say("/a", body=b"good")
    pauses, told = Pauses(), list[str]()
    reply = await http.get(f"{site.url}/a", GetOptions(log=told.append, pause=pauses))
    assert reply.text == "good"
    assert len(pauses) == 1
    assert told[0].startswith(f"{status}; asking again in ")


@pytest.mark.parametrize(
    ("headers", "pause"),
    [({"Retry_After": "7"}, 7), ({"RateLimit": '"api";r=0;t=55'}, 55), ({"Retry_After": "0"}, 0)],
)
async def test_the_pause_is_what_the_server_names(
    site: Site, headers: dict[str, str], pause: float
) -> None:
    site.say("/a", 429, **headers)
    site.say("/a")
    pauses = Pauses()
    await http.get(f"{site.url}/a", GetOptions(pause=pauses))
    assert pauses == [pause]


async def test_a_pause_that_is_too_long_is_not_waited(site: Site) -> None:
    site.say("/a", 429, Retry_After="3600")
    pauses = Pauses()
    assert (await http.get(f"{site.url}/a", GetOptions(pause=pauses))).status == 429
    assert pauses == []


async def test_how_long_a_pause_is_waited_can_be_said(site: Site) -> None:
    site.say("/a", 429, Retry_After="30")
    assert (await http.get(f"{site.url}/a", GetOptions(longest=20, pause=Pauses()))).status == 429
    assert len(site.asked) == 1


async def test_what_stays_busy_is_answered_in_the_end(site: Site) -> None:
    site.say("/a", 503)
    pauses = Pauses()
    assert (await http.get(f"{site.url}/a", GetOptions(pause=pauses))).status == 503
    assert len(site.asked) == http.ATTEMPTS
    assert pauses == sorted(pauses)


async def test_what_else_is_asked_again_can_be_said(site: Site) -> None:
    site.say("/a", 403, b"secondary limit")
    site.say("/a", body=b"good")
    busy = lambda reply: "limit" in reply.text  # noqa: E731
    assert (
        await http.get(f"{site.url}/a", GetOptions(pause=Pauses(), retried=busy))
    ).text == "good"


async def test_a_refusal_is_not_asked_again(site: Site) -> None:
    site.say("/a", 404, b"no")
    assert (await http.get(f"{site.url}/a", GetOptions(pause=Pauses()))).status == 404
    assert len(site.asked) == 1


async def test_a_large_answer_is_cut(site: Site) -> None:
    site.say("/a", body=b"x" * 100_000)
    reply = await http.get(f"{site.url}/a", GetOptions(most=1000))
    assert (len(reply.body), reply.cut) == (1000, True)


async def test_headers_stay_with_their_host(site: Site, new_site: Callable[[], Site]) -> None:
    other = new_site()
    site.say("/a", 302, Location="/b")
    site.say("/b", 307, Location=f"{other.url}/c")
    other.say("/c", body=b"there")
    sent = {"Authorization": "Bearer hf_x", "x-api-key": "k"}
    reply = await http.get(f"{site.url}/a", params={"q": 1}, headers=sent)
    assert (reply.text, reply.url) == ("there", f"{other.url}/c")
    assert [(path, h.get("x-api-key")) for path, h in site.asked] == [("/a?q=1", "k"), ("/b", "k")]
    assert not {"authorization", "x-api-key"} & set(other.asked[0][1])


async def test_a_circle_of_redirects_ends(site: Site) -> None:
    site.say("/a", 302, Location="/a")
    with pytest.raises(ToolError, match="redirects more than"):
        await http.get(f"{site.url}/a")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:port/", "is not a URL"),
        ("gopher://x/y", "cannot be reached"),
        ("http://127.0.0.1:CLOSED/", "cannot be reached"),
    ],
    ids=["no port", "no scheme of ours", "nobody listens"],
)
async def test_what_cannot_be_reached(url: str, said: str) -> None:
    with pytest.raises(ToolError, match=said):
        await http.get(url.replace("CLOSED", str(closed_port())), GetOptions(pause=Pauses()))


async def test_an_answer_that_is_no_json(site: Site) -> None:
    site.say("/a", body=b"<html>")
    with pytest.raises(ToolError, match="/a answered with something that is not JSON"):
        (await http.get(f"{site.url}/a")).json()


def test_pauses_that_are_no_seconds() -> None:
    assert http.wanted_pause({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}) is None
    assert http.wanted_pause({"ratelimit": '"api";r=10;t=55'}) is None
    assert http.wanted_pause({}) is None
