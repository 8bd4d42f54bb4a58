"""An HTTP proxy that cuts every event stream after some bytes, as an unsteady line does."""

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit

#: After so many bytes, and at least one whole frame: else a long one could never pass.
BYTES = 3000


class CuttingProxy:
    """`with CuttingProxy() as proxy`: `proxy.url`; `proxy.cuts` counts."""

    def __init__(self) -> None:
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> "CuttingProxy":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            head, rest = self._head(client)
            line, _, fields = head.partition("\r\n")
            method, address, version = line.split(" ")
            parts = urlsplit(address)
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            kept = [f for f in fields.split("\r\n") if not f.lower().startswith("connection:")]
            said = "\r\n".join([f"{method} {path} {version}", "Connection: close", *kept])
            with socket.create_connection((parts.hostname or "", parts.port or 80)) as server:
                server.sendall(said.encode() + b"\r\n\r\n" + rest)
                self._answer(server, client, is_stream=path.partition("?")[0].endswith("/events"))

    def _head(self, client: socket.socket) -> tuple[str, bytes]:
        """(the head of a request, the whole of its body)."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += client.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [f for f in head.lower().split(b"\r\n") if f.startswith(b"content-length:")]
        length = int(lengths[0].split(b":")[1]) if lengths else 0
        while len(body) < length:
            body += client.recv(65536)
        return head.decode("latin-1"), body

    def _answer(self, server: socket.socket, client: socket.socket, *, is_stream: bool) -> None:
        sent = b""
        while data := server.recv(1024):
            client.sendall(data)
            sent += data if is_stream else b""
            if len(sent) > BYTES and b"\n\n" in sent[sent.find(b"\nid:") :]:
                self.cuts += 1
                return
