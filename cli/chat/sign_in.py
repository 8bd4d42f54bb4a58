"""A provider's key: asked for hidden, checked with the provider, kept on request."""

import os

from cli.chat.providers import HUB, NotChecked, Provider, account_of, keep, place_of
from cli.chat.state import Chat
from cli.shared.answers import Asked, is_yes, secret, yes_or_no
from configs.visible import inline


async def ask_for_token(chat: Chat) -> bool:
    """Whether there is a Hugging Face token now."""
    return await ask_for_key(chat, HUB)


async def ask_for_key(chat: Chat, provider: Provider) -> bool:
    """Whether there is a key now. What was typed and cannot be one becomes a message."""
    article = "an" if provider.name[0] in "AO" else "a"
    what = f"{provider.name} {provider.key}"
    question = f"{article.capitalize()} {what} for this session (hidden; Enter skips): "
    again = False
    while True:
        answer = await chat.frontend.ask(Asked(question, secret, secret=True, again=again))
        key, again = (answer or "").strip(), True
        if not key:
            return False
        if not provider.may_be(key):
            begin = provider.prefixes[0]
            chat.lines.complain(f"That is not {article} {what}: they begin with {begin}.")
            continue
        try:
            name = await account_of(provider, key, chat.settings)
        except NotChecked as reason:
            chat.lines.complain(f"Could not check the {provider.key}: {reason}.")
            answer = await chat.frontend.ask(Asked("Use it unchecked? [y/N] ", yes_or_no))
            if answer is None or not is_yes(answer):
                return False
            name = None
        if name == "":
            where = "The Hub" if provider is HUB else provider.name
            chat.lines.complain(f"{where} does not accept this {provider.key} (401).")
            continue
        os.environ[provider.variable] = key
        chat.lines.line(_said(provider, name), "2")
        await _offer_to_keep(chat, provider, key)
        return True


def _said(provider: Provider, name: str | None) -> str:
    if name is None:
        return f"{provider.key[0].upper()}{provider.key[1:]} set, unchecked"
    return f"Signed in as {inline(name)}" if provider is HUB else f"{provider.name}: key accepted"


async def _offer_to_keep(chat: Chat, provider: Provider, key: str) -> None:
    asked = f"Keep it in {place_of(provider)}? [y/N] "
    answer = await chat.frontend.ask(Asked(asked, yes_or_no))
    if answer is None or not is_yes(answer):
        chat.lines.line("kept for this session only", "2")
        return
    try:
        keep(provider, key)
    except OSError as error:
        chat.lines.complain(f"Cannot keep it in {place_of(provider)}: {error.strerror}.")
    else:
        chat.lines.line(f"kept in {place_of(provider)}", "2")
