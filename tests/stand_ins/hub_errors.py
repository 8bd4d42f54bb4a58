"""How the Hub says no. Headers and words are those that huggingface_hub 2.4 reads, and that people
have reported; see tests/stand_ins/contracts/README.md."""

from tests.stand_ins.service import Answer


def _error(status: int, message: str = "", code: str = "", **more: str) -> Answer:
    headers = {"X-Request-Id": "Root=1-65f0", **more}
    if code:
        headers["X-Error-Code"] = code
    if message:
        headers["X-Error-Message"] = message
    return Answer({"error": message} if message else {}, status, headers)


def repo_not_found(status: int = 404) -> Answer:
    """401 is what who is not logged in gets."""
    return _error(status, "Repository not found", "RepoNotFound")


def revision_not_found(revision: str) -> Answer:
    return _error(404, f"Invalid rev id: {revision}", "RevisionNotFound")


def entry_not_found() -> Answer:
    return _error(404, "Entry not found", "EntryNotFound")


def gated(repo: str, logged_in: bool) -> Answer:
    said = f"Access to model {repo} is restricted"
    if logged_in:
        said += (
            " and you are not in the authorized list. Visit "
            f"https://huggingface.co/{repo} to ask for access."
        )
        return _error(403, said, "GatedRepo")
    said += ". You must have access to it and be authenticated to access it. Please log in."
    return _error(401, said, "GatedRepo")


DISABLED = _error(403, "Access to this resource is disabled.")
BAD_TOKEN = _error(401, "Invalid credentials in Authorization header")
NO_TOKEN = _error(401, "Invalid username or password.")
MISSING_SCOPE = _error(403, "Forbidden: you must use a write token to upload to a repository.")
PAYMENT = _error(402, "Pre-paid credit balance is insufficient")
RATE_LIMITED = _error(
    429,
    RateLimit='"api";r=0;t=55',
    **{"RateLimit-Policy": '"fixed window";"api";q=500;w=300'},
)
BROKEN = _error(500, "Internal Error - We're working hard to fix this as soon as possible!")
#: Broken, and asking to be asked again at once: for tests that have no time to wait.
BROKEN_NOW = Answer(BROKEN.body, 500, {**BROKEN.headers, "Retry-After": "0"})
NO_JSON = Answer("<html>this is no JSON", 200, {"Content-Type": "application/json"})
CONFLICT = _error(412, "A commit has happened since. Please refresh and try again.")


def exists(kind: str, url: str) -> Answer:
    return Answer({"error": f"You already created this {kind} repo", "url": url}, 409)


def bad_request(message: str) -> Answer:
    return _error(400, message)


def not_found(message: str = "Sorry, we can't find the page you are looking for.") -> Answer:
    return _error(404, message)
