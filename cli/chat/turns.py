"""A turn in the chat: its events, the approvals it waits for, the limit it reached."""

from dataclasses import asdict
from typing import Any

from cli.chat.first_run import offer_token, wants_token
from cli.chat.mentions import with_mentions
from cli.chat.remote_decisions import DecidedElsewhere
from cli.chat.state import Chat
from cli.chat.threads import ensure_open
from cli.shared.answers import Asked, amount, dollars_of, is_yes, yes_or_no
from cli.shared.jobs import jobs_command, tell_of_jobs
from cli.shared.render import closing, footnote
from core.errors import AgentError
from core.store.goals import goal_line
from core.store.wait_words import wait_line

#: What a hint says for a command line, and what that is in the chat.
HINTS = (
    ("choose another model with -m", "/model chooses another model"),
    ("-m chooses another model", "/model chooses another"),
    ("ml-agent sessions resume continues where it stopped", "press Enter to try again"),
)


async def handle_message(chat: Chat, text: str, typed: str | None = None) -> None:
    """A turn with `text`, and with what the user ran meanwhile. `typed`: the words of it in which
    the user can mention something; None: all of it."""
    if not await ensure_open(chat):
        chat.frontend.put_back(text)
        return
    message = await message_of(chat, text, typed)
    if message is not None:
        await run_turn(chat, chat.session.send(message))


async def message_of(chat: Chat, text: str, typed: str | None = None) -> str | None:
    """What the model gets for `text`: what the user ran, the text, and what it mentions. None:
    a resource cannot be read, which is an error line; the text is in the prompt again."""
    try:
        whole = await with_mentions(chat, text, text if typed is None else typed)
    except AgentError as error:
        chat.lines.complain(error.message, error.hint)
        whole = None
    if whole is None:
        if typed is None:
            chat.frontend.put_back(text)
        return None
    return with_ran(chat, whole)


def with_ran(chat: Chat, text: str) -> str:
    """`text`, after what the user ran meanwhile."""
    ran, chat.ran = chat.ran, []
    return "\n\n".join([*ran, text])


async def wants(chat: Chat, question: str) -> bool:
    """Whether the user says yes; Enter is one."""
    answer = await chat.frontend.ask(Asked(question, yes_or_no))
    return answer is not None and is_yes(answer, default=True)


async def offer_unfinished(chat: Chat, *, asked: bool = False) -> None:
    """A turn that was cut off, or approvals that wait, come first. `asked`: the user said
    yes."""
    if chat.session.moved:
        chat.lines.line(chat.session.moved, "33")
    is_waiting = chat.session.thread.status == "waiting"
    wanted = asked or is_waiting or bool(await chat.session.pending())
    if not await chat.session.unfinished():
        return
    if wanted or await wants(chat, "the last turn was cut off; continue it? [Y/n] "):
        await run_turn(chat, chat.session.resume())


async def run_turn(chat: Chat, events: Any, *, costs: bool = True) -> Any:
    """Show a turn, and answer its approvals, until it ends or no one decides; its last event."""
    token_wanted, last = False, None
    while events is not None:
        with chat.frontend.working(chat):
            async for event in events:
                last = event
                chat.lines.show(event)
                token_wanted = token_wanted or wants_token(event)
        events = await _after(chat, last, costs)
    if token_wanted:
        await offer_token(chat)
    await chat.frontend.settled(chat)
    return last


async def toward_goal(chat: Chat) -> None:
    """Continue the goal of the session, if it has an active one, until that has an end, needs the
    user, or the user has typed something."""
    session = chat.session
    goal = await session.goal() if session is not None else None
    if goal is None or goal.state != "active" or session.thread.status in ("approval", "waiting"):
        return
    from graph.pursuit import next_turn

    try:
        async with session.pursuing():
            last: Any = None
            while not chat.frontend.has_input() and (last is None or last.name == "turn_complete"):
                with chat.frontend.working(chat):
                    events = await next_turn(session)
                if events is None:
                    break
                last = await run_turn(chat, events)
                await session.after_goal_turn(last)
    except AgentError as error:
        chat.lines.complain(error.message, error.hint)
    if (view := await session.goal_view()) is not None:
        chat.lines.line(goal_line(view), "33")


