"""Every error of ours, each with the next step for the user.

AgentError                     exit 1   something went wrong that the user can act on
├── UsageError                 exit 2   what was typed cannot be used
│   └── SettingsError                   a settings file or variable is wrong, named with its path
├── ApprovalNeeded             exit 3   a decision is missing and no one is there to take it
├── LimitReached               exit 4   cost, iterations or time
├── StoreError                          the database or a folder cannot be used
│   ├── NewerDatabase                   written by a later version of ml-agent
│   ├── ThreadBusy                      another process drives this thread
│   │   └── MessageQueued      exit 0   ... and takes the message that was sent here
│   └── NoSuchThread           exit 2
├── HookBlocked                         a hook refused the user's message
├── StuckInLoop                         the model repeats itself and was told so
├── ToolError                           a tool's failure: the call's result, not the turn's end
└── ModelError                          the model gave no usable answer: core/model_errors.py

Nothing else of ours is raised on purpose. `kind` is the class's name in snake case: it
is in the `error` event and in the JSON result, so it is part of what we promise.
"""

import re


class AgentError(Exception):
    """Base of the tree.

    Args:
        message: what happened, one sentence, for a user.
        hint: what to do next, one sentence; the class's own default where it is empty.
    """

    exit_code = 1
    default_hint = "run again with --debug for the traceback"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint

    @property
    def kind(self) -> str:
        """The error's name on the wire: `ThreadBusy` is `thread_busy`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()


class UsageError(AgentError):
    exit_code = 2
    default_hint = "see ml-agent --help"


class SettingsError(UsageError):
    default_hint = "ml-agent config show prints every setting and where it came from"


class ApprovalNeeded(AgentError):
    exit_code = 3
    default_hint = "to approve or reject, run ml-agent sessions resume in a terminal"


class LimitReached(AgentError):
    exit_code = 4
    default_hint = "the session is intact: send another message to continue"


class StoreError(AgentError):
    default_hint = "ml-agent doctor says which folder and database are used"


class NewerDatabase(StoreError):
    default_hint = "update ml-agent, or set ML_AGENT_DATABASE_URL to another database"


class ThreadBusy(StoreError):
    default_hint = "wait for it to end, or stop it there with Ctrl-C"


class MessageQueued(ThreadBusy):
    """number: the message's place in the thread's inbox."""

    exit_code = 0
    default_hint = "its answer is in that process; ml-agent sessions show prints it"

    def __init__(self, message: str, hint: str = "", *, number: int = 0) -> None:
        super().__init__(message, hint)
        self.number = number


class NoSuchThread(StoreError):
    exit_code = 2
    default_hint = "ml-agent sessions list shows your sessions"


class HookBlocked(AgentError):
    default_hint = "change the message, or the hook: ml-agent config show names your hooks"


class StuckInLoop(AgentError):
    default_hint = "say what to do differently in a new message, or choose another model with -m"


class ToolError(AgentError):
    """Raised by a tool; its text is the call's result and goes to the model."""

    default_hint = ""
