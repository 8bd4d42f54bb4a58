"""From options to an open session: what the headless run and the chat share."""

import asyncio
import logging
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from cli.shared.options import Options
from cli.terminal.writer import note, to_stderr
from configs.folder import Brought, in_words, look_at
from configs.kept_keys import apply_kept_keys
from configs.layers import Loaded, load
from configs.problems import SettingsProblem
from configs.settings import HEADLESS_CAP, Settings
from core.errors import AgentError, NoSuchThread, SettingsError
from core.secrets.process_memory import make_undumpable
from core.secrets.redaction import redacted

if TYPE_CHECKING:
    from core.store import Store, ThreadRow
    from core.tool import AgentTool


@dataclass(frozen=True)
class Started(Loaded):
    """Settings of an invocation, and what its folder brings."""

    brought: Brought = field(default_factory=lambda: Brought(""))


def settings_for(options: Options, *, new_keys: bool = True, lenient: bool = False) -> Started:
    """Settings for this invocation; keys of the folder's .env are applied. `new_keys`: those
    too that the user was not asked about, if the user has none: where no one can be asked.
    `lenient`: what is wrong is left out, and a problem of `brought`.

    Raises SettingsError.
    """
    folder = options.folder
    try:
        # The keys come first: a setting may name one as ${VAR}.
        apply_kept_keys()
        brought = look_at(folder, new_keys=new_keys)
        loaded = load(cwd=folder, config_file=options.config_file, lenient=lenient)
    except SettingsProblem as problem:
        raise SettingsError(str(problem)) from None
    brought = brought.plus(loaded.answers, loaded.items).with_problems(loaded.problems)
    return Started(**vars(loaded), brought=brought)


def lenient_settings(options: Options) -> tuple[Started, bool]:
    """Settings without what is wrong, and whether nothing was: for a command that shows them."""
    try:
        return settings_for(options), True
    except SettingsError:
        return settings_for(options, lenient=True), False


def headless_cap(options: Options, loaded: Loaded) -> float:
    """USD that this run may cost. A folder that is not trusted can only lower it."""
    given, turn = options.max_cost, loaded.settings.budget.turn
    if given is not None:
        return float(given)
    if turn is None:
        return HEADLESS_CAP
    return min(turn, HEADLESS_CAP) if "budget.turn" in loaded.lowered else turn


def say_what_is_ignored(brought: Brought) -> None:
    """Tell on stderr, in a line, what of the folder does not count; and a line for each file that
    cannot be read."""
    for problem in brought.problems:
        complain(f"ignored: {problem}")
    # Only a chat has commands.
    items = tuple(item for item in brought.ignored if item.kind != "command")
    if items:
        complain(f"this folder is not trusted; ignored: {in_words(items)}", "ml-agent trust")


def using_keys(brought: Brought) -> str:
    """For the first line: which keys come from the folder; "" if none does."""
    return f" · using {', '.join(brought.keys)} from .env" if brought.keys else ""


def known_tools(settings: Settings) -> dict[str, "AgentTool"]:
    """All tools, those of MCP servers as they were last listed."""
    from tools import builtin_tools, tool_servers

    known, servers = builtin_tools(), tool_servers(settings)
    return known if servers is None else {**known, **asyncio.run(servers.known(""))}


async def wanted_thread(options: Options, settings: Settings) -> str | None:
    """The id that --resume or --continue mean. Raises NoSuchThread."""
    if not options.go_on:
        return options.resume
    from core.store import open_store

    async with await open_store(settings) as store:
        row = await newest_thread(store, options)
        return row.id


async def newest_thread(store: "Store", options: Options) -> "ThreadRow":
    """The newest thread of the folder. Raises NoSuchThread."""
    row = await store.threads.newest(str(options.folder))
    if row is None:
        raise NoSuchThread(f"no sessions in {options.folder}")
    return row


def guarded(work: Callable[[], int], options: Options) -> int:
    """Run `work`; whatever it raises becomes one line on stderr and an exit code."""
    output, debug = options.output, options.debug
    make_undumpable()
    _logging(debug)
    try:
        return work()
    except AgentError as error:
        from cli.shared.results import print_failure

        print_failure(output, error.kind, error.message, error.hint)
        complain(error.message, error.hint)
        if debug:
            logging.exception("traceback")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except (click.ClickException, click.Abort, click.exceptions.Exit):
        raise  # cli/main.py tells them
    except Exception as error:
        if debug:
            to_stderr(redacted(traceback.format_exc()))
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        from cli.shared.results import print_failure

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
    # Libraries have handlers and levels of their own, and Python's warnings go past both.
    logging.captureWarnings(True)
    logging.disable(logging.NOTSET if debug else logging.CRITICAL)
    for noisy in ("asyncio", "httpcore", "httpx", "markdown_it"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
