"""The chat itself: what is typed, and the questions between the turns.

The prompt is before LangGraph and the model client are imported: they load behind it.
"""

from cli.chat.first_run import greet, headline
from cli.chat.recall import recall
from cli.chat.shell import run_line
from cli.chat.slash_commands import find, is_command, run_command
from cli.chat.state import GO_ON, Chat, Frontend
from cli.chat.threads import close_thread, ensure_open, left_open, open_thread
from cli.chat.turns import handle_message, offer_unfinished, run_turn, toward_goal, wants
from cli.shared.answers import Asked, is_yes, yes_or_no
from cli.shared.bootstrap import Started, settings_for, using_keys, wanted_thread
from cli.shared.options import Options
from configs.folder import Brought, in_words
from configs.visible import inline


async def run_chat(options: Options, frontend: Frontend) -> int:
    """Chat until the user leaves; the exit code."""
    chat = Chat(options, frontend)
    # Keys of the folder's .env wait for the answer, as all that it brings.
    loaded = settings_for(options, new_keys=False)
    chat.settings = loaded.settings
    await frontend.open(chat)
    try:
        await _talk(chat, await _trusted(chat, loaded))
    finally:
        try:
            # Left open, the database's thread would keep the program from ending.
            await close_thread(chat)
        finally:
            await frontend.close()
    return 0


async def _trusted(chat: Chat, loaded: Started) -> Started:
    """Settings once the user has said whether what this folder brings counts; asked about what
    was not asked about before, or has changed."""
    brought = loaded.brought
    for problem in brought.problems:
        chat.lines.complain(f"ignored: {problem}")
    if brought.waiting:
        from cli.shared.trust_prompt import QUESTION, listed
        from configs.trust import remember

        chat.lines.line(
            "This folder contains the following. It is ignored until you trust it:", "33"
        )
        for text in listed(brought):
            chat.lines.line(text)
        answer = await chat.frontend.ask(Asked(QUESTION, yes_or_no))
        if answer is not None:
            remember(brought.folder, (*brought.waiting, *brought.refused), trusted=is_yes(answer))
            loaded = settings_for(chat.options, new_keys=False)
            chat.settings = loaded.settings
    return loaded


async def _talk(chat: Chat, loaded: Started) -> None:
    keys = using_keys(loaded.brought)
    if chat.options.go_on or chat.options.resume:
        if keys:
            chat.lines.line(keys.removeprefix(" · "))
        await open_thread(chat, await wanted_thread(chat.options, chat.settings))
        await recall(chat)
        await offer_unfinished(chat)
    else:
        chat.lines.line(headline(chat, keys))
        _say_what_is_ignored(chat, loaded.brought)
        await _offer_newest(chat)
        if chat.session is None:
            await greet(chat)
    await toward_goal(chat)
    while not chat.leaving:
        try:
            text = await chat.frontend.read()
        except EOFError:
            break
        if text == GO_ON:
            if chat.session is not None and await chat.session.unfinished():
                await run_turn(chat, chat.session.resume())
        elif text.strip():
            await _handle(chat, text)
        await toward_goal(chat)


def _say_what_is_ignored(chat: Chat, brought: Brought) -> None:
    if brought.ignored:
        said = f"ignored, not trusted: {in_words(brought.ignored)} (ml-agent trust)"
        chat.lines.line(said, "2")


async def _handle(chat: Chat, text: str) -> None:
    """One input, while no turn runs."""
    if text.strip().startswith("!"):
        await run_line(chat, text.strip()[1:].strip())
    elif is_command(text):
        command, word = await find(chat, text)
        if command is not None:
            await run_command(chat, command, word)
    else:
        await handle_message(chat, text)


async def _offer_newest(chat: Chat) -> None:
    """This folder's newest thread, if it is not at an end."""
    found = await left_open(chat.settings, chat.folder)
    if found is None:
        return
    row, words = found
    said = f'the last session "{inline(row.title)}" {words}'
    if chat.frontend.has_input():
        chat.lines.line(f"{said}; /resume continues it", "33")
        return  # the user has begun with something else
    if await wants(chat, f"{said}; resume it? [Y/n] ") and await ensure_open(chat, row.id):
        await recall(chat)
        await offer_unfinished(chat, asked=True)
