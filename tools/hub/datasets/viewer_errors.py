"""What the dataset viewer's refusals mean, in words that say what to do next.

Its errors are a status, a header X-Error-Code and a body {error, cause_message?}. It tells gated,
private and missing datasets apart for nobody, so the Hub is asked which of them it is.
"""

from core.errors import ToolError
from core.http import Reply, wanted_pause
from core.hub.connection import Hub
from core.hub.refusals import LOG_IN, Repo
from core.refusals import DATASET_VIEWER, sentence

#: What a code of the viewer means; the document and the server spell some differently.
CODES = {
    "ResponseNotReady": "NotReady",
    "ResponseNotReadyError": "NotReady",
    "SearchFeatureNotAvailable": "NotSearchable",
    "SearchFeatureNotAvailableError": "NotSearchable",
}
NO_ACCESS = ("ExternalUnauthenticatedError", "ExternalAuthenticatedError")


class ViewerError(ToolError):
    """A refusal of the viewer: `status` of HTTP, `code` its X-Error-Code."""

    def __init__(self, message: str, status: int = 0, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


async def refusal(hub: Hub, reply: Reply, dataset: str, has_token: bool) -> ViewerError:
    """The error for an answer that is none. `dataset`: what was asked about."""
    code = reply.headers.get("x-error-code", "")
    said, cause = _body(reply)
    if code in NO_ACCESS or (reply.status == 401 and not code):
        return ViewerError(await why_no_access(hub, dataset), reply.status, code)
    pause = wanted_pause(reply.headers)
    name = CODES.get(code, "")
    if reply.status in (404, 429):
        name = ""
    elif not name and cause and reply.status >= 500 and reply.status != 501:
        name = "Cause"
    text = sentence(
        DATASET_VIEWER,
        reply.status,
        name,
        dataset=dataset,
        said=said,
        cause=cause,
        when=f"; the limit resets in {pause:.0f} s" if pause is not None else "",
        hint="" if has_token else "; with a Hub token (HF_TOKEN) the limit is higher",
    )
    return ViewerError(text, reply.status, code)


def _body(reply: Reply) -> tuple[str, str]:
    """(what it says, the cause beneath) in a line each, whatever the body is."""
    try:
        body = reply.json()
    except ToolError:
        body = None
    if not isinstance(body, dict):
        return _line(reply.text) or "no explanation", ""
    return _line(str(body.get("error", ""))) or "no explanation", _line(
        str(body.get("cause_message", "") or "")
    )


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line[:300] + ("..." if len(line) > 300 else "")


async def why_no_access(hub: Hub, dataset: str) -> str:
    """Gated, private or missing: what the Hub says of a dataset, and of names that are near."""
    about = Repo(dataset, "dataset")
    try:
        info = await hub.ask(lambda api: api.dataset_info(dataset), about)
    except ToolError as error:
        return f"the dataset viewer has nothing of {dataset}. {error}"
    page = f"{hub.url}/{about.page}"
    if info.gated:
        return (
            f"{dataset} is gated: a person must ask for access at {page}, and {LOG_IN}; "
            "then try again"
        )
    if info.private:
        return (
            f"{dataset} is private, and the dataset viewer serves private datasets only of PRO "
            "and Team accounts: load it with a script"
        )
    return f"{dataset} exists ({page}), but the dataset viewer has nothing of it yet"
