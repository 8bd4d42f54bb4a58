"""What a run is given, put together: this invocation's options over what the thread remembers
over the settings."""

import asyncio
import difflib
import os
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from configs.layers import shipped_permissions
from configs.settings import Permissions, Settings
from core.credentials import hub_token, way_in
from core.errors import SettingsError, UsageError
from core.model_errors import NotAuthenticated
from core.models.choice import choose_model
from core.models.list_models import check_effort
from core.models.routes import resolve
from core.policy.rules import OUTSIDE, parse_rule
from core.run import Mode
from core.store import ThreadRow, new_thread_id
from core.tool import AgentContext, Services
from tools import rule_names
from tools.extension import Ask


@dataclass(frozen=True)
class RunOptions:
    """What was chosen for this invocation. None: what the thread remembers, else the settings.

    Attributes:
        mode: ask, auto, read-only or yolo.
        sandbox: hardware of a Hugging Face sandbox to work in; "none": on this machine.
        fallback_model: takes the model's place where it is unavailable.
        effort: how much a model that can reason should reason, from none to max.
        max_iterations: answers of the model in one turn.
        max_cost: cap of all that this invocation spends, in USD.
        max_time: seconds that one turn may take.
        allow, deny: rules next to those of the settings.
        stream: show answers as they come.
        interactive: a user can be asked.
        notice: told about trouble next to the turn, such as an MCP server's, in one line each.
        ask: answers what MCP servers ask in the middle of a call; None: declined.
        patience: seconds that the run waits for a quota or credit that is used up; 0: it fails.
        invocation: whose money it is, of a run that another process continues; empty: its own.
    """

    model: str | None = None
    fallback_model: str | None = None
    effort: str | None = None
    mode: Mode | None = None
    sandbox: str | None = None
    max_iterations: int | None = None
    max_cost: float | None = None
    max_time: float | None = None
    allow: Sequence[str] = ()
    deny: Sequence[str] = ()
    stream: bool = True
    interactive: bool = True
    notice: Callable[[str], None] | None = None
    ask: Ask | None = None
    patience: float = 0.0
    invocation: str = ""


def check_rules(rules: Sequence[str], origin: str) -> None:
    """Raise SettingsError for what is not a rule, or names a tool that does not exist: a deny rule
    with a typing error would deny nothing. Tools of MCP servers are known once they start."""
    known = {*rule_names(), OUTSIDE, "agent"} if rules else set()
    for text in rules:
        tool = parse_rule(text, origin).tool
        if tool not in known and "__" not in tool:
            near = difflib.get_close_matches(tool, known, 1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise SettingsError(
                f"{origin} {text!r}: no tool is named {tool}", f"{meant}ml-agent tools lists them"
            )


def check_permissions(permissions: Permissions) -> None:
    """The same for the rules of the settings."""
    shipped = shipped_permissions()
    for kind in ("allow", "ask", "deny"):
        ours = shipped.get(kind, [])
        rules = [rule for rule in getattr(permissions, kind) if rule not in ours]
        check_rules(rules, f"permissions.{kind}")


async def thread_for(
    row: ThreadRow | None,
    cwd: Path,
    options: RunOptions,
    settings: Settings,
    *,
    own_client: bool = False,
) -> ThreadRow:
    """The thread to drive, with its model and mode: `row`, or a new one (not stored yet). A
    thread of another machine continues in its folder where there is one of that name, else in
    `cwd`.

    `own_client`: the program brought its model client, so no route has to lead to the model.

    Raises UsageError (its folder is gone, or the model does not take the effort), UnknownModel,
    NotAuthenticated (also where a sandbox is wanted, no one can be asked, and there is no token).
    """
    here = row is not None and row.host == socket.gethostname()
    check_rules(options.allow, "--allow")
    check_rules(options.deny, "--deny")
    check_permissions(settings.permissions)
    if row and here and not await asyncio.to_thread(os.path.isdir, row.cwd):
        raise UsageError(
            f"the session's folder is gone: {row.cwd}", "make it again, or start a new session"
        )
    wanted = options.model or (row.model if row else "") or settings.model_name
    model = wanted or await choose_model(settings)
    if not own_client:
        resolve(model, settings).check()
        check_effort(options.effort or "", model, settings)
        fallback = options.fallback_model or settings.fallback_model
        if fallback:
            resolve(fallback, settings).check()
    mode = options.mode or (row.mode if row else "") or settings.mode
    mode = settings.capped_mode(mode or ("ask" if options.interactive else "auto"))
    chosen = options.sandbox
    if chosen is None:
        chosen = row.sandbox if row else settings.sandbox.flavor
    sandbox = "" if chosen == "none" else chosen
    if sandbox and not options.interactive:
        await asyncio.to_thread(_check_token)
    if row is not None:
        if not here:
            same = await asyncio.to_thread(os.path.isdir, row.cwd)
            row = replace(row, host=socket.gethostname(), cwd=row.cwd if same else str(cwd))
        return replace(row, model=model, mode=mode, sandbox=sandbox)
    return ThreadRow(
        id=new_thread_id(time.time()),
        cwd=str(cwd),
        host=socket.gethostname(),
        title="",
        model=model,
        mode=mode,
        sandbox=sandbox,
    )


def _check_token() -> None:
    if not hub_token():
        raise NotAuthenticated(
            "a sandbox needs a Hugging Face token", way_in("hf auth login, or set HF_TOKEN")
        )


def micro_usd(dollars: float | None) -> int | None:
    return None if dollars is None else round(dollars * 1_000_000)


def context_for(
    thread: ThreadRow, options: RunOptions, settings: Settings, services: Services
) -> AgentContext:
    """The graph's context for runs of `thread`."""
    return AgentContext(
        model=thread.model,
        mode=thread.mode,  # type: ignore[arg-type]
        cwd=thread.cwd,
        fallback_model=options.fallback_model or settings.fallback_model,
        effort=options.effort or settings.effort,
        max_iterations=settings.capped_iterations(
            options.max_iterations or settings.max_iterations
        ),
        max_cost_micro_usd=micro_usd(options.max_cost),
        invocation=options.invocation or secrets.token_hex(8),
        allow=list(options.allow),
        deny=list(options.deny),
        stream=options.stream,
        interactive=options.interactive,
        patience=options.patience,
        services=services,
    )
