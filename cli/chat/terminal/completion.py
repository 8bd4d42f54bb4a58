"""Completion: slash commands, their values, and files and resources after @."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Any

from prompt_toolkit.completion import Completer, Completion

from cli.chat.mcp_prompts import known_resources
from cli.chat.mentions import offered
from cli.chat.slash_commands import values_of, with_prompts
from cli.chat.state import Chat

BEGUN = re.compile(r"(?<![\w@.])@([^\s\"@]*)$")
#: Values that are offered at once.
MOST = 100


class ChatCompleter(Completer):
    """What may follow, for the input of a chat. Nothing while a question stands."""

    def __init__(self, chat: Chat, is_asked: Callable[[], bool]) -> None:
        self._chat = chat
        self._is_asked = is_asked
        self._values: dict[str, list[tuple[str, str]]] = {}

    def forget(self) -> None:
        """What was looked up may have changed."""
        self._values.clear()

    def get_completions(self, document: Any, event: Any) -> Iterable[Completion]:
        return ()

    async def get_completions_async(
        self, document: Any, event: Any
    ) -> AsyncGenerator[Completion, None]:
        text = document.text_before_cursor
        if self._is_asked():
            return
        if text.startswith("/") and "\n" not in text:
            for completion in await self._of_command(text):
                yield completion
            return
        begun = BEGUN.search(text)
        if begun is not None:
            found = await asyncio.to_thread(offered, self._chat.folder, begun[1])
            for path in found:
                quoted = f'"{path}"' if " " in path else path
                yield Completion(quoted, -len(begun[1]), display=path)
            for name, meta in await known_resources(self._chat, begun[1]):
                quoted = f'"{name}"' if " " in name else name
                yield Completion(quoted, -len(begun[1]), display=name, display_meta=meta)

    async def _of_command(self, text: str) -> list[Completion]:
        known = await with_prompts(self._chat)
        name, blank, word = text[1:].partition(" ")
        if not blank:
            return [
                Completion(
                    command.name, -len(name), display=f"/{command.name}", display_meta=command.help
                )
                for command in known.values()
                if command.name.startswith(name)
            ]
        command = known.get(name)
        if command is None or not command.values or " " in word:
            return []
        if name not in self._values:
            try:
                self._values[name] = list(await values_of(self._chat, command))
            except Exception:  # whatever a look-up meets, typing continues without it
                return []
        words = word.lower()
        found = [pair for pair in self._values[name] if words in f"{pair[0]} {pair[1]}".lower()]
        found.sort(key=lambda pair: not pair[0].lower().startswith(words))
        return [
            Completion(value, -len(word), display_meta=meta)
            for value, meta in found[:MOST]
            if value != word
        ]
