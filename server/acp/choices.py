"""What can be chosen for a session in an editor: permission mode, model, reasoning effort."""

from collections.abc import Sequence
from typing import Any, get_args

from acp.schema import (
    SessionConfigOptionSelect,
    SessionConfigSelectOption,
    SessionMode,
    SessionModeState,
)

from core.errors import UsageError
from core.run import Mode
from graph.session import Session

#: By mode: its name, and what it says.
MODES = {
    "ask": ("Ask", "Asks before commands, and before changes outside of the folder"),
    "auto": ("Auto", "Asks only before what cannot be undone"),
    "read-only": ("Read-only", "Reads files of the folder and changes nothing"),
    "yolo": ("Yolo", "Runs everything without asking"),
}


def modes_of(session: Session) -> SessionModeState:
    return SessionModeState(
        current_mode_id=session.thread.mode,
        available_modes=[
            SessionMode(id=id, name=name, description=text)
            for id, (name, text) in MODES.items()
            if session.settings.capped_mode(id) == id
        ],
    )


def options_of(session: Session) -> list[Any]:
    """Mode, model, and effort if the model reasons. The models are those of the settings; any
    other is chosen with /model."""
    settings, thread = session.settings, session.thread
    named = (thread.model, settings.model_name, settings.fallback_model, settings.small_model_name)
    modes = [(mode.id, mode.name) for mode in modes_of(session).available_modes]
    models = [(model, model) for model in dict.fromkeys(named) if model]
    levels, effort = session.efforts()
    options = [
        _select("mode", "Mode", thread.mode, modes),
        _select("model", "Model", thread.model, models),
    ]
    if levels:
        usual = [("", "as usual"), *((level, level) for level in levels)]
        options.append(_select("thought_level", "Reasoning effort", effort, usual))
    return options


def _select(id: Any, name: str, current: str, values: Sequence[tuple[str, str]]) -> Any:
    return SessionConfigOptionSelect(
        type="select",
        id=id,
        name=name,
        category=id,
        current_value=current,
        options=[SessionConfigSelectOption(value=value, name=said) for value, said in values],
    )


async def choose(session: Session, id: str, value: str | bool) -> None:
    """Set an option. Raises AgentError."""
    match id:
        case "mode":
            await set_mode(session, str(value))
        case "model":
            await session.switch(str(value))
        case "thought_level":
            session.think(str(value))
        case _:
            raise UsageError(f"unknown option {id!r}", "choose mode, model or thought_level")


async def set_mode(session: Session, wanted: str) -> None:
    """Raises UsageError."""
    offered = [mode.id for mode in modes_of(session).available_modes]
    for mode in get_args(Mode):
        if mode == wanted and mode in offered:
            await session.permit(mode)
            return
    raise UsageError(f"mode {wanted!r} is not offered here", f"choose {', '.join(offered)}")
