"""What a server's client is told of an error of ours: the server itself says only that something
failed."""

from collections.abc import Iterator
from contextlib import contextmanager

from configs.problems import SettingsProblem
from core.errors import AgentError, SettingsError
from core.events import Emit, Error
from core.tool import AgentContext


@contextmanager
def telling(emit: Emit, context: AgentContext) -> Iterator[None]:
    """Emit an error of ours that leaves the block, in a run of a server."""
    try:
        yield
    except (AgentError, SettingsProblem) as error:
        if context.services is None:
            ours = error if isinstance(error, AgentError) else SettingsError(str(error))
            emit(Error(kind=ours.kind, message=ours.message, hint=ours.hint))
        raise