async def _after(chat: Chat, last: Any, costs: bool) -> Any:
    """What its last event asks for; the events that follow, or None."""
    if last.name == "approval_required":
        return await _decided(chat, last.requests)
    if last.name == "waiting":
        return await _woken(chat, last)
    if last.name == "turn_complete":
        if last.reason:
            chat.lines.line(last.reason, "33")
        if missing := footnote(last.claims):
            chat.lines.line(missing, "2")
        if costs:
            chat.lines.line(closing(asdict(last), last.since), "2")
        if last.status == "limit":
            return await _more(chat, last.reason)
        if chat.frontend.left_over() and await chat.session.unfinished():
            return chat.session.resume()  # typed after the last step had begun
    elif last.name == "interrupted":
        chat.lines.line("interrupted", "33")
        _close(chat)
        for job in await tell_of_jobs(chat.session, lambda text: chat.lines.line(text, "33")):
            asked = f"cancel job {job.id}? y, or Enter: keep it running "
            answer = await chat.frontend.ask(Asked(asked, yes_or_no))
            if answer is not None and is_yes(answer):
                await jobs_command(chat.session, f"cancel {job.id}", chat.lines.line)
    elif last.name == "error":
        chat.lines.complain(last.message, in_chat(last.hint))
        _close(chat)
    return None


def _close(chat: Chat) -> None:
    """What a turn came to that did not end well; nothing if it never began."""
    figures = chat.session.summary()
    if figures.get("iterations"):
        chat.lines.line(closing(figures), "2")


def in_chat(hint: str) -> str:
    """A hint, in the words of the chat."""
    for said, here in HINTS:
        hint = hint.replace(said, here)
    return hint


async def _woken(chat: Chat, last: Any) -> Any:
    """Stay until the wait is over. What the user types meanwhile ends it."""
    wait = {"reasons": last.reasons, "since": last.since, "until": last.until}
    chat.lines.line(f"{wait_line(wait)}; a message ends the wait", "33")
    with chat.frontend.working(chat):
        is_over = await chat.session.until_woken()
    if is_over:
        return chat.session.resume()
    chat.lines.line("it still waits: /resume or ml-agent watch continues it", "33")
    return None


async def _decided(chat: Chat, requests: list[dict[str, Any]]) -> Any:
    """Ask for what no one has decided; another terminal may decide meanwhile."""
    decided = await chat.session.decided([r["id"] for r in requests])
    asked = [r for r in requests if r["id"] not in decided]
    try:
        given = await chat.frontend.decide(chat, asked)
    except DecidedElsewhere:
        chat.lines.line("\ndecided from another terminal", "33")
        return chat.session.resume()
    if given is None:
        return None
    for request, decision in zip(asked, given, strict=True):
        rule = decision.pop("folder_rule", None)
        if rule:
            await chat.session.grant(rule)
        decided[request["id"]] = decision
    return chat.session.resume([decided[r["id"]] for r in requests])


async def _more(chat: Chat, reason: str) -> Any:
    """At a limit: continue with the turn, or end it here."""
    of_money = "are spent" in reason
    asked = "how many more USD?" if of_money else "continue for as long again? y, or"
    accepts = amount if of_money else yes_or_no
    answer = await chat.frontend.ask(Asked(f"{asked} (Enter: stop here) ", accepts))
    if not answer:
        return None
    if of_money:
        more = dollars_of(answer)
        if not more:
            return None
        chat.session.raise_cap(more)
    elif is_yes(answer):
        chat.session.more_iterations()
    else:
        return None
    return chat.session.resume()
