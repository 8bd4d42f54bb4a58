"""Whether a refusal means that the server does not have the model, or has it no more.

Each provider words it differently: OpenAI, Groq and vLLM with 404 and a code, Anthropic with 404
and the model's name, the Hugging Face router, Mistral, DeepSeek and OpenRouter with 400.
"""

import re
from typing import Any

from core.models.wire.bodies import codes, sentences

_CODES = {
    "model_not_found", "model_not_supported", "model_not_available", "model_decommissioned",
    "model_deprecated", "invalid_model", "invalid_model_id", "unknown_model", "1500",
}  # fmt: skip
_WORDS = re.compile(
    r"""
      \bmodels?\b(?:[^.]|\.(?=\S)){0,120}?(?:not\ exist|n't\ exist|not\ found|not\ available
      |has\ been\ (?:retired|removed|deprecated|decommissioned|shut\ down)|not\ a\ valid
      |no\ longer\ (?:available|supported)|is\ not\ supported(?:\ by\ any\ provider|\.|$))
    | (?:invalid|unknown|no\ such|unsupported)\ model\b
    | unable\ to\ access\ model | no\ endpoints\ found\ for | is\ not\ a\ valid\ model
    """,
    re.VERBOSE | re.IGNORECASE,
)
#: Anthropic's whole sentence.
_ONLY_NAMED = re.compile(r"\bmodel: \S")
#: The model is there; it lacks something, or something else is missing.
_OTHERWISE = re.compile(r"\btools?\b|tool_|\bimages?\b|\bvision\b", re.IGNORECASE)


def is_no_model(status: int | None, body: Any) -> bool:
    """Whether the model is not there, by status, code and words. A text that is not JSON speaks of
    the address."""
    if status not in (400, 403, 404, 410, 422) or isinstance(body, str):
        return False
    if codes(body) & _CODES:
        return True
    words = sentences(body)
    if status == 403 or _OTHERWISE.search(words):
        return False
    return bool(_WORDS.search(words) or (status == 404 and _ONLY_NAMED.search(words)))
