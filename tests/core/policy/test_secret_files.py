"""Names that no one would read as another one count as the same."""

import pytest

from core.policy.secret_files import is_secret_name


@pytest.mark.parametrize(
    "name",
    [
        ".env ", " .env", ".env\n", ".e\x01nv", ".env\u200b", "\ufeff.env", ".en\u00adv",
        "\uff0eenv", ".env\u3000", "sub\u200b/.env", ".aws\u200b/x", "id_rsa\u2060", "a.pem\t",
    ],
)  # fmt: skip
def test_a_name_with_what_is_not_seen(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["environment", "schlüssel.txt", "данные.csv", "a b.txt"])
def test_other_names(name: str) -> None:
    assert not is_secret_name(name)
