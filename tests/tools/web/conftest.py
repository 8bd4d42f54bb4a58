"""A site that counts as public, names that lead to it, and a trap at a private address."""

from collections.abc import Iterator

import pytest

from tests.tools.web.sites import Names, Site, Trap


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as served:
        yield served
    assert served.violations == []


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


@pytest.fixture
def trap(site: Site) -> Iterator[Trap]:
    set_up = Trap(site.port)
    yield set_up
    set_up.close()
