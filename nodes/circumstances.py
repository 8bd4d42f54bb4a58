"""What the verdicts of an answer's calls depend on next to the calls: mode, rules, prices."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from langchain_core.messages import HumanMessage

from core.backend import Quote
from core.effects import Effect
from core.history import Call
from core.policy.decide import Situation
from core.policy.hosts import Known
from core.policy.paths import resolved
from core.policy.rules import rules_of
from core.state import AgentState
from core.tool import AgentTool
from nodes.addresses import known_addresses
from nodes.price_calls import price_calls, quote_workspace
from nodes.step import Step


@dataclass(frozen=True)
class Circumstances:
    """What the verdicts of an answer's calls depend on next to the calls.

    Attributes:
        here: mode, folder and rules. interactive: a user can be asked.
        inside: in a sub-agent, where what would be asked is denied.
        left: micro-USD under the caps, shown where the user decides.
        prices: by call id, the effect with its price, or why the call cannot run.
        folder: the working directory of tools that act in the workspace, if it is another.
        quote: what the first of their calls has to pay for.
        addresses: those that the user and searches named.
    """

    tools: Mapping[str, AgentTool]
    here: Situation
    interactive: bool = True
    inside: bool = False
    left: int | None = None
    prices: Mapping[str, Effect | str] = field(default_factory=dict)
    folder: str = ""
    quote: Quote | None = None
    addresses: Callable[[], Known] = Known


async def circumstances_of(
    state: AgentState, step: Step, new: list[HumanMessage], calls: list[Call], left: int | None
) -> Circumstances:
    services, context = step.services, step.context
    copy_of = services.inside.copy_of if services.inside is not None else ""
    rules = rules_of(
        services.settings.permissions,
        allow=context.allow,
        deny=context.deny,
        granted=state.get("granted", []),
        folder=await services.grants.of(copy_of or step.cwd),
    )
    inside = services.inside is not None

    def addresses() -> Known:
        messages = [*state.get("messages", []), *new]
        return known_addresses(messages, services.settings.web_hosts, inside=inside)

    return Circumstances(
        services.tools,
        Situation(
            context.mode,
            step.cwd,
            rules,
            str(services.settings.state_path()),
            await frozen_of(step),
            bool(copy_of),
        ),
        interactive=context.interactive,
        inside=inside,
        left=left,
        prices={} if inside else await price_calls(calls, step),
        folder=services.backend.folder(step.cwd),
        quote=await quote_workspace(calls, step),
        addresses=addresses,
    )


async def frozen_of(step: Step) -> tuple[str, ...]:
    """Absolute paths that judge the work: a goal's check, and the judge of the thread's experiment
    in this folder, which is a copy for a trial of `branch`."""
    experiment = await step.services.experiments.get(step.thread)
    judge = experiment.judge.frozen if experiment is not None else ()
    return (*step.context.frozen, *(resolved(path, step.cwd) for path in judge))


async def with_frozen(step: Step, tool: AgentTool) -> Step:
    """The command sandbox keeps what judges the work, whatever a command does."""
    frozen = [*await frozen_of(step)] if tool.in_backend else []
    return replace(step, context=replace(step.context, frozen=frozen)) if frozen else step
