"""litellm comes late, quietly, and with an environment that commands do not inherit."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SECRET

ROOT = Path(__file__).parents[3]
#: Imports what a start imports; asks over direct routes; then imports litellm, in two threads at
#: once and in the folder given, which has a .env; then asks over all routes. What is seen of it
#: goes to a file of the folder.
WHOLE = """
    import asyncio, gc, json, os, sys, threading

    import core.models.client, core.models.routes, core.models.tokens, nodes.services
    from core.models import loading
    from core.models.litellm_providers import LITELLM_PROVIDERS

    heavy = ("litellm", "langchain_litellm", "openai", "tiktoken")
    seen = {
        "early": [name for name in heavy if name in sys.modules],
        "before": sorted(loading.own_variables),
        "providers": sorted(LITELLM_PROVIDERS),
    }

    from tests.core.models.asking import BOTH, DIRECT, asking, bash
    from tests.stand_ins.model_script import Reply

    async def direct():
        with asking([Reply(text="a"), Reply(status=401)] * 2) as a:
            for model in DIRECT:
                await a.ask(model, tools=[bash])
                await a.refused(model)
                a.client.window(model), a.client.price(model), a.client.sees(model)

    asyncio.run(direct())
    seen["direct"] = [name for name in (*heavy, "aiohttp", "tokenizers") if name in sys.modules]

    thread = threading.Thread(target=loading.load)
    thread.start()
    seen["once"] = loading.load() is loading.load()
    thread.join()
    seen["collects"] = gc.isenabled()
    seen["dotenv"] = os.environ.get("FROM_DOTENV")
    seen["own"] = sorted(loading.own_variables)
    seen["values"] = {name: os.environ[name] for name in seen["own"]}
    seen["litellm"] = sorted(p.value for p in loading.load().litellm.LlmProviders)

    async def main():
        replies = [Reply(text="a", thinking="b"), Reply(status=500), Reply(text="c")]
        with asking([*replies, Reply(text="d e", end="cut"), Reply(text="f")]) as a:
            for stream in (True, False, True):
                await a.ask(BOTH[stream], stream=stream)

    asyncio.run(main())
    with open("seen.json", "w") as file:
        json.dump(seen, file)
"""


def python(code: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh process without any variable of litellm's, or key of the user."""
    ours = ("LITELLM", "EXPERIMENTAL", "REPEATED", "MAX_BASE64", "LANGSMITH", "LANGCHAIN")
    env = {k: v for k, v in os.environ.items() if not k.startswith(ours) and not SECRET.search(k)}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**env, "PYTHONPATH": str(ROOT), **variables},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )


def said(code: str, **variables: str) -> Any:
    """The JSON that `code` prints, at home in this repository."""
    return json.loads(python(code, ROOT, **variables).stdout)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `WHOLE` saw, and what it printed."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / ".env").write_text("FROM_DOTENV=yes\n")
    done = python(WHOLE, folder, HOME=str(folder))
    seen: dict[str, Any] = json.loads((folder / "seen.json").read_text())
    return {**seen, "printed": (done.stdout, done.stderr)}


def test_importing_the_client_does_not_import_litellm(whole: dict[str, Any]) -> None:
    assert whole["early"] == []


def test_a_direct_route_imports_neither_litellm_nor_openai(whole: dict[str, Any]) -> None:
    assert whole["direct"] == []


def test_a_route_needs_no_litellm_and_knows_its_providers(whole: dict[str, Any]) -> None:
    known = whole["providers"]
    assert whole["early"] == []
    assert known == whole["litellm"]
    assert {"openai", "anthropic", "gemini", "bedrock", "openrouter"} <= set(known)


def test_loading_sets_variables_and_lists_its_own(whole: dict[str, Any]) -> None:
    assert whole["before"] == []
    assert whole["values"] == {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MODE": "PRODUCTION",
        "EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER": "true",
        "MAX_BASE64_LENGTH_FOR_LOGGING": "0",
        "REPEATED_STREAMING_CHUNK_LIMIT": "1000",
        "LANGSMITH_TRACING": "false",
    }
    assert sorted(whole["values"]) == whole["own"]


def test_what_the_person_set_stays_theirs(tmp_path: Path) -> None:
    done = python(
        """
        import json, os
        from core.models import loading
        loading.prepare_environment()
        print(json.dumps([sorted(loading.own_variables), os.environ["LANGSMITH_TRACING"]]))
        """,
        tmp_path,
        LANGSMITH_TRACING="true",
    )
    own, value = json.loads(done.stdout)
    assert "LANGSMITH_TRACING" not in own
    assert value == "true"


def test_loading_reads_no_dotenv_and_keeps_the_collector_on(whole: dict[str, Any]) -> None:
    assert whole["once"]
    assert whole["collects"]
    assert whole["dotenv"] is None


def test_loading_and_a_whole_run_print_nothing_of_their_own(whole: dict[str, Any]) -> None:
    """Nothing at the end either: litellm logs in tasks that outlive their request."""
    assert whole["printed"] == ("", "")
