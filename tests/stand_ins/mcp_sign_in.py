"""An MCP server behind OAuth, with its own authorization server that agrees at once.

Access tokens are good for two seconds, so that a client has to refresh them.
"""

import secrets
import time
from typing import Any

from mcp.server.auth.provider import AccessToken, AuthorizationCode, RefreshToken
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions
from mcp.server.fastmcp import FastMCP
from mcp.shared.auth import OAuthToken

LIFETIME = 2


class Agrees:
    """The SDK's OAuthAuthorizationServerProvider, in memory. Refresh tokens are used once."""

    def __init__(self) -> None:
        self.clients: dict[str, Any] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.tokens: dict[str, AccessToken] = {}
        self.refresh: dict[str, RefreshToken] = {}

    async def get_client(self, client_id: str) -> Any:
        return self.clients.get(client_id)

    async def register_client(self, client_info: Any) -> None:
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client: Any, params: Any) -> str:
        code = secrets.token_hex(20)
        self.codes[code] = AuthorizationCode(
            code=code,
            scopes=[],
            expires_at=time.time() + 60,
            client_id=client.client_id,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=True,
        )
        return f"{params.redirect_uri}?code={code}&state={params.state}"

    async def load_authorization_code(self, client: Any, code: str) -> Any:
        return self.codes.get(code)

    async def exchange_authorization_code(self, client: Any, code: Any) -> OAuthToken:
        del self.codes[code.code]
        return self._new(client)

    async def load_refresh_token(self, client: Any, token: str) -> Any:
        return self.refresh.get(token)

    async def exchange_refresh_token(
        self, client: Any, token: Any, scopes: list[str]
    ) -> OAuthToken:
        del self.refresh[token.token]
        return self._new(client)

    def _new(self, client: Any) -> OAuthToken:
        access, again = secrets.token_hex(20), secrets.token_hex(20)
        expires = int(time.time()) + LIFETIME
        kept = {"client_id": client.client_id, "scopes": []}
        self.tokens[access] = AccessToken(token=access, expires_at=expires, **kept)
        self.refresh[again] = RefreshToken(token=again, **kept)
        return OAuthToken(access_token=access, refresh_token=again, expires_in=LIFETIME)

    async def load_access_token(self, token: str) -> AccessToken | None:
        found = self.tokens.get(token)
        return found if found and (found.expires_at or 0) > time.time() else None

    async def revoke_token(self, token: Any) -> None:
        self.tokens.pop(token.token, None)


def signed(port: int) -> FastMCP:
    here = f"http://127.0.0.1:{port}"
    settings: dict[str, Any] = {
        "issuer_url": here,
        "resource_server_url": f"{here}/mcp",
        "client_registration_options": ClientRegistrationOptions(enabled=True),
        "validate_token_resource": False,
    }
    server = FastMCP(
        "signed",
        port=port,
        log_level="CRITICAL",
        auth_server_provider=Agrees(),
        auth=AuthSettings(**settings),
    )

    @server.tool()
    def secret() -> str:
        """What only those who signed in may know."""
        return "forty-two"

    return server
