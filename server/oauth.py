"""The sign-in with Hugging Face: OAuth's code flow with PKCE, state bound to the browser.

Ours, and not `huggingface_hub.attach_huggingface_oauth`: that keeps the token in a cookie the
browser can read. Here the token stays in this process.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from core.errors import AgentError
from core.http import certificates

#: Seconds that the provider may take.
PATIENCE = 15.0
#: What each scope is for: they are those of the Space's front matter.
SCOPES = {
    "read-repos": "reading your repositories",
    "write-repos": "writing to your repositories",
    "contribute-repos": "opening repositories and pull requests",
    "manage-repos": "creating and deleting repositories",
    "inference-api": "models, which you pay for",
    "jobs": "sandboxes and jobs, which you pay for",
    "write-discussions": "discussions and pull requests",
}


class SignInFailed(AgentError):
    default_hint = "sign in again"


@dataclass(frozen=True)
class SignedIn:
    """The answer of the provider. id: the user's there. seconds: how long the token lasts."""

    id: str
    name: str
    token: str = field(repr=False)
    scopes: frozenset[str]
    seconds: float

    def missing(self) -> list[str]:
        """Scopes that were not granted, in words."""
        return [f"{name} ({what})" for name, what in SCOPES.items() if name not in self.scopes]


@dataclass(frozen=True)
class Provider:
    """The provider at which the users of a Space sign in.

    Attributes:
        url: of the provider. client_id, client_secret: of this Space. back: the address to which
            the browser comes back.
    """

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    back: str

    @classmethod
    def of_space(cls, environ: Mapping[str, str]) -> "Provider | None":
        """From the variables that a Space with `hf_oauth: true` gets; None without them."""
        client, secret = environ.get("OAUTH_CLIENT_ID"), environ.get("OAUTH_CLIENT_SECRET")
        if not client or not secret:
            return None
        url = environ.get("OPENID_PROVIDER_URL") or "https://huggingface.co"
        return cls(url.rstrip("/"), client, secret, f"https://{environ['SPACE_HOST']}/signin/done")

    def address(self, state: str, verifier: str) -> str:
        """The address that the browser opens to sign in."""
        digest = hashlib.sha256(verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.back,
            "scope": " ".join(["openid", "profile", *SCOPES]),
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        return f"{self.url}/oauth/authorize?{urlencode(asked)}"

    async def signed_in(self, code: str, verifier: str) -> SignedIn:
        """Who comes back with `code`. Raises SignInFailed."""
        import httpx

        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.back,
            "client_id": self.client_id,
            "code_verifier": verifier,
        }
        try:
            async with httpx.AsyncClient(timeout=PATIENCE, verify=certificates()) as client:
                basic = httpx.BasicAuth(self.client_id, self.client_secret)
                given = await client.post(f"{self.url}/oauth/token", data=form, auth=basic)
                token = _object(given)
                bearer = {"Authorization": f"Bearer {token['access_token']}"}
                user = _object(await client.get(f"{self.url}/oauth/userinfo", headers=bearer))
            return SignedIn(
                id=str(user["sub"]),
                name=str(user.get("preferred_username") or user.get("name") or "you"),
                token=str(token["access_token"]),
                scopes=frozenset(str(token.get("scope", "")).split()),
                seconds=float(token.get("expires_in") or 3600),
            )
        except (httpx.HTTPError, KeyError, ValueError, TypeError) as error:
            where = urlsplit(self.url).hostname
            raise SignInFailed(
                f"{where} did not confirm the sign-in ({type(error).__name__})"
            ) from None


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def _object(answer: Any) -> dict[str, Any]:
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found
