"""What a folder of tools brings. Everything else in the program asks for these, never for the
folder: it can be deleted with its line in `tools/__init__.py`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypedDict

from langchain_core.messages import HumanMessage

from configs.settings import Settings
from core.backend import Backend, Say
from core.events import Emit
from core.hub.jobs import Job
from core.store import Store, ThreadRow
from core.tool import AgentTool, Services


class Jobs(Protocol):
    """Work of a thread that runs elsewhere and outlives its call."""

    async def has_jobs(self, services: Services, thread: str) -> bool:
        """Whether the thread has begun work that `ended_jobs` looks at."""

    async def ended_jobs(
        self, services: Services, thread: str, told: list[str], emit: Emit
    ) -> tuple[list[HumanMessage], list[str]]:
        """(a message for each job that has ended since, the jobs that were told about or need not
        be). `told`: jobs whose end the model knows."""

    async def running_jobs(
        self, services: Services, thread: ThreadRow, ended: bool = False
    ) -> list[Job]:
        """The jobs that the thread launched and that run; `ended`: also those whose end this look
        finds. Raises ToolError."""

    async def job_progress(self, services: Services, thread: ThreadRow, job: Job) -> str:
        """A training in its log, in a line with its cost so far; "" if there is none."""

    async def cancel_job(self, services: Services, thread: ThreadRow, job_id: str) -> None:
        """End a job of the thread. Raises ToolError."""

    async def namespace_of(self, services: Services, thread: str, job_id: str) -> str:
        """The account that a job belongs to. Raises ToolError: there is no such job."""

    async def list_all(self, services: Services, namespace: str) -> dict[str, Job]:
        """The newest jobs of a namespace, by id, in one request. Raises ToolError."""

    async def look_up(self, services: Services, namespace: str, job_id: str) -> Job | None:
        """One job; None if it was deleted. Raises ToolError."""

    async def log_lines(self, services: Services, job: Job) -> list[str]:
        """The newest lines of its log."""

    async def end_of(self, services: Services, thread: str, job: Job) -> str:
        """How a job ended, with metrics and last lines; its cost is booked. Raises ToolError."""


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox that lives. driven: some process works in its thread. known: the thread is in this
    database. price: in words, or ""."""

    id: str
    namespace: str
    flavor: str
    thread: str
    driven: bool
    known: bool
    price: str

    @property
    def how_to_end(self) -> str:
        return f"hf jobs cancel {self.namespace}/{self.id}"


class Sandboxes(Protocol):
    """Machines that are rented for a thread, to work in them instead of here."""

    def sandbox_of(self, services: Services, thread: str, flavor: str, notice: Say) -> Backend:
        """The thread's sandbox; nothing is started yet. `notice`: told what a user should know."""

    async def living(self, settings: Settings) -> list[RunningSandbox]:
        """All of this user. Raises ToolError, StoreError."""

    async def end_all(self, settings: Settings, store: Store, thread: str) -> list[str]:
        """End those of a thread, and book their cost; their ids. Raises ToolError."""


@dataclass(frozen=True)
class Question:
    """What a server asks in the middle of a call.

    Attributes:
        schema: JSON Schema of a flat object with the fields that it needs; None for a page.
        url: a page that the user should open instead; the server is not told what was done there.
    """

    server: str
    message: str
    schema: dict[str, Any] | None = None
    url: str = ""


#: The user's answer: the fields ({} for a page), or None: declined.
Ask = Callable[[Question], Awaitable[dict[str, Any] | None]]
#: Shows the user the page on which to sign in.
SignIn = Callable[[str], Awaitable[None]]


@dataclass(frozen=True)
class ServerState:
    """Whether the tools of a server are known, and its state in a few words."""

    works: bool
    words: str


class ServerTest(TypedDict):
    """What came of starting a server: its tools, each a name and an effect."""

    name: str
    ok: bool
    trouble: str
    tools: list[dict[str, str]]


@dataclass(frozen=True)
class ServerPrompt:
    """A prompt that a server offers, as the server names it. arguments: [{name, description?,
    required?}]."""

    server: str
    name: str
    description: str
    arguments: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Piece:
    """A part of what a server gave for a message: a text, or the bytes of a file with its name."""

    text: str = ""
    data: bytes | None = None
    name: str = ""


class ServerContents(Protocol):
    """What a user takes from the servers into a message."""

    def names(self) -> list[str]:
        """The servers that are not disabled."""

    async def prompts(self, server: str = "") -> list[ServerPrompt]:
        """Those that the servers listed last, none of which is started; those of `server` alone: it
        is started for that. Raises AgentError."""

    async def resources(self) -> list[tuple[str, str]]:
        """(SERVER:URI, what it is) of those that the servers listed last; none is started."""

    async def get_prompt(self, prompt: ServerPrompt, arguments: dict[str, str]) -> list[Piece]:
        """The messages of a prompt. Raises AgentError."""

    async def read_resource(self, server: str, uri: str) -> list[Piece]:
        """A resource. Raises AgentError."""


class ToolServers(Protocol):
    """The configured MCP servers."""

    @property
    def contents(self) -> ServerContents: ...

    def equip(
        self,
        *,
        notice: Say | None = None,
        ask: Ask | None = None,
        sign_in: SignIn | None = None,
    ) -> None:
        """Tell a user about trouble, let them answer what servers ask, and sign in."""

    async def tools_for(
        self,
        thread: str,
        *,
        join: bool = True,
        beside: Callable[[], Awaitable[None]] | None = None,
    ) -> dict[str, AgentTool]:
        """The tools of the thread's turn; waits for servers that are new, once."""

    async def known(self, thread: str) -> dict[str, AgentTool]:
        """What the thread's next turn would be offered now, without starting a server."""

    async def states(self) -> Mapping[str, ServerState]:
        """The state of each server that is not disabled; none is started."""

    async def test(self) -> list[ServerTest]:
        """Start each server, and list its tools."""

    def connect(self) -> None:
        """Start what is not started, once a turn."""

    async def close(self) -> None:
        """End all sessions and programs."""


@dataclass(frozen=True)
class Extension:
    """A folder's `EXTENSION`.

    Attributes:
        tools: "module:class" below the folder, each imported with the first turn.
        rules: what rules can name next to the tools.
        jobs, sandboxes, servers: what it does besides; imported where it is needed.
    """

    tools: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    jobs: Callable[[], Jobs] | None = None
    sandboxes: Callable[[], Sandboxes] | None = None
    servers: Callable[[Settings, str], ToolServers] | None = None
