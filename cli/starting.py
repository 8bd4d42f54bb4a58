"""From options to an open session: what the headless run and the chat share."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cli.writer import note, to_stderr
from configs.layers import Loaded, apply_dotenv, load
from configs.problems import SettingsProblem
from configs.trust import Untrusted
from graph.errors import AgentError, SettingsError
from graph.redaction import redacted

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


def left_out(untrusted: Untrusted) -> str:
    """Which of a folder's MCP servers are not started, in a line."""
    names = ", ".join(sorted(untrusted.servers))
    return f"the MCP servers of this folder are not started, they are not trusted: {names}"


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
            to_stderr(redacted(traceback.format_exc()))
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        from cli.results import print_failure

        print_failure(output, "internal", said, AgentError.default_hint)
        complain(f"internal error: {said}", AgentError.default_hint)
        return 1


def complain(message: str, hint: str = "") -> None:
    """One line on stderr: what happened, and what to do."""
    text = redacted(f"ml-agent: {message}" + (f" ({hint})" if hint else ""))
    note(text)


class _Record(logging.LogRecord):
    """A record without secrets, whichever handler writes it: litellm brings its own. What libraries
    log may hold a header or a URL with a credential."""

    def getMessage(self) -> str:
        return redacted(super().getMessage())


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))  # the traceback, too


def _logging(debug: bool) -> None:
    level = logging.DEBUG if debug else logging.CRITICAL
    logging.setLogRecordFactory(_Record)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter("%(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
    logging.getLogger().setLevel(level)
    for noisy in ("asyncio", "aiosqlite", "httpcore", "httpx", "markdown_it"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
