"""`ml-agent doctor`: what works on this machine, what is missing, and what to do about it."""

import asyncio
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import click

from cli.shared.bootstrap import Started, lenient_settings
from cli.shared.columns import in_columns
from cli.shared.command import HELP, prints, tell
from cli.shared.options import Options
from configs.folder import in_words
from configs.folders import make_private_folder, who_else_may_write

if TYPE_CHECKING:
    from configs.settings import Settings

CREDENTIALS = (
    "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY", "GITHUB_TOKEN",
)  # fmt: skip
PACKAGES = ("langgraph", "langchain-core", "langchain-litellm", "litellm", "huggingface-hub")
PROGRAMS = {"git": "commands that need it fail", "bash": "commands run in sh"}

MAKE_PRIVATE = "chmod go-w it, or set ML_AGENT_STATE_DIR to your own folder"
#: (ok, warn or fail; what; what to do)
Finding = tuple[str, str, str]


@click.command(context_settings=HELP)
@prints
def doctor(options: Options) -> int:
    """Check what works on this machine and what is missing; exit 1 if a check fails."""
    started, is_right = lenient_settings(options)
    settings = started.settings
    if options.model:
        settings = settings.model_copy(update={"model_name": options.model})
    checks: tuple[Callable[[Any], Iterator[Finding]], ...] = (
        _python, _packages, _state, _database, _credentials, _models, _programs,
        _command_sandbox, _environment, _servers, _sandboxes, _telemetry,
    )  # fmt: skip
    found = [*_settings(started, is_right), *(one for check in checks for one in check(settings))]
    told = [{"result": mark, "what": what, "hint": hint} for mark, what, hint in found]
    rows = [(mark, f"{what} ({hint})" if hint else what) for mark, what, hint in found]
    tell(options, {"checks": told}, in_columns(rows))
    return 1 if any(mark == "fail" for mark, _, _ in found) else 0


def _settings(started: Started, is_right: bool) -> Iterator[Finding]:
    """What of settings files, variables and the folder does not count."""
    for problem in started.problems:
        yield "warn" if is_right else "fail", f"ignored: {problem}", "ml-agent config show"
    ignored = in_words(started.brought.ignored)
    if ignored:
        yield "warn", f"this folder is not trusted; ignored: {ignored}", "ml-agent trust"


def _python(settings: "Settings") -> Iterator[Finding]:
    yield "ok", f"Python {platform.python_version()} on {platform.platform()}", ""


def _packages(settings: "Settings") -> Iterator[Finding]:
    for name in ("ml-agent", *PACKAGES):
        try:
            yield "ok", f"{name} {version(name)}", ""
        except PackageNotFoundError:
            yield "fail", f"{name} is not installed", "install ml-agent again"


