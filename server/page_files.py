"""The page's files. Their address holds a digest of all of them: a browser asks for each once, and
gets those of another release under another address."""

import hashlib
from pathlib import Path
from typing import Any

from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

PAGE = Path(__file__).parent / "page"


class PageFiles:
    """The files as they are when the server starts."""

    def __init__(self) -> None:
        digest = hashlib.sha256()
        for path in sorted(PAGE.iterdir()):
            digest.update(path.name.encode() + path.read_bytes())
        self._address = f"/static/{digest.hexdigest()[:16]}"
        html = (PAGE / "index.html").read_text(encoding="utf-8")
        self._index = html.replace('"/static/', f'"{self._address}/')

    def index(self) -> Response:
        return HTMLResponse(self._index)

    def routes(self) -> list[BaseRoute]:
        """Of both addresses; the one without a digest is the door's (server/door.py)."""
        return [
            Mount(self._address, _Kept(directory=PAGE)),
            Mount("/static", StaticFiles(directory=PAGE)),
        ]


class _Kept(StaticFiles):
    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        answer = super().file_response(*args, **kwargs)
        answer.headers["cache-control"] = "public, max-age=31536000, immutable"
        return answer
