"""The errors of a model that gave no usable answer, each with the next step for the user.

ModelError                     exit 1   the model gave no usable answer
├── NotAuthenticated           exit 5   no credential, or a refused one (401, 403)
├── UnknownModel               exit 2   no route leads to this id (404 and unknown prefixes)
├── RequestRefused                      400: the provider will not take this request
│   └── ContextTooLong                  it is over the model's window: compact, then ask again
├── PaymentRequired                     402: credits are used up
├── ModelUnavailable                    every attempt failed: overload, server error, cut stream
├── AnswerCut                           the answer ended at the token limit
├── AnswerRefused                       a filter or the model itself refused to answer
├── NoToolCalls                         the server turns nothing into tool calls
├── RecordingEnds                       a recording of a turn that was cut off has no more
└── ReplayDiffers                       a replayed request is not the recorded one
"""

from core.errors import AgentError


class ModelError(AgentError):
    """Base of what can go wrong between us and the model.

    Args:
        status: the HTTP status where there was one.
        attempts: how many requests were made before giving up.
        retry_after: seconds that the provider asked to wait, if it did.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        status: int | None = None,
        attempts: int = 1,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        self.attempts = attempts
        self.retry_after = retry_after


class NotAuthenticated(ModelError):
    exit_code = 5
    default_hint = (
        "set the provider's key (ANTHROPIC_API_KEY, HF_TOKEN, OPENAI_API_KEY, ...) and run again"
    )


class UnknownModel(ModelError):
    exit_code = 2
    default_hint = "use provider/model, e.g. openai/gpt-5.1; ml-agent -m list WORD finds models"


class RequestRefused(ModelError):
    default_hint = "the provider's words say what it will not take; -m chooses another model"


class ContextTooLong(RequestRefused):
    default_hint = "set context_window if the model's window is smaller than ml-agent assumes"


class PaymentRequired(ModelError):
    default_hint = "add credits at the provider, or choose another model with -m"


class ModelUnavailable(ModelError):
    default_hint = "the session is intact: ml-agent sessions resume continues where it stopped"


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
