"""What web may connect to: addresses as they are, names, redirects, and answers that change."""

import ipaddress
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.stand_ins.service import Answer
from tests.tools.bench import Bench
from tests.tools.web.sites import PRIVATE, PUBLIC, Names, Site, Trap
from tools.web import public_only


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:4700:4700::1111", True),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::5db8:d822", True),
        ("2002:5db8:d822::1", True),
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("100.100.100.200", False),
        ("192.0.2.1", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("239.1.1.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("192.0.0.8", False),
        ("192.0.0.9", False),
        ("192.88.99.1", False),
        ("192.88.98.1", True),
        ("2002:c058:6301::1", False),
        ("3fff::1", False),
        ("3fff:fff::1", False),
        ("5f00::1", False),
        ("64:ff9b:1::a00:1", False),
        ("2606:4700::5efe:c0a8:1", False),
        ("2606:4700::200:5efe:808:808", False),
        ("2606:4700::5eff:808:808", True),
        ("::", False),
        ("::1", False),
        ("::127.0.0.1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:7f00:1::1", False),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
        ("fe80::1", False),
        ("fec0::1", False),
        ("fc00::1", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
        ("2001:db8::1", False),
    ],
)
def test_addresses(address: str, public: bool) -> None:
    assert public_only.is_public(ipaddress.ip_address(address)) is public


async def told(bench: Bench, url: str) -> str:
    found = await bench.call("web", operation="fetch", url=url)
    assert not found.ok
    assert "The tool failed" not in found.text
    return found.text


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1", "0x7f000001", "2130706433", "0", "[::ffff:7f00:1]"]
)
async def test_this_machine_by_any_name(bench: Bench, site: Site, host: str) -> None:
    """Nothing is put in place here: the system's own look-up, and the guard as it is."""
    assert "is not on the public internet" in await told(bench, site.at(host))
    assert site.requests == []


async def test_a_name_that_leads_to_a_private_address(
    bench: Bench, site: Site, names: Names, trap: Trap
) -> None:
    names.answers["private.test"] = [[PRIVATE]]
    assert f"private.test is not read: its address {PRIVATE}" in await told(
        bench, site.at("private.test")
    )
    assert not trap.sprung
    # The trap works: without the guard the connection would have been made.
    names.public.add(PRIVATE)
    with socket.create_connection((PRIVATE, int(site.port))):
        assert trap.sprung


@pytest.mark.parametrize("answer", [[PUBLIC, PRIVATE], [PRIVATE, PUBLIC], [PUBLIC, "::1"]])
async def test_a_public_and_a_private_address(
    bench: Bench, site: Site, names: Names, trap: Trap, answer: list[str]
) -> None:
    names.answers["both.test"] = [answer]
    assert "both.test is not read" in await told(bench, site.at("both.test"))
    assert (site.requests, trap.sprung) == ([], False)


@pytest.mark.parametrize(
    "there",
    [
        "http://private.test:PORT/secret",
        f"http://{PRIVATE}:PORT/secret",
        "//private.test:PORT/secret",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:PORT/",
        "file:///etc/passwd",
        "ftp://public.test/x",
        "http://user:word@public.test:PORT/",
    ],
)
async def test_redirects_are_checked_each(
    bench: Bench, site: Site, names: Names, trap: Trap, there: str
) -> None:
    names.answers["private.test"] = [[PRIVATE]]
    where = there.replace("PORT", site.port)
    site.pages["/a"] = Answer("", 302, {"Location": "/b"})
    site.pages["/b"] = Answer("", 307, {"Location": where})
    said = await told(bench, site.at("public.test", "/a"))
    assert "is not read" in said or "leads to another host" in said
    assert [r.path for r in site.requests] == ["/a", "/b"]
    if not where.startswith("//"):
        said = await told(bench, where)
        assert "is not read" in said or "would send a credential" in said
        assert len(site.requests) == 2
    assert not trap.sprung


