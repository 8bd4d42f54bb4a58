"""The chat, plain: a line in, a streaming answer, tool lines, the approval question.

The prompt stands before LangGraph and litellm are imported: they load in threads behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from cli.answering import answer_server
from cli.asking import DecidedElsewhere, ask_decisions
from cli.going_back import tell
from cli.offering import left_open
from cli.render import Lines, closing, money, to_stdout
from cli.starting import complain, folder_of, guarded, settings_for
from cli.watching import Watch
from configs.trust import remember

T = TypeVar("T")
YES = ("", "y", "yes")

HELP = """\
/new      start a new thread          /compact  summarise the conversation now
/undo     take the last turn back     /rewind   go back to an earlier turn
/redo     do it again                 /fork     go on in a copy of this thread
/model    which model answers         /effort   how much it thinks
/context  what the next request holds /tools    what the model can call
/status   thread, model, mode         /cost     what was spent
/mcp      how the MCP servers stand
/quit     leave (Ctrl-D does, too)
A line that ends with \\ goes on in the next. Ctrl-C stops what runs.
"""


def chat(options: dict[str, Any]) -> int:
    """Chat until the person leaves; the exit code."""
    return guarded(lambda: asyncio.run(_Chat(options).run()), options)


class _Chat:
    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._lines = Lines(sys.stdout, to_stdout)
        self._session: Any = None
        self._settings: Any = None

    async def run(self) -> int:
        threading.Thread(target=_load_behind, daemon=True).start()
        with contextlib.suppress(ImportError):
            importlib.import_module("readline")  # history and editing for input()
        self._settings = self._trusted(settings_for(self._options))
        try:
            await self._talk()
        finally:
            # Left open, the database's thread would keep the program from ending.
            await self._close()
        return 0

    def _trusted(self, loaded: Any) -> Any:
        """The settings, after the question whether this folder's MCP servers are trusted."""
        untrusted = loaded.untrusted
        if untrusted is None or untrusted.refused:
            return loaded.settings
        from cli.mcp import asked_to_trust

        question = asked_to_trust(untrusted, self._lines)
        answer = _at_terminal(lambda: input(question)).strip().lower()
        remember(untrusted.folder, untrusted.servers, trusted=answer in ("y", "yes"))
        return settings_for(self._options).settings

    async def _talk(self) -> None:
        if self._options.get("go_on") or self._options.get("resume"):
            await self._open(await self._wanted())
            await self._offer()
        else:
            self._lines.line(f"ml-agent in {folder_of(self._options)} · /help")
            await self._offer_newest()
        warned = False
        while True:
            try:
                text = _at_terminal(_read)
                warned = False
            except EOFError:
                break
            except KeyboardInterrupt:
                if warned:
                    break
                warned = True
                self._lines.line("press Ctrl-C again, or Ctrl-D, to leave", "2")
                continue
            if text.strip() and not await self._handle(text):
                break

    async def _handle(self, text: str) -> bool:
        """One input; False to leave."""
        word = text.strip()
        if word in ("/quit", "/exit"):
            return False
        if word == "/help":
            self._lines.line(HELP.rstrip())
        elif word == "/new":
            await self._close()
            self._lines.line("a new thread begins with your next message", "2")
        elif word == "/status":
            self._status()
        elif word == "/compact":
            if self._session is None:
                self._lines.line("there is nothing to compact yet")
            else:
                await self._turn(self._session.compact(), costs=False)
        elif word == "/cost":
            await self._cost()
        elif word.split()[0] in ("/model", "/effort", "/context", "/tools"):
            await self._choose(*(word.split(maxsplit=1)))
        elif word == "/mcp":
            await self._servers()
        elif word in ("/undo", "/redo", "/rewind", "/fork"):
            await self._go_back(word)
        elif word.startswith("/"):
            self._lines.line(f"there is no {word.split()[0]}; /help lists what there is")
        elif await self._open_kindly():
            await self._turn(self._session.send(text))
        return True

    async def _choose(self, command: str, word: str = "") -> None:
        from cli import choosing

        if not await self._open_kindly():
            return
        if command == "/model":
            await choosing.choose_model(self._session, word, self._lines)
        elif command == "/effort":
            choosing.choose_effort(self._session, word, self._lines)
        else:
            use = await self._session.context_use()
            texts = choosing.use_of_context(use)
            if command == "/tools":
                texts = (f"{name:<12} {tokens:>6,} tokens" for name, tokens in use.tools.items())
            for text in texts:
                self._lines.line(text)

    async def _servers(self) -> None:
        if await self._open_kindly():
            states = await self._session.mcp_states()
            for name, state in states.items():
                self._lines.line(f"{name:<20} {state}")
            if not states:
                self._lines.line("no MCP servers are configured; ml-agent mcp add")

    async def _go_back(self, word: str) -> None:
        from graph.errors import AgentError

        if self._session is None:
            self._lines.line("there is no thread yet")
            return
        line = self._session.time_line()
        try:
            if word == "/fork":
                await self._fork(line)
            elif word == "/redo":
                tell(await line.redo(), self._lines, redo=True)
            else:
                await self._undo(line, 1 if word == "/undo" else await self._picked(line))
        except AgentError as error:
            complain(error.message, error.hint)

    async def _undo(self, line: Any, turns: int) -> None:
        if not turns:
            return
        tell(await line.undo(turns, dry_run=True), self._lines, dry_run=True)
        if _confirmed("Enter takes it back, anything else does not: "):
            tell(await line.undo(turns), self._lines)

    async def _picked(self, line: Any) -> int:
        """How many turns to take back, by the one that the person picks."""
        turns = await line.turns()
        for turn in reversed(turns):
            self._lines.line(f"{turn.number:3}  {turn.text[:70]}")
        answer = _at_terminal(lambda: input("take back from turn (Enter: none): ")).strip()
        numbers = [turn.number for turn in turns]
        if not answer.isdigit() or int(answer) not in numbers:
            return 0
        return numbers.index(int(answer)) + 1

    async def _fork(self, line: Any) -> None:
        made = await line.fork()
        await self._close()
        await self._open(made.id)

    async def _open_kindly(self, thread: str | None = None) -> bool:
        from graph.errors import AgentError

        try:
            if self._session is None:
                await self._open(thread)
        except AgentError as error:
            complain(error.message, error.hint)
            return False
        return True

    async def _open(self, thread: str | None) -> None:
        session_module = await asyncio.to_thread(importlib.import_module, "graph.session")
        options = self._options
        chosen = session_module.RunOptions(
            model=options.get("model"),
            fallback_model=options.get("fallback_model"),
            mode=options.get("mode"),
            max_iterations=options.get("max_iterations"),
            max_cost=options.get("max_cost"),
            max_time=options.get("max_time"),
            allow=options.get("allow") or (),
            deny=options.get("deny") or (),
            stream=not options.get("no_stream"),
            notice=complain,
            ask=self._asked_by_server,
        )
        session = session_module.Session.open(
            self._settings, cwd=folder_of(options), thread=thread, options=chosen
        )
        await session.__aenter__()
        self._session = session
        self._status()

    async def _asked_by_server(self, question: Any) -> dict[str, Any] | None:
        """What an MCP server asks in the middle of a call."""
        return _at_terminal(lambda: answer_server(question, self._lines))

    async def _wanted(self) -> str | None:
        from cli.headless import wanted_thread

        return await wanted_thread(self._options, self._settings)

    async def _offer_newest(self) -> None:
        """This folder's newest thread, where it is not at an end. Only the list of threads is read
        before the question: the prompt waits for no library."""
        found = await left_open(self._settings, folder_of(self._options))
        if found is None:
            return
        row, words = found
        if not _agreed(f"the last thread here {words} ({row.title}): go on with it? [Y/n] "):
            return
        if await self._open_kindly(row.id):
            await self._offer(asked=True)

    async def _offer(self, *, asked: bool = False) -> None:
        """A turn that was cut off, or approvals that wait, come first. `asked`: the person wants to
        go on."""
        if self._session.moved:
            self._lines.line(self._session.moved, "33")
        if await self._session.pending():
            await self._turn(self._session.resume())
        elif await self._session.unfinished():
            if not asked:
                answer = _at_terminal(lambda: input("the last turn was cut off; go on? [Y/n] "))
                asked = answer.strip().lower() in YES
            if asked:
                await self._turn(self._session.resume())

    async def _turn(self, events: Any, *, costs: bool = True) -> None:
        """Show a turn; answer its approvals until it ends."""
        while events is not None:
            events = await self._one_run(events, costs)

    async def _one_run(self, events: Any, costs: bool) -> Any:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._session.interrupt)
        last: Any = None
        try:
            async for event in events:
                last = event
                self._lines.show(event)
        finally:
            loop.remove_signal_handler(signal.SIGINT)
        if last.name == "approval_required":
            return await self._decide(last.requests)
        if last.name == "turn_complete":
            if last.reason:
                self._lines.line(last.reason, "33")
            if costs:
                self._lines.line(closing(last), "2")
            if last.status == "limit":
                return self._more(last.reason)
        elif last.name == "interrupted":
            self._lines.line("interrupted", "33")
        elif last.name == "error":
            complain(last.message, last.hint)
        return None

    async def _decide(self, requests: list[dict[str, Any]]) -> Any:
        """Ask for what nobody has decided; another terminal may decide meanwhile."""
        decided = await self._session.decided([r["id"] for r in requests])
        asked = [r for r in requests if r["id"] not in decided]
        watching = Watch(self._settings, self._session.thread.id, [r["id"] for r in asked])
        try:
            with watching:
                given = _at_terminal(lambda: ask_decisions(asked, self._lines, self._proposed))
        except DecidedElsewhere:
            self._lines.line("\ndecided from another terminal", "33")
            return self._session.resume()
        if given is None:
            return None
        for request, decision in zip(asked, given, strict=True):
            rule = decision.pop("folder_rule", None)
            if rule:
                await self._session.grant(rule)
            decided[request["id"]] = decision
        return self._session.resume([decided[r["id"]] for r in requests])

    def _proposed(self, request: dict[str, Any]) -> str:
        from graph.policy.propose import proposed
        from graph.policy.rules import rules_of

        return proposed(request["tool"], request["arguments"], rules_of(self._settings.permissions))

    def _more(self, reason: str) -> Any:
        """At a limit: go on with the turn, or end it here."""
        of_money = "are spent" in reason
        asked = "how many USD more?" if of_money else "go on for as long again? y, or"
        try:
            answer = _at_terminal(lambda: input(f"{asked} (Enter: stop here) ")).strip()
            more = float(answer.removeprefix("$")) if of_money and answer else 0.0
        except (EOFError, KeyboardInterrupt, ValueError):
            return None
        if of_money and more > 0:
            self._session.raise_cap(more)
        elif answer.lower() in ("y", "yes") and not of_money:
            self._session.more_iterations()
        else:
            return None
        return self._session.resume()

    async def _cost(self) -> None:
        if self._session is None:
            self._lines.line("nothing was spent yet")
            return
        words = {"turn": "this turn", "thread": "this thread", "day": "today, all threads"}
        for name, spent in (await self._session.cost()).items():
            if name in words:
                unknown = ", and more at an unknown price" if spent.unknown else ""
                self._lines.line(f"{words[name]:<20} {money(spent.amount)}{unknown}")

    def _status(self) -> None:
        if self._session is None:
            self._lines.line("no thread yet")
            return
        thread = self._session.thread
        self._lines.line(f"thread {thread.id} · {thread.model} · mode {thread.mode}", "2")

    async def _close(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()
            if session.thread.title:
                self._lines.line(f"go on later with: ml-agent -r {session.thread.id}", "2")


def _agreed(question: str) -> bool:
    """Whether the person agrees, as Enter does. Ctrl-C and Ctrl-D do not."""
    try:
        return _at_terminal(lambda: input(question)).strip().lower() in YES
    except (EOFError, KeyboardInterrupt):
        to_stdout("\n")
        return False


def _confirmed(question: str) -> bool:
    try:
        return _at_terminal(lambda: input(question)).strip() == ""
    except (EOFError, KeyboardInterrupt):
        return False


def _at_terminal(ask: Callable[[], T]) -> T:
    """Ask in this thread, with Ctrl-C as Python has it. In another thread a person could not
    get out of a question; and while one stands, nothing runs that the event loop would serve."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return ask()
    finally:
        signal.signal(signal.SIGINT, before)


def _load_behind() -> None:
    importlib.import_module("graph.session")
    importlib.import_module("graph.models.loading").load()


def _read() -> str:
    lines = [input("> ")]
    while lines[-1].endswith("\\"):
        lines[-1] = lines[-1][:-1]
        lines.append(input(". "))
    return "\n".join(lines)
