"""Sites on loopback addresses that stand for public and private ones, and names that lead there."""

import ipaddress
import socket
from typing import Any

import pytest

from tests.stand_ins.service import Answer, Request, Service
from tools.web import public_only

#: The stand-in of the open internet, and an address that is for a private one.
PUBLIC, PRIVATE = "127.0.0.1", "127.0.0.2"


class Site(Service):
    """A web site: answers by path."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, Answer] = {}

    def page(self, path: str, body: Any, kind: str = "text/html", **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = Answer(body, 200, {"Content-Type": kind, **named})

    def answer(self, request: Request) -> Answer:
        return self.pages.get(request.path, Answer("gone", 404))

    @property
    def port(self) -> str:
        return self.url.rpartition(":")[2]

    def at(self, host: str, path: str = "/") -> str:
        return f"http://{host}:{self.port}{path}"


class Names:
    """The DNS of a test: answers by name, each list used once and the last for ever."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[str, list[list[str]]] = {"public.test": [[PUBLIC]]}
        self.asked: list[str] = []
        self.public = {PUBLIC}
        monkeypatch.setattr(public_only, "lookup", self._lookup)
        monkeypatch.setattr(public_only, "allowed", self._allowed)

    def _allowed(self, address: public_only.Address) -> bool:
        return str(address) in self.public or public_only.is_public(address)

    async def _lookup(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            pass
        if host not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        waiting = self.answers[host]
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


class Trap:
    """Listens at the private address, on the port of a site; no one may connect."""

    def __init__(self, port: str) -> None:
        self._listening = socket.socket()
        self._listening.bind((PRIVATE, int(port)))
        self._listening.listen()
        self._listening.settimeout(0)

    @property
    def sprung(self) -> bool:
        try:
            self._listening.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        self._listening.close()
