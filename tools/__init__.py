"""The tools a model can use. Adding one: a file next to tools/local/read.py, a line here."""

from core.tool import AgentTool
from tools.ask_user import AskUser
from tools.github.tool import Github
from tools.hub.api import HubApi
from tools.hub.datasets.tool import HfDataset
from tools.hub.docs import Docs
from tools.hub.fit.tool import HfFit
from tools.hub.jobs.tool import HfJobs
from tools.hub.papers.tool import Papers
from tools.hub.repo.tool import HubRepo
from tools.hub.search import HubSearch
from tools.local.bash import Bash
from tools.local.edit import Edit
from tools.local.glob import Glob
from tools.local.grep import Grep
from tools.local.process import Process
from tools.local.read import Read
from tools.local.write import Write
from tools.plan import Plan
from tools.research import Research
from tools.web.tool import Web


def builtin_tools() -> dict[str, AgentTool]:
    """The built-in tools by name."""
    tools: list[AgentTool] = [
        AskUser(),
        Bash(),
        Edit(),
        Github(),
        Glob(),
        Grep(),
        HubApi(),
        HfDataset(),
        Docs(),
        HfFit(),
        HfJobs(),
        Papers(),
        HubRepo(),
        HubSearch(),
        Plan(),
        Process(),
        Read(),
        Research(),
        Web(),
        Write(),
    ]
    return {tool.name: tool for tool in tools}