async def test_an_answer_that_changes_after_it_was_checked(
    bench: Bench, site: Site, names: Names, trap: Trap
) -> None:
    """DNS rebinding: what was checked is what is connected to, without asking again."""
    names.answers["changing.test"] = [[PUBLIC], [PRIVATE]]
    site.page("/", "words", "text/plain")
    found = await bench.call("web", operation="fetch", url=site.at("changing.test"))
    assert found.ok
    assert "words" in found.text
    assert names.asked == ["changing.test"]
    assert site.requests[0].headers["host"] == f"changing.test:{site.port}"
    # The next fetch asks again, and is denied.
    assert "is not on the public internet" in await told(bench, site.at("changing.test"))
    assert (len(site.requests), trap.sprung) == (1, False)


async def test_an_answer_that_changes_between_redirects(
    bench: Bench, site: Site, names: Names, trap: Trap
) -> None:
    names.answers["changing.test"] = [[PUBLIC], [PRIVATE]]
    site.pages["/"] = Answer("", 302, {"Location": "/again"})
    assert "is not on the public internet" in await told(bench, site.at("changing.test"))
    assert (len(site.requests), trap.sprung) == (1, False)


async def test_the_next_address_where_one_does_not_answer(
    bench: Bench, site: Site, names: Names
) -> None:
    names.public.add(PRIVATE)
    names.answers["two.test"] = [[PRIVATE, PUBLIC]]
    site.page("/", "words", "text/plain")
    assert (await bench.call("web", operation="fetch", url=site.at("two.test"))).ok


async def test_urls_that_are_not_read(bench: Bench, names: Names) -> None:
    for url, said in (
        ("file:///etc/passwd", "is not read: only http"),
        ("ftp://public.test/", "is not read: only http"),
        ("http:///x", "is not read: only http"),
        ("https://", "is not read: only http"),
        ("http://ann@public.test/", "user or password"),
        ("http://ann:word@public.test/", "it was not sent"),
        ("http://public.test:99999/", "there is no port 99999"),
        ("http://a b/", ""),
        ("", "needs a url"),
        ("nowhere.test", "nowhere.test has no address: Name or service not known"),
    ):
        assert said in await told(bench, url)


async def test_proxies_are_not_used_and_that_is_said(
    bench: Bench, names: Names, monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    monkeypatch.setenv("HTTP_PROXY", site.url)
    monkeypatch.setenv("HTTPS_PROXY", site.url)
    assert "HTTPS_PROXY is not used; curl in bash" in await told(bench, "https://nowhere.test/")
    assert site.requests == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
async def test_the_certificate_is_the_names(
    bench: Bench, names: Names, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection goes to an address; TLS asks for the name all the same, and checks it."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-keyout", key, "-out", cert, "-subj", "/CN=secure.test",
         "-addext", "subjectAltName=DNS:secure.test"],
        capture_output=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)
    names.answers |= {"secure.test": [[PUBLIC]], "other.test": [[PUBLIC]]}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    asked: list[str | None] = []
    context.sni_callback = lambda sock, name, ctx: asked.append(name)
    with Site() as site:
        assert site._server is not None
        site._server.socket = context.wrap_socket(site._server.socket, server_side=True)
        site.page("/", "safe words", "text/plain")
        found = await bench.call("web", operation="fetch", url=f"https://secure.test:{site.port}/")
        assert "safe words" in found.text
        assert asked == ["secure.test"]
        said = await told(bench, f"https://other.test:{site.port}/")
        assert "certificate is not valid for 'other.test'" in said
        # A redirect to another name is not followed: it was not judged.
        site.pages["/go"] = Answer("", 302, {"Location": f"https://other.test:{site.port}/"})
        said = await told(bench, f"https://secure.test:{site.port}/go")
        assert f"call fetch with https://other.test:{site.port}/" in said
        assert [r.path for r in site.requests].count("/") == 1
