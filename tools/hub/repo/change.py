"""The shape of what hf_repo changes, done once though the call be killed and resumed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import ToolError
from core.hub.refusals import Repo

if TYPE_CHECKING:
    from huggingface_hub import HfApi

Seen = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """`before` looks at what is there and refuses what cannot be; what it saw is the note in the
    journal. `do` changes it, once. `done` asks the Hub whether it happened, by what `before` saw.

    `do` and `done` return what the model is told; `done` None where it did not happen.
    """

    before: Callable[[HfApi], Seen]
    do: Callable[[HfApi, Seen], str]
    done: Callable[[HfApi, Seen], str | None]


def needed(value: Any, operation: str, what: str) -> None:
    if not value:
        raise ToolError(f"{operation} needs {what}")


def page(api: HfApi, repo: Repo) -> str:
    return f"{api.endpoint}/{repo.page}"