def _state(settings: "Settings") -> Iterator[Finding]:
    folder = settings.state_path()
    try:
        make_private_folder(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
        free = shutil.disk_usage(folder).free
    except OSError as error:
        yield "fail", f"state directory {folder}: {error.strerror}", "set ML_AGENT_STATE_DIR"
        return
    others = who_else_may_write(folder)
    if others:
        yield "warn", f"state directory: {others}, and can change sessions", MAKE_PRIVATE
    mark = "ok" if free > 200_000_000 else "warn"
    yield mark, f"state directory {folder}, {free / 1e9:.1f} GB free", ""


def _database(settings: "Settings") -> Iterator[Finding]:
    from core.errors import StoreError
    from core.store import open_store

    async def look() -> str:
        async with await open_store(settings) as store:
            return f"database {store.place}, {await store.size() / 1e6:.1f} MB"

    try:
        yield "ok", asyncio.run(look()), ""
    except StoreError as error:
        yield "fail", error.message, error.hint


def _credentials(settings: "Settings") -> Iterator[Finding]:
    from core.credentials import hub_token

    found = [name for name in CREDENTIALS if os.environ.get(name)]
    if hub_token():
        found.append("the Hugging Face token")
    if found:
        yield "ok", f"credentials: {', '.join(found)}", ""
    else:
        yield "warn", "no credentials", "set ANTHROPIC_API_KEY, HF_TOKEN or OPENAI_API_KEY"


def _models(settings: "Settings") -> Iterator[Finding]:
    """The model that answers, and the others of the settings."""
    from core.errors import AgentError
    from core.models.choice import choose_model

    try:
        model = asyncio.run(choose_model(settings))
    except AgentError as error:
        yield "warn", error.message, error.hint
        return
    others = {name: getattr(settings, name) for name in ("small_model_name", "fallback_model")}
    for role, name in {"model": model, **others}.items():
        if name:
            yield from _model(role, name, settings)


def _model(role: str, model: str, settings: "Settings") -> Iterator[Finding]:
    from core.errors import AgentError
    from core.models.advice import concerns, how_to_use, replacement
    from core.models.model_info import Facts
    from core.models.routes import resolve

    try:
        route = resolve(model, settings)
        route.check()
    except AgentError as error:
        yield "warn", f"{role}: {error.message}", error.hint
        return
    yield "ok", f"{role}: {route.describe()}", ""
    facts = Facts(settings)
    asyncio.run(facts.ready(route))
    for concern in concerns(route, facts):
        instead = replacement(route, facts)
        how = how_to_use(instead) if role == "model" else f"set {role} to {instead}"
        yield "warn", concern, how if instead else "choose another: -m list"


def _programs(settings: "Settings") -> Iterator[Finding]:
    for name, without in PROGRAMS.items():
        path = shutil.which(name)
        yield ("ok", f"{name} at {path}", "") if path else ("warn", f"no {name}", without)


def _command_sandbox(settings: "Settings") -> Iterator[Finding]:
    """What commands run in, and why nothing better."""
    from tools.workspace.command_sandbox import find

    if settings.sandbox_commands == "off":
        yield "warn", "commands run without a sandbox", "sandbox_commands is off"
        return
    found = find()
    why = "; ".join(found.reasons)
    if found.kind == "bubblewrap":
        yield "ok", f"commands run in {found.described()} ({found.program})", ""
    elif found.kind != "none":
        yield "ok", f"commands run in {found.described()}", why
    elif settings.sandbox_commands == "required":
        yield "fail", "no command runs: sandbox_commands is required and no sandbox works", why
    else:
        yield "warn", f"commands run without a sandbox: {why}", "install bubblewrap"


def _environment(settings: "Settings") -> Iterator[Finding]:
    """Which variables commands do not see: it explains a command that fails without one."""
    from core.secrets.child_environment import child_variables

    found = child_variables(tokens=settings.child_tokens, also=settings.child_environment)
    if not found.withheld:
        yield "ok", f"commands see all {len(found.passed)} variables", ""
        return
    what = f"commands see {len(found.passed)} variables, not: {', '.join(found.withheld)}"
    yield "ok", what, "the setting child_environment adds variables"


def _servers(settings: "Settings") -> Iterator[Finding]:
    """MCP servers as they were at their last start."""
    from tools import tool_servers

    servers = tool_servers(settings)
    for name, state in (asyncio.run(servers.states()) if servers else {}).items():
        said = f"MCP server {name}: {state.words}"
        yield ("ok", said, "") if state.works else ("warn", said, "ml-agent mcp test")


def _sandboxes(settings: "Settings") -> Iterator[Finding]:
    """Sandboxes that ml-agent made and no one works in: they cost money until they are idle."""
    from core.credentials import hub_token
    from core.errors import AgentError
    from tools import sandboxes

    there = sandboxes()
    if there is None or not hub_token():
        return
    try:
        found = asyncio.run(there.living(settings))
    except AgentError as error:
        yield "warn", f"sandboxes on Hugging Face cannot be listed: {error.message}", error.hint
        return
    for one in found:
        what = f"sandbox {one.id} on {one.flavor} of session {one.thread}"
        if one.driven:
            yield "ok", f"{what}, in use", ""
        else:
            whose = "continue: ml-agent sessions resume; " if one.known else ""
            yield (
                "warn",
                f"{what}, no turn runs in it{one.price}",
                f"{whose}end it: {one.how_to_end}",
            )


def _telemetry(settings: "Settings") -> Iterator[Finding]:
    """Where spans go, if the user's variables name a collector."""
    from graph.background.telemetry import endpoint, is_installed, place

    if endpoint() and is_installed():
        yield "ok", f"OpenTelemetry: spans go to {place()}", ""
    elif endpoint():
        what = "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed"
        yield "warn", what, "pip install 'ml-agent[otel]'"
