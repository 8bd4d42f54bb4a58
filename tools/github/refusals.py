"""What a refusal of GitHub means, and what to do next, in words for the model and the user.

Limits and their headers: docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api.
"""

import json
import math
import time
from datetime import UTC, datetime

from core import http
from core.refusals import GITHUB, sentence

#: GitHub's advice where a limit names no time: a minute at least.
UNNAMED = 61.0
NO_TOKEN = "Set GITHUB_TOKEN (or GH_TOKEN; `gh auth token` prints one)"
#: What a limit is called, by the bucket that GitHub names in a header.
BUCKETS = {"search": "searches", "code_search": "code searches", "core": "requests"}
#: An answer that is not what GitHub's document says.
ODD = "GitHub's answer could not be understood; try again later"


def is_limit(reply: http.Reply) -> bool:
    if reply.status == 429:
        return True
    spent = reply.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in reply.headers
    return reply.status == 403 and (spent or "rate limit" in reply.text.lower())


def pause(reply: http.Reply) -> float | None:
    """Seconds until a limit is over; None where it was none."""
    if not is_limit(reply):
        return http.wanted_pause(reply.headers)
    wait = http.wanted_pause(reply.headers)
    if wait is not None:
        return wait
    reset = reply.headers.get("x-ratelimit-reset", "")
    if reply.headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(0.0, int(reset) - time.time()) + 1
    return UNNAMED


def refusal(reply: http.Reply, logged_in: bool) -> str:
    """One to three sentences: what GitHub said, and what to do."""
    said = _message(reply.text)
    if is_limit(reply):
        return _limit(reply, said, logged_in)
    hint = "its scopes or an organization's sign-on may forbid it" if logged_in else NO_TOKEN
    quoted, hidden = f' ("{said}")' if said else "", _hidden(logged_in)
    return sentence(GITHUB, reply.status, quoted=quoted, hidden=hidden, hint=hint)


def _limit(reply: http.Reply, said: str, logged_in: bool) -> str:
    wait = pause(reply) or 0.0
    moment = datetime.fromtimestamp(time.time() + wait, UTC)
    in_words = f"{math.ceil(wait / 60)} min" if wait > 120 else f"{math.ceil(wait)} s"
    when = f"{moment:%H:%M:%S} UTC, in {in_words}"
    if "secondary" in said.lower() or reply.headers.get("x-ratelimit-remaining", "0") != "0":
        return (
            f"GitHub's secondary limit is reached (too much at once); ask again at {when}. "
            "Ask for less at a time."
        )
    bucket = reply.headers.get("x-ratelimit-resource", "core")
    limit = reply.headers.get("x-ratelimit-limit", "")
    most = f" ({limit} {'a minute' if 'search' in bucket else 'an hour'})" if limit else ""
    more = "" if logged_in else f" {NO_TOKEN}: it raises the limit."
    other = " Meanwhile examples, tree and read work." if bucket == "code_search" else ""
    what = BUCKETS.get(bucket, f"{bucket} requests")
    return f"GitHub's limit of {what}{most} is used up; it resets at {when}.{more}{other}"


def _message(body: str) -> str:
    """`message` and the `errors` of an error's body."""
    try:
        found = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(found, dict):
        return ""
    errors = found.get("errors")
    every = [found.get("message"), *(errors if isinstance(errors, list) else ())]
    texts = [e.get("message") or e.get("code") if isinstance(e, dict) else e for e in every]
    return "; ".join(t for t in texts if isinstance(t, str) and t)[:500]


def _hidden(logged_in: bool) -> str:
    if logged_in:
        return "; this token cannot see it if it is private"
    return "; without a token it cannot be seen if it is private"
