"""The slash commands that an editor offers."""

from collections.abc import AsyncIterator

from acp.schema import (
    AvailableCommand,
    AvailableCommandInput,
    AvailableCommandsUpdate,
    UnstructuredCommandInput,
)

from core.errors import UsageError
from core.events import Event, UndoComplete
from graph.session import Session

COMMANDS = {
    "compact": "Summarize the history now",
    "resume": "Continue a turn that was cut off",
    "undo": "Undo the last turn: conversation and files",
    "redo": "Redo the last undone turn",
    "model": "Choose a model by its id",
}


def available() -> AvailableCommandsUpdate:
    given = AvailableCommandInput(UnstructuredCommandInput(hint="provider/model"))
    return AvailableCommandsUpdate(
        session_update="available_commands_update",
        available_commands=[
            AvailableCommand(name=name, description=text, input=given if name == "model" else None)
            for name, text in COMMANDS.items()
        ],
    )


def turn_of_command(text: str, session: Session) -> AsyncIterator[Event] | None:
    """The turn that a command is; None if it is none."""
    if text == "/compact":
        return session.compact()
    return session.resume() if text == "/resume" else None


async def run_command(text: str, session: Session) -> str:
    """Run a command between turns; what it says, "" if `text` is none. Raises
    AgentError."""
    command, _, rest = text.partition(" ")
    match command:
        case "/undo" | "/redo" if not rest:
            _, event = await (session.undo() if command == "/undo" else session.redo())
            return _moved(event, command[1:])
        case "/model":
            if not rest.strip():
                raise UsageError("/model needs the id of a model", "/model provider/model")
            return f"Model: {await session.switch(rest.strip())}."
    return ""


def _moved(event: UndoComplete, word: str) -> str:
    told = [f"{word.capitalize()}: turn {event.undone_turn}."]
    if event.files_restored:
        told.append(f"Files restored: {', '.join(event.files_restored)}.")
    if event.files_left:
        told.append(f"Files left as they are: {', '.join(event.files_left)}.")
    return " ".join(told)
