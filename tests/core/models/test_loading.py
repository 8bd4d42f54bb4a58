"""litellm comes late, quietly, and with an environment that commands do not inherit."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]


def python(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh process without any variable of litellm's."""
    ours = ("LITELLM", "EXPERIMENTAL", "REPEATED", "MAX_BASE64", "LANGSMITH", "LANGCHAIN")
    env = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**env, **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )


def said(code: str, **variables: str) -> Any:
    return json.loads(python(code, **variables).stdout)


def test_importing_the_client_does_not_import_litellm() -> None:
    heavy = said(
        """
        import json, sys
        import core.models.client, core.models.routes, core.models.tokens, nodes.services
        heavy = ("litellm", "langchain_litellm", "openai", "tiktoken")
        print(json.dumps([name for name in heavy if name in sys.modules]))
        """
    )
    assert heavy == []


def test_a_route_needs_no_litellm_and_knows_its_providers() -> None:
    known = said(
        """
        import json, sys
        from core.models.litellm_providers import LITELLM_PROVIDERS
        known = sorted(LITELLM_PROVIDERS)
        assert "litellm" not in sys.modules
        import litellm
        print(json.dumps([known, sorted(p.value for p in litellm.LlmProviders)]))
        """,
        LITELLM_LOCAL_MODEL_COST_MAP="True",
    )
    assert known[0] == known[1]
    assert {"openai", "anthropic", "gemini", "bedrock", "openrouter"} <= set(known[0])


def test_loading_sets_variables_and_lists_its_own() -> None:
    before, own, values = said(
        """
        import json, os
        from core.models import loading
        before = sorted(loading.own_variables)
        loading.load()
        names = sorted(loading.own_variables)
        print(json.dumps([before, names, {n: os.environ[n] for n in names}]))
        """
    )
    assert before == []
    assert values == {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MODE": "PRODUCTION",
        "EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER": "true",
        "MAX_BASE64_LENGTH_FOR_LOGGING": "0",
        "REPEATED_STREAMING_CHUNK_LIMIT": "1000",
        "LANGSMITH_TRACING": "false",
    }
    assert sorted(values) == own


def test_what_the_person_set_stays_theirs() -> None:
    own, value = said(
        """
        import json, os
        from core.models import loading
        loading.prepare_environment()
        print(json.dumps([sorted(loading.own_variables), os.environ["LANGSMITH_TRACING"]]))
        """,
        LANGSMITH_TRACING="true",
    )
    assert "LANGSMITH_TRACING" not in own
    assert value == "true"


def test_loading_is_silent_reads_no_dotenv_and_keeps_the_collector_on(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FROM_DOTENV=yes\n")
    done = python(
        f"""
        import gc, os, threading
        os.chdir({str(tmp_path)!r})
        from core.models import loading
        thread = threading.Thread(target=loading.load)
        thread.start()
        assert loading.load() is loading.load()
        thread.join()
        assert gc.isenabled()
        assert "FROM_DOTENV" not in os.environ
        """,
        PYTHONPATH=str(ROOT),
    )
    assert done.stdout == ""
    assert done.stderr == ""


def test_a_whole_run_prints_nothing_of_its_own() -> None:
    """Nothing at the end either: litellm logs in tasks that outlive their request."""
    done = python(
        """
        import asyncio
        from tests.core.models.asking import BOTH, asking
        from tests.stand_ins.model_script import Reply

        async def main():
            replies = [Reply(text="a", thinking="b"), Reply(status=500), Reply(text="c")]
            with asking([*replies, Reply(text="d e", end="cut"), Reply(text="f")]) as a:
                for stream in (True, False, True):
                    await a.ask(BOTH[stream], stream=stream)

        asyncio.run(main())
        """
    )
    assert done.stdout == ""
    assert done.stderr == ""
