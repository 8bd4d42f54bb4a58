"""A paper's text as Markdown: the Hub's, else arXiv's HTML, else ar5iv's."""

import re

from core import http
from core.errors import ToolError
from core.hub.cache import cached
from core.hub.connection import Hub
from core.parsing.parser import parsed
from tools.hub.markdown import headings, section

ID = re.compile(r"(?<![\d.])(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?(?!\d)")
#: Characters of a paper's beginning that come with its list of sections.
BEGINNING = 3000


def paper_id(named: str) -> str:
    """The arXiv id in a URL or name, without its version. Raises ToolError."""
    found = ID.search(named)
    if not found:
        raise ToolError(f"{named or 'nothing'} is not an arXiv id; ids look like 2305.18290")
    return found[1]


async def read(id: str, wanted: str, hub: Hub) -> str:
    """A section of a paper; without one its beginning and the names of all."""

    async def fetch() -> str:
        return await _text(id, hub)

    text = await cached(hub, "papers", id, fetch)
    names = [f"{'  ' * (level - 1)}{title}" for _, level, title in headings(text.splitlines())]
    if wanted:
        found = section(text, wanted)
        if found is not None:
            return found
        raise ToolError(f"{id} has no section {wanted}; it has:\n" + "\n".join(names))
    if len(text) <= BEGINNING * 2 or len(names) < 3:
        return text
    listed = "\n".join(names)
    return f"Sections (read one with section=its title or number):\n{listed}\n\n{_opening(text)}"


def _opening(text: str) -> str:
    """Title and abstract; where no abstract is marked, the first words."""
    marked = section(text, "abstract")
    title = text[: text.find("\n")] if text.startswith("#") else ""
    beginning = f"{title}\n\n{marked}" if marked else text
    return beginning if len(beginning) <= BEGINNING else f"{beginning[:BEGINNING]} …"


async def _text(id: str, hub: Hub) -> str:
    settings = hub.settings
    said = []
    try:
        return await hub.ask(lambda api: api.read_paper(id))
    except ToolError as error:
        said.append(f"the Hub: {error.message}")
    for base in (settings.arxiv_url, settings.ar5iv_url):
        url = f"{base.rstrip('/')}/html/{id}"
        try:
            reply = await http.get(url, http.GetOptions(log=hub.log))
        except ToolError as error:
            said.append(error.message)
            continue
        text = await parsed("paper", reply.text.encode(), url) if reply.ok else ""
        if text:
            return text
        said.append(f"{url}: {'no paper in it' if reply.ok else reply.status}")
    raise ToolError(f"no text of {id} was found. {'; '.join(said)}")
