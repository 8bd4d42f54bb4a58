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
├── StuckInLoop                         the model repeats itself and was told so
├── ToolError                           a tool's failure: the call's result, not the turn's end
└── ModelError                          the model gave no usable answer
    ├── NotAuthenticated       exit 5   no credential, or a refused one (401, 403)
    ├── UnknownModel           exit 2   no route leads to this id (404 and unknown prefixes)
    ├── RequestRefused                  400: the provider will not take this request
    │   └── ContextTooLong              it is over the model's window: compact, then ask again
    ├── PaymentRequired                 402: credits are used up
    ├── ModelUnavailable                every attempt failed: overload, server error, cut stream
    ├── AnswerCut                       the answer ended at the token limit
    ├── AnswerRefused                   a filter or the model itself refused to answer
    ├── NoToolCalls                     the server turns nothing into tool calls
    ├── RecordingEnds                   a recording of a turn that was cut off has no more
    └── ReplayDiffers                   a replayed request is not the recorded one

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
    default_hint = "the thread is intact: send another message to continue"


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


class StuckInLoop(AgentError):
    default_hint = "say what to do differently in a new message, or choose another model with -m"


class ToolError(AgentError):
    """Raised by a tool; its text is the call's result and goes to the model."""

    default_hint = ""


class ModelError(AgentError):
    """Base of what can go wrong between us and the model.

    Args:
        status: the HTTP status where there was one.
        attempts: how many requests were made before giving up.
    """

    def __init__(
        self, message: str, hint: str = "", *, status: int | None = None, attempts: int = 1
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        self.attempts = attempts


class NotAuthenticated(ModelError):
    exit_code = 5
    default_hint = (
        "set the provider's key (ANTHROPIC_API_KEY, HF_TOKEN, OPENAI_API_KEY, ...) and run again"
    )


class UnknownModel(ModelError):
    exit_code = 2
    default_hint = "-m takes provider/model, hf/org/model, or a local server's model"


class RequestRefused(ModelError):
    default_hint = "the provider's words say what it will not take; -m chooses another model"


class ContextTooLong(RequestRefused):
    default_hint = "set context_window if the model's window is smaller than ml-agent assumes"


class PaymentRequired(ModelError):
    default_hint = "add credits at the provider, or choose another model with -m"


class ModelUnavailable(ModelError):
    default_hint = "the thread is intact: ml-agent sessions resume continues where it stopped"


class RecordingEnds(ModelError):
    default_hint = "the recorded turn was cut off there"


class ReplayDiffers(ModelError):
    default_hint = "the code, a tool or the files differ from when it was recorded"


class AnswerRefused(ModelError):
    default_hint = "say it in other words, or choose another model with -m"


class NoToolCalls(ModelError):
    default_hint = "choose another model with -m"


class AnswerCut(ModelError):
    default_hint = "ask for less at once, or choose a model with a larger output limit"
