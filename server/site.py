"""What a server offers to its users, and how it knows them."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from core.errors import AgentError
from core.models.choice import choose_model
from core.models.list_models import offers
from server.users import User, Users


class Access(Protocol):
    """How a request's user is known."""

    #: What to do for users that the server does not know.
    how_to_sign_in: str

    def user_of(self, request: Request) -> User | None:
        """By the cookie."""
        ...

    def name_of(self, user: User) -> str:
        """The user's name; "" on the user's own machine."""
        ...

    def warnings_for(self, user: User) -> list[str]:
        """What the user should know of the sign-in: scopes that are missing."""
        ...

    async def door(self, request: Request) -> Response | None:
        """The answer to `GET /` if it is not the page: how to sign in."""
        ...

    def routes(self) -> Sequence[BaseRoute]:
        """Those of the sign-in."""
        ...


@dataclass(frozen=True)
class Site:
    """One server.

    Attributes:
        kind: "local" or "space". modes: that can be chosen. warnings: for every user.
    """

    kind: str
    access: Access
    users: Users
    hosts: frozenset[str]
    scheme: str
    modes: tuple[str, ...] = ("ask", "auto", "read-only", "yolo")
    warnings: Sequence[str] = field(default_factory=tuple)

    async def about(self, user: User) -> dict[str, Any]:
        """The answer to `GET /me`."""
        name = self.access.name_of(user)
        settings, model = user.settings, user.settings.model_name
        with suppress(AgentError):  # no credential: the first message says so
            model = model or await choose_model(settings)
        return {
            "kind": self.kind,
            "user": {"name": name} if name else None,
            "model": model,
            "models": [offer.id for offer in await offers(settings)],
            "modes": list(self.modes),
            "mode": settings.capped_mode(settings.mode or "ask"),
            "folder": "" if self.kind == "space" else str(user.folder),
            "warnings": [*self.warnings, *self.access.warnings_for(user)],
            "limits": {"message": self.users.limits.message},
            "version": version("ml-agent"),
        }
