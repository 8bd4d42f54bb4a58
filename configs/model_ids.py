"""What a model's id may look like, so that none is an address, a path upwards, or a query.

Providers' clients put ids into URLs, and some take one that looks like an address as the address:
an id would then choose who gets the conversation. So the form is closed: parts of letters, digits
and `._:+-`, joined by single slashes, without any escape.
"""

import re
from functools import lru_cache

#: `@` begins a part (cloudflare/@cf/...) or is before a version (claude@20250929). A region
#: behind it would be a host, so no dot and no colon may follow it there.
PART = r"@?[A-Za-z0-9](?:[A-Za-z0-9._:+-]*[A-Za-z0-9_+-])?(?:@[A-Za-z0-9-]+)?"
#: The name of a server's model may be a path on its machine: vllm//models/llama.
ID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:+@-]*(?://?{PART}(?:/{PART})*)?")
#: The one place where a colon may stand next to a name of a region: an AWS resource.
ARN = re.compile(
    r"arn:aws[a-z-]*:(?:bedrock|bedrock-agentcore|sagemaker):[a-z0-9-]*:[0-9]*:"
    r"[A-Za-z0-9-]+(?:[/:][A-Za-z0-9][A-Za-z0-9._:-]*)*"
)
#: Schemes without the slashes are read as addresses by some: `https:host`, a part `http`.
SCHEME = re.compile(
    r"(?:^|[^a-z0-9])(?:(?:https?|wss?|ftp|file|unix):|https?(?:/|$))", re.IGNORECASE
)
LONGEST = 300
#: The model is a recording: what follows is a path, judged where it is read.
RECORDINGS = "replay/"


@lru_cache(maxsize=64)
def problem_of(model: str) -> str:
    """Why `model` is not an id; "" if it may be one."""
    if model.startswith(RECORDINGS):
        return ""
    if len(model) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if "://" in model or SCHEME.search(model):
        return "it looks like an address"
    if not ID.fullmatch(model):
        return "an id has letters, digits and ._:@+- between single slashes"
    at = model.find("arn:")
    if at >= 0 and not ARN.fullmatch(model[at:]):
        return "it is not a resource of AWS"
    return ""
