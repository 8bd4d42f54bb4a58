"""What a program reads: the JSON object of a headless run, and exit codes."""

from typing import Any

from cli.terminal.writer import print_json
from core.secrets.redaction import redacted

SCHEMA_VERSION = 1
INTERRUPTED, LIMIT = 130, 4
#: The run waits, and was told not to stay.
WAITING = 6


def result_object(**given: Any) -> dict[str, Any]:
    """The final object of `--output json`, every key present."""
    empty: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "thread": None,
        "status": "error",
        "text": "",
        "iterations": 0,
        "usage": {"input": 0, "cached": 0, "output": 0, "reasoning": 0},
        "cost_micro_usd": 0,
        "left_micro_usd": None,
        "seconds": 0.0,
        "error": None,
        "waiting": None,
        "goal": None,
        "running": [],
        "claims": [],
    }
    return {**empty, **given}


def print_failure(output: str, kind: str, message: str, hint: str) -> None:
    """A failure before there was a session, in the form that was asked for."""
    error = {"kind": kind, "message": redacted(message), "hint": hint}
    if output == "json":
        print_json(result_object(error=error))
    elif output == "stream-json":
        head = {"event": "error", "schema_version": SCHEMA_VERSION, "thread": "", "turn": 0}
        print_json({**head, "seq": 1, **error})


def exit_code_of(kind: str) -> int:
    """The exit code of an `error` event, by the class that its kind names."""
    from core.errors import AgentError

    waiting = [AgentError]
    while waiting:
        cls = waiting.pop()
        if cls("").kind == kind:
            return cls.exit_code
        waiting += cls.__subclasses__()
    return AgentError.exit_code
