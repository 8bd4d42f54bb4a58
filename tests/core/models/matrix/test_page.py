"""docs/guide/model-routes.md says what test_matrix.py tests, of every route."""

from core.models.wire.providers import PROVIDERS
from docs.print_matrix import PAGE, columns, page
from tests.core.models.matrix.differs import DIFFERS
from tests.core.models.matrix.quirks import QUIRKS
from tests.core.models.matrix.routes import DIRECT, LITELLM
from tests.core.models.matrix.rows import ROWS


def test_the_page_is_as_the_tables_are() -> None:
    assert PAGE.read_text() == page(), "run: uv run python -m docs.print_matrix"


def test_every_route_has_a_column_and_every_row_a_name_of_its_own() -> None:
    assert {o.name for _, c in columns() for o in c} == {o.name for o in (*DIRECT, *LITELLM)}
    names = [row.name for row in (*ROWS, *QUIRKS)]
    assert len(set(names)) == len(names)
    assert {row for row, _ in DIFFERS} <= set(names)


def test_every_direct_provider_is_in_it() -> None:
    asked = {over.model.partition("/")[0] for over in DIRECT}
    aliases = {"hosted_vllm": "vllm", "lm_studio": "lmstudio", "together_ai": "together",
               "fireworks_ai": "fireworks", "ollama_chat": "ollama"}  # fmt: skip
    assert {aliases.get(name, name) for name in PROVIDERS} == asked
