"""The next step of an error, in words for the page: it has buttons in place of options, and a
user who signed in through a browser has no terminal."""

import re

from core.credentials import is_shared

#: What only a terminal takes: commands, options, variables, settings, keys.
TERMINAL = re.compile(
    r"\bml-agent\b|\bhf auth\b|(?<![\w-])--?[a-z]|\b[A-Z0-9]+_[A-Z0-9_]+\b|context_window|Ctrl-C"
)
CONTINUE = "The session is intact: continue it in some minutes."
#: By an error's kind, on every page.
HINTS = {
    "unknown_model": "Choose a model in the list below the message.",
    "request_refused": "Its words are above. You can change the message, or choose another model.",
    "context_too_long": "Compact the session (in its menu), or choose a model with more context.",
    "payment_required": "Add credits at the provider, or choose another model.",
    "stuck_in_loop": "Say what to do differently in a new message, or choose another model.",
    "model_unavailable": CONTINUE,
    "usage_error": "",
}
#: In a Space, where the provider is Hugging Face and the server is not the user's.
SPACE = {
    "not_authenticated": "Sign in again. The session is intact.",
    "payment_required": "Add credits at https://huggingface.co/settings/billing, or choose another "
    "model.",
    "store_error": CONTINUE,
    "no_such_thread": "Choose a session in the list.",
}


def hint_for(kind: str, hint: str) -> str:
    """`hint` of an error of this kind, or what the page offers in its place."""
    is_space = is_shared()
    if is_space and kind in ("not_authenticated", "payment_required"):
        return SPACE[kind]
    if not TERMINAL.search(hint):
        return hint
    return {**HINTS, **SPACE}.get(kind, "") if is_space else HINTS.get(kind, hint)
