"""The Hugging Face token: asked for hidden, checked with the Hub, kept in this process only."""

import os
from typing import TYPE_CHECKING

from cli.chat.state import Chat
from cli.shared.answers import Asked, is_yes, secret, yes_or_no
from configs.visible import inline

if TYPE_CHECKING:
    from configs.settings import Settings

QUESTION = "a Hugging Face token for this session (hidden; Enter skips): "
#: How tokens of users and of organisations begin. Nothing else is sent to the Hub: it may be the
#: key of someone else's service.
PREFIXES = ("hf_", "api_org_")
#: Seconds that the Hub has to say whose token it is.
PATIENCE = 10.0


class NotChecked(Exception):
    """The Hub could not be asked; the reason."""


async def ask_for_token(chat: Chat) -> bool:
    """Whether there is a token now. What was typed and cannot be one becomes a message."""
    again = False
    while True:
        answer = await chat.frontend.ask(Asked(QUESTION, secret, secret=True, again=again))
        token, again = (answer or "").strip(), True
        if not token:
            return False
        if not token.startswith(PREFIXES):
            chat.lines.complain("That is not a Hugging Face token: they begin with hf_.")
            continue
        try:
            name = await whose(token, chat.settings)
        except NotChecked as reason:
            chat.lines.complain(f"Could not check the token: {reason}.")
            answer = await chat.frontend.ask(Asked("Use it unchecked? [y/N] ", yes_or_no))
            if answer is None or not is_yes(answer):
                return False
            name = None
        if name == "":
            chat.lines.complain("The Hub does not accept this token (401).")
            continue
        os.environ["HF_TOKEN"] = token
        said = f"Signed in as {inline(name)}" if name else "Token set, unchecked"
        chat.lines.line(f"{said} (this session only). To save it: hf auth login", "2")
        return True


async def whose(token: str, settings: "Settings") -> str:
    """The user's name; "" where the Hub does not know the token. Raises NotChecked."""
    import httpx

    from core.hub.connection import hub_url, offline

    if offline():
        raise NotChecked("HF_HUB_OFFLINE is set")
    try:
        # No redirect is followed: the token goes to the Hub alone.
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            answer = await client.get(
                f"{hub_url(settings)}/api/whoami-v2", headers={"Authorization": f"Bearer {token}"}
            )
        if answer.status_code in (401, 403):
            return ""
        name = answer.json()["name"] if answer.status_code == 200 else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        raise NotChecked(f"no answer from {hub_url(settings)} ({type(error).__name__})") from None
    if not isinstance(name, str) or not name:
        raise NotChecked(f"{hub_url(settings)} answered {answer.status_code}")
    return name
