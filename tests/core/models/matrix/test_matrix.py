"""Every kind of answer over every route: what comes of it is what the page says."""

from collections.abc import Iterator

import pytest

from configs.settings import Settings
from tests.core.models.asking import Asking
from tests.core.models.matrix.differs import differs
from tests.core.models.matrix.outcome import comparable, difference, outcome
from tests.core.models.matrix.quirks import QUIRKS
from tests.core.models.matrix.routes import ROUTES, leading_to
from tests.core.models.matrix.rows import ROWS
from tests.stand_ins.raw_server import RawServer


@pytest.fixture(scope="module")
def server() -> Iterator[RawServer]:
    with RawServer(b"") as server:
        server.shown = {"model_info": {"x.context_length": 32_768}}
        yield server


@pytest.fixture(autouse=True)
def _addresses(server: RawServer) -> Iterator[None]:
    with leading_to(server):
        yield


ALL = {row.name: row for row in (*ROWS, *QUIRKS)}


@pytest.mark.parametrize("name", ALL)
async def test_row(name: str, server: RawServer) -> None:
    row = ALL[name]
    wrong = []
    for over in ROUTES.values():
        if over.format not in row.formats:
            continue
        server.answer_with(*row.sent(over.format))
        a = Asking(server, Settings(request_timeout=30, local_base_url=server.base))  # type: ignore[arg-type]
        told = differs(row, over)
        wanted = told.wanted if told else row.wanted
        came = comparable(await outcome(a, over.model, row.options), wanted)
        if different := difference(came, wanted):
            wrong.append(f"{over.name}: {different}")
    assert not wrong, "\n".join([row.does, *wrong])
