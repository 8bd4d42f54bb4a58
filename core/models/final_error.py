"""The error of ours for a request that is given up, with the next step."""

import re
from typing import Any

from core.model_errors import (
    ContextTooLong,
    ModelError,
    ModelUnavailable,
    NotAuthenticated,
    PaymentRequired,
    RequestRefused,
    UnknownModel,
)
from core.models.advice import how_to_use
from core.models.errors import ADDRESS, Failure
from core.models.routes import Route

#: A 403 that no other credential would change.
_OF_PLACE = re.compile(r"country|region|territory|location", re.IGNORECASE)


def raised(failure: Failure, route: Route, attempts: int, *, instead: str = "") -> ModelError:
    """The error of ours for a request that is given up. `instead`: the model to use if this one is
    not there."""
    status, said = failure.status, failure.said
    who = route.describe()
    facts: dict[str, Any] = {
        "status": status, "attempts": attempts, "retry_after": failure.retry_after
    }  # fmt: skip
    if failure.is_too_long:
        return ContextTooLong(f"the request is longer than the window of {who}: {said}", **facts)
    if failure.is_spent:
        return PaymentRequired(f"{who} requires payment: {said}", **facts)
    if failure.is_no_model:
        hint = how_to_use(instead) if instead else ""
        if route.provider.startswith("ollama") or "try pulling" in said:
            pull = f"pull it first: ollama pull {route.model_name}"
            hint = f"{pull}; or {hint}" if hint else pull
        return UnknownModel(f"{who} does not know this model: {said}", hint, **facts)
    if status in (401, 403) and not _OF_PLACE.search(said):
        return NotAuthenticated(
            f"{who} rejected the API key ({status}): {said}", route.credential_hint(), **facts
        )
    if status in (404, 405) and not failure.hint:
        where = route.base_url or "its address"
        return UnknownModel(f"{who}: nothing answers at {where}: {said}", ADDRESS, **facts)
    if failure.kind == "final" and status is None and failure.hint:
        return RequestRefused(f"{who}: no answer: {said}", failure.hint, **facts)
    if failure.kind == "final" and status is None:
        hint = "this is a defect: please report it"
        return ModelError(f"the request to {who} failed: {said}", hint, **facts)
    if failure.kind == "final":
        return RequestRefused(f"{who} refused the request: {said}", failure.hint, **facts)
    return _unavailable(failure, route, facts)


def _unavailable(failure: Failure, route: Route, facts: dict[str, Any]) -> ModelUnavailable:
    attempts = facts["attempts"]
    tried = f"{attempts} attempts" if attempts > 1 else "1 attempt"
    words = f"{route.describe()}: no answer after {tried}: {failure.said}"
    if failure.retry_after:
        words += f" (it asks to wait {failure.retry_after:.0f} s)"
    hint = ""
    if failure.kind == "refused":
        where = route.base_url or "its address"
        hint = f"start the server at {where}, or choose another model with -m"
    return ModelUnavailable(words, hint, **facts)
