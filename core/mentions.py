"""What a message mentions with @: files, and resources of MCP servers as `@server:uri`."""

import re
from collections.abc import Collection

_MENTION = re.compile(r"(?<![\w@.])@(?:\"([^\"\n]+)\"|([^\s\"]+))")
#: What is surely meant as a resource, whatever servers there are.
_RESOURCE = re.compile(r"[\w.-]+:[A-Za-z][A-Za-z0-9+.-]*://.+")


def mentioned(text: str) -> list[str]:
    """The words behind each @, in their order; quotes may hold blanks."""
    return [match[1] or match[2].rstrip(".,;:!?)") for match in _MENTION.finditer(text)]


def resources_in(text: str, servers: Collection[str]) -> list[tuple[str, str]]:
    """(server, URI) of each mentioned resource, once. One of a server that is not among `servers`
    counts if it has `://`."""
    found: dict[tuple[str, str], None] = {}
    for word in mentioned(text):
        named = [server for server in servers if word.startswith(f"{server}:")]
        server = max(named, key=len, default="")
        if not server and _RESOURCE.fullmatch(word):
            server = word.partition(":")[0]
        if uri := word[len(server) + 1 :] if server else "":
            found[server, uri] = None
    return list(found)
