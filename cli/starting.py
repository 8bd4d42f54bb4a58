"""From options to an open session: what the headless run and the chat share."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from configs.layers import Loaded, apply_dotenv, load
from configs.problems import SettingsProblem
from graph.errors import AgentError, SettingsError

#: USD that a headless turn may cost where nobody said.
HEADLESS_CAP = 5.0


def folder_of(options: dict[str, Any]) -> Path:
    """The working directory, absolute."""
    return Path(options.get("cwd") or ".").expanduser().absolute()


def settings_for(options: dict[str, Any]) -> Loaded:
    """Settings for this invocation; keys of the folder's .env are applied.

    Raises SettingsError.
    """
    folder = folder_of(options)
    try:
        apply_dotenv(folder)
        return load(cwd=folder, config_file=options.get("config_file"))
    except SettingsProblem as problem:
        raise SettingsError(str(problem)) from None


def guarded(work: Callable[[], int], options: dict[str, Any]) -> int:
    """Run `work`; whatever it raises becomes one line on stderr and an exit code."""
    output = options.get("output", "text")
    debug = bool(options.get("debug"))
    _logging(debug)
    try:
        return work()
    except AgentError as error:
        from cli.results import print_failure

        print_failure(output, error.kind, error.message, error.hint)
        complain(error.message, error.hint)
        if debug:
            logging.exception("traceback")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        raise
    except Exception as error:
        if debug:
            raise
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        from cli.results import print_failure

        print_failure(output, "internal", said, AgentError.default_hint)
        complain(f"internal error: {said}", AgentError.default_hint)
        return 1


def complain(message: str, hint: str = "") -> None:
    """One line on stderr: what happened, and what to do."""
    text = f"ml-agent: {message}" + (f" ({hint})" if hint else "")
    print(text.encode("utf-8", "backslashreplace").decode(), file=sys.stderr, flush=True)


class _WithoutSecrets(logging.Filter):
    """What libraries log may hold a header or a URL with a credential."""

    def filter(self, record: logging.LogRecord) -> bool:
        from graph.redaction import redacted

        record.msg, record.args = redacted(record.getMessage()), ()
        return True


def _logging(debug: bool) -> None:
    level = logging.DEBUG if debug else logging.CRITICAL
    logging.basicConfig(level=level, stream=sys.stderr, format="%(name)s: %(message)s")
    logging.getLogger().setLevel(level)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_WithoutSecrets())
    for noisy in ("asyncio", "aiosqlite", "httpcore", "httpx", "markdown_it"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
