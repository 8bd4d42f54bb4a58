"""What a server lists: its tools, prompts and resources, as they are kept."""

from typing import Any

from tools.mcp.cache import Listed

#: Pages of a list that are read, and entries of it that are kept.
PAGES, MOST = 100, 2000
#: The fields that are kept, by what is listed.
KEPT = {
    "tools": {"name", "title", "description", "inputSchema", "outputSchema", "annotations"},
    "prompts": {"name", "title", "description", "arguments"},
    "resources": {"uri", "name", "title", "description"},
}


async def listed(session: Any, what: str) -> list[Listed]:
    """The server's `what`, page by page; [] if it says that it has no prompts or resources."""
    from mcp.types import PaginatedRequestParams

    capabilities = session.get_server_capabilities()
    if what != "tools" and getattr(capabilities, what, None) is None:
        return []
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(PAGES):
        params = PaginatedRequestParams(cursor=cursor) if cursor else None
        page = await getattr(session, f"list_{what}")(params=params)
        found += getattr(page, what)
        cursor = page.nextCursor
        if not cursor or len(found) >= MOST:
            break
    kept = KEPT[what]
    return [one.model_dump(mode="json", include=kept, exclude_none=True) for one in found[:MOST]]
