"""The chat itself: a session, what is typed, turns, and the questions between them.

The prompt stands before LangGraph and the model client are imported: they load behind it.
"""

import asyncio
import importlib
import threading
from dataclasses import replace
from typing import Any

from cli.chat.frontend import GO_ON, Face
from cli.chat.turns import run_turn
from cli.shared.answers import is_yes, yes_or_no
from cli.shared.bootstrap import settings_for, using_keys, wanted_thread
from cli.shared.options import Options
from cli.shared.unfinished_thread import left_open
from configs.folder import in_words
from configs.visible import inline, visible


class Chat:
    """One chat; `session` is None between threads."""

    def __init__(self, options: Options, face: Face) -> None:
        self.options = options
        self.face = face
        self.lines = face.lines
        self.folder = options.folder
        self.session: Any = None
        self.settings: Any = None
        self.leaving = False
        #: What the person ran with `!`: told to the model with the next message.
        self.ran: list[str] = []
        #: Whether the person was asked for a Hugging Face token for a tool: once is enough.
        self.token_asked = False
        #: Mode and effort that were chosen before there was a thread.
        self.chosen: dict[str, Any] = {}

    async def run(self) -> int:
        # Keys of the folder's .env wait for the answer, as all that it brings.
        loaded = settings_for(self.options, unasked_keys=False)
        self.settings = loaded.settings
        await self.face.open(self)
        try:
            await self._talk(await self._trusted(loaded))
        finally:
            try:
                # Left open, the database's thread would keep the program from ending.
                await self.close()
            finally:
                await self.face.close()
        return 0

    def load_behind(self) -> None:
        """Import the heavy libraries in a thread."""
        model = self.options.model or self.settings.model_name
        threading.Thread(target=_load, args=(model, self.settings), daemon=True).start()

    async def _trusted(self, loaded: Any) -> Any:
        """Settings once the user has said whether what this folder brings counts; asked about what
        was not asked about before, or has changed."""
        brought = loaded.brought
        for problem in brought.problems:
            self.lines.complain(f"left out: {problem}")
        if brought.waiting:
            from cli.shared.trust_prompt import QUESTION, listed
            from configs.trust import remember

            self.lines.line("this folder brings, and none of it counts yet:", "33")
            for text in listed(brought):
                self.lines.line(text)
            answer = await self.face.ask(QUESTION, accepts=yes_or_no)
            if answer is not None:
                remember(
                    brought.folder, (*brought.waiting, *brought.refused), trusted=is_yes(answer)
                )
                loaded = settings_for(self.options, unasked_keys=False)
                self.settings = loaded.settings
        return loaded

    async def _talk(self, loaded: Any) -> None:
        keys = using_keys(loaded.brought)
        if self.options.go_on or self.options.resume:
            if keys:
                self.lines.line(keys.removeprefix(" · "))
            await self.open(await wanted_thread(self.options, self.settings))
            await self.offer()
        else:
            self.lines.line(f"ml-agent in {visible(self.folder)} · /help{keys}")
            self._say_what_is_ignored(loaded.brought)
            await self._offer_newest()
            if self.session is None:
                from cli.chat.first_run import greet

                await greet(self)
        while not self.leaving:
            try:
                text = await self.face.read()
            except EOFError:
                break
            if text == GO_ON:
                if self.session is not None and await self.session.unfinished():
                    await self.turn(self.session.resume())
            elif text.strip():
                await self.handle(text)

    def _say_what_is_ignored(self, brought: Any) -> None:
        if brought.ignored:
            said = f"ignored, not trusted: {in_words(brought.ignored)} (ml-agent trust)"
            self.lines.line(said, "2")

    async def handle(self, text: str) -> None:
        """One input, while no turn runs."""
        from cli.chat.commands.registry import find, nearest
        from cli.chat.shell import run_line

        if text.strip().startswith("!"):
            await run_line(self, text.strip()[1:].strip())
        elif is_command(text):
            command, word = find(self, text)
            if command is None:
                near = nearest(self, text.split()[0][1:])
                hint = f"did you mean {near}?" if near else "/help lists what there is"
                self.lines.line(f"there is no {text.split()[0]}; {hint}")
            else:
                await self.guarded(command.run(self, word))
        else:
            await self.handle_message(text)

    async def handle_message(self, text: str) -> None:
        """A turn with `text`, and with what the person ran meanwhile."""
        from cli.chat.mentions import with_mentions

        if not await self.open_kindly():
            self.face.put_back(text)
            return
        told, self.ran = self.ran, []
        message = await with_mentions(self, text)
        await self.turn(self.session.send("\n\n".join([*told, message])))

    async def tell(self, text: str) -> None:
        """Words for the model that ask for no answer: they go with the next message."""
        self.ran.append(text)

    async def guarded(self, work: Any) -> None:
        """Run a command; what the person did wrong is one line."""
        from core.errors import AgentError

        try:
            await work
        except AgentError as error:
            self.lines.complain(error.message, error.hint)

    async def turn(self, events: Any, *, costs: bool = True) -> None:
        """Show a turn; answer its approvals until it ends."""
        await run_turn(self, events, costs)
        await self.face.settled(self)

    # --- threads ------------------------------------------------------------------------------

    async def open_kindly(self, thread: str | None = None) -> bool:
        """A session, the one there is or a new one; False where none can be had, and why is
        said."""
        from cli.chat.first_run import ask_token
        from core.errors import AgentError, NotAuthenticated

        for _ in range(2):
            try:
                if self.session is None:
                    await self.open(thread)
                return True
            except NotAuthenticated as error:
                if not await ask_token(self, error):
                    return False
            except AgentError as error:
                self.lines.complain(error.message, error.hint)
                return False
        return False

    async def open(self, thread: str | None) -> None:
        """Raises AgentError."""
        session_module = await asyncio.to_thread(importlib.import_module, "graph.session")
        options = self.options if thread else replace(self.options, **self.chosen)
        chosen = options.for_run(
            notice=lambda message: self.lines.complain(message), ask=self.face.answer
        )
        session = session_module.Session.open(
            self.settings, cwd=self.folder, thread=thread, options=chosen
        )
        await session.__aenter__()
        self.session = session
        mode = None if thread else self.chosen.get("mode")
        if mode and session.thread.mode != mode:
            # Typed in this chat: the user's own word, over what the folder asks for.
            await session.permit(mode)
        self.status()
        await self.face.settled(self)

    def status(self) -> None:
        """The thread, in a line."""
        if self.session is None:
            self.lines.line("no thread yet")
            return
        thread = self.session.thread
        from tools.workspace.command_sandbox import in_words

        place = f"sandbox {thread.sandbox}" if thread.sandbox else in_words(self.settings)
        self.lines.line(f"thread {thread.id} · {thread.model} · mode {thread.mode} · {place}", "2")

    async def close(self) -> None:
        """Leave the thread."""
        if self.session is not None:
            session, self.session = self.session, None
            await session.close()
            if session.thread.title:
                self.lines.line(f"go on later with: ml-agent -r {session.thread.id}", "2")
            await self.face.settled(self)

    def proposed(self, request: dict[str, Any]) -> str:
        """The rule that lets this call run from now on without asking; "" if no rule can."""
        from core.policy.propose import proposed
        from core.policy.rules import rules_of
        from tools.mcp.tool import reads_rule

        reads = reads_rule(request)
        if reads:
            return reads
        allow, deny = self.options.allow, self.options.deny
        return proposed(
            request["tool"],
            request["arguments"],
            rules_of(self.settings.permissions, allow=allow, deny=deny),
            effect=self.session.effect_of(request["tool"], request["arguments"]),
            cwd=self.session.thread.cwd,
            state=str(self.settings.state_path()),
        )

    # --- what was left open -------------------------------------------------------------------

    async def _offer_newest(self) -> None:
        """This folder's newest thread, where it is not at an end. Only the list of threads is read
        before the question: the prompt waits for no library."""
        found = await left_open(self.settings, self.folder)
        if found is None:
            return
        row, words = found
        if self.face.has_input():
            said = f"the last thread here {words} ({inline(row.title)}); /resume goes on with it"
            self.lines.line(said, "33")
            return  # the user has begun with something else
        question = f"the last thread here {words} ({inline(row.title)}): go on with it? [Y/n] "
        if not await self._wants(question):
            return
        if await self.open_kindly(row.id):
            await self.offer(asked=True)

    async def _wants(self, question: str) -> bool:
        """Whether the user says yes; Enter is one."""
        answer = await self.face.ask(question, accepts=yes_or_no)
        return answer is not None and is_yes(answer, default=True)

    async def offer(self, *, asked: bool = False) -> None:
        """A turn that was cut off, or approvals that wait, come first. `asked`: the person wants to
        go on."""
        if self.session.moved:
            self.lines.line(self.session.moved, "33")
        wanted = asked or bool(await self.session.pending())
        if not await self.session.unfinished():
            return
        if wanted or await self._wants("the last turn was cut off; go on? [Y/n] "):
            await self.turn(self.session.resume())


def is_command(text: str) -> bool:
    """Whether `text` is `/word ...`: a path has another slash."""
    word = text.split(maxsplit=1)[0] if text.strip() else ""
    return word.startswith("/") and "/" not in word[1:]


def _load(model: str, settings: Any) -> None:
    importlib.import_module("graph.session")
    importlib.import_module("core.models.loading").load_for(model, settings)
