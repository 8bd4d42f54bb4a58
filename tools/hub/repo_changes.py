"""What hf_repo changes, so that a call which was killed and resumed does nothing twice.

Each change is three steps: `before` looks at what is there and refuses what cannot be; what it
saw is the note in the journal. `do` changes it, once. `done` finds out from the Hub whether it
happened, by what `before` had seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graph.context import ToolRun
from graph.errors import ToolError
from tools.hub.words import LOG_IN, Repo

if TYPE_CHECKING:
    from huggingface_hub import HfApi

    from tools.hub.repo import RepoArguments

Seen = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """`do` and `done` return what the model is told; `done` None where it did not happen."""

    before: Callable[[HfApi], Seen]
    do: Callable[[HfApi, Seen], str]
    done: Callable[[HfApi, Seen], str | None]


async def change_of(arguments: RepoArguments, run: ToolRun, begun: bool = False) -> Change:
    """The change that is asked for. Raises ToolError where the arguments do not say enough.

    Args:
        begun: only `done` will be asked: local files may be gone by now.
    """
    from tools.hub.repo_commit import deletion, upload

    if arguments.operation == "upload":
        return await upload(arguments, run, begun)
    if arguments.operation == "delete" and not arguments.remove:
        return deletion(arguments)
    make = {
        "delete": _delete_repo,
        "create": _create,
        "update": _update,
        "branch": _branch,
        "tag": _tag,
        "pr_create": _pr_create,
        "pr_comment": _pr_comment,
        "pr_merge": _pr_merge,
        "pr_close": _pr_close,
    }
    return make[arguments.operation](arguments)


def needed(value: Any, operation: str, what: str) -> None:
    if not value:
        raise ToolError(f"{operation} needs {what}")


def page(api: HfApi, repo: Repo) -> str:
    return f"{api.endpoint}/{repo.page}"


def author_of(api: HfApi) -> str:
    """Whose token it is. Raises ToolError, in words, where there is none."""
    if not api.token:
        raise ToolError(
            "Changing something on the Hub needs a token: `hf auth login` (or HF_TOKEN)."
        )
    return str(api.whoami()["name"])


# --- repositories ---


def _exists(api: HfApi, repo: Repo) -> bool:
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    try:
        api.repo_info(repo.id, repo_type=repo.type)
    except GatedRepoError:
        return True
    except RepositoryNotFoundError:
        return False
    except HfHubHTTPError as error:
        if error.response.headers.get("x-error-code") == "RepoNotFound":
            return False
        raise
    return True


def _create(arguments: RepoArguments) -> Change:
    repo, visibility = arguments.about, arguments.visibility or "private"
    if arguments.type == "space":
        needed(arguments.sdk, "create of a space", "an sdk: gradio, docker or static")

    def before(api: HfApi) -> Seen:
        name = author_of(api)
        if "/" not in repo.id:
            raise ToolError(f"say whose it shall be: {name}/{repo.id}, or an organization's")
        if _exists(api, repo):
            raise ToolError(f"{repo} is there already: {page(api, repo)}")
        return {"author": name}

    def do(api: HfApi, seen: Seen) -> str:
        api.create_repo(
            repo.id,
            repo_type=repo.type,
            visibility=visibility,
            space_sdk=arguments.sdk or None,
        )
        return f"Created {visibility} {repo}: {page(api, repo)}"

    def done(api: HfApi, seen: Seen) -> str | None:
        return f"Created {visibility} {repo}: {page(api, repo)}" if _exists(api, repo) else None

    return Change(before, do, done)


def _delete_repo(arguments: RepoArguments) -> Change:
    repo = arguments.about
    if arguments.paths:
        raise ToolError("delete takes paths, or remove for the whole repository, not both")

    def before(api: HfApi) -> Seen:
        author_of(api)
        return {"sha": api.repo_info(repo.id, repo_type=repo.type).sha}

    def do(api: HfApi, seen: Seen) -> str:
        api.delete_repo(repo.id, repo_type=repo.type)
        return f"Deleted {repo}."

    def done(api: HfApi, seen: Seen) -> str | None:
        return None if _exists(api, repo) else f"Deleted {repo}."

    return Change(before, do, done)


def _update(arguments: RepoArguments) -> Change:
    repo = arguments.about
    needed(arguments.visibility or arguments.gated, "update", "visibility or gated")
    gated: Any = {"": None, "off": False}.get(arguments.gated, arguments.gated)

    def before(api: HfApi) -> Seen:
        author_of(api)
        info: Any = api.repo_info(repo.id, repo_type=repo.type)
        return {"private": info.private, "gated": info.gated if repo.type != "space" else None}

    def do(api: HfApi, seen: Seen) -> str:
        api.update_repo_settings(
            repo.id, repo_type=repo.type, visibility=arguments.visibility or None, gated=gated
        )
        told = [arguments.visibility, f"gated: {arguments.gated}" if arguments.gated else ""]
        return f"Updated {repo}: {', '.join(t for t in told if t)}. {page(api, repo)}"

    # Setting it to the same again changes nothing.
    return Change(before, do, lambda api, seen: None)


# --- references ---


def _reference(arguments: RepoArguments, kind: str) -> Change:
    repo, name, remove = arguments.about, arguments.name, arguments.remove
    needed(name, kind, "a name")
    said = f"{'Deleted' if remove else 'Created'} {kind} {name} of {repo}."

    def there(api: HfApi) -> str:
        refs = api.list_repo_refs(repo.id, repo_type=repo.type)
        found = refs.branches if kind == "branch" else refs.tags
        return next((ref.target_commit for ref in found if ref.name == name), "")

    def before(api: HfApi) -> Seen:
        author_of(api)
        at = there(api)
        if at and not remove:
            raise ToolError(f"{repo} has a {kind} {name} already, at {at}")
        if not at and remove:
            raise ToolError(f"{repo} has no {kind} {name}; refs names what there is")
        return {"at": at}

    def do(api: HfApi, seen: Seen) -> str:
        common: dict[str, Any] = {"repo_id": repo.id, "repo_type": repo.type, kind: name}
        start: dict[str, Any] = {"revision": repo.revision or None}
        if kind == "branch":
            api.delete_branch(**common) if remove else api.create_branch(**common, **start)
        elif remove:
            api.delete_tag(**common)
        else:
            api.create_tag(**common, **start, tag_message=arguments.text or None)
        return said

    return Change(before, do, lambda api, seen: said if bool(there(api)) != remove else None)


def _branch(arguments: RepoArguments) -> Change:
    return _reference(arguments, "branch")


def _tag(arguments: RepoArguments) -> Change:
    return _reference(arguments, "tag")


# --- pull requests ---


def pull_requests(api: HfApi, repo: Repo, author: str, title: str) -> list[int]:
    """Numbers of the pull requests that somebody opened under a title."""
    found = api.get_repo_discussions(
        repo.id, repo_type=repo.type, discussion_type="pull_request", author=author
    )
    return [d.num for d in found if d.title == title and d.author == author]


def new_pull_request(api: HfApi, repo: Repo, seen: Seen) -> str | None:
    """What `done` says of a pull request that was not there `before`."""
    numbers = pull_requests(api, repo, seen["author"], seen["title"])
    new = sorted(set(numbers) - set(seen["known"]))
    return f"Opened pull request {new[0]}: {page(api, repo)}/discussions/{new[0]}" if new else None


def _pr_create(arguments: RepoArguments) -> Change:
    repo, title = arguments.about, arguments.message.strip()
    if not 3 <= len(title) <= 200:
        raise ToolError("pr_create needs a title of 3 to 200 characters, as message")

    def before(api: HfApi) -> Seen:
        author = author_of(api)
        known = pull_requests(api, repo, author, title)
        return {"author": author, "title": title, "known": known}

    def do(api: HfApi, seen: Seen) -> str:
        made = api.create_pull_request(
            repo.id, title, description=arguments.text or None, repo_type=repo.type
        )
        return (
            f"Opened pull request {made.num}, a draft: {made.url}\n"
            f"Commit to it with upload, revision=refs/pr/{made.num}."
        )

    return Change(before, do, lambda api, seen: new_pull_request(api, repo, seen))


def _pr_comment(arguments: RepoArguments) -> Change:
    repo, number, text = arguments.about, arguments.number, arguments.text.strip()
    needed(number and text, "pr_comment", "the pull request's number and a text")

    def comments(api: HfApi, author: str) -> list[str]:
        details = api.get_discussion_details(repo.id, number, repo_type=repo.type)
        every: list[Any] = [e for e in details.events if e.type == "comment"]
        return [e.id for e in every if e.author == author and e.content.strip() == text]

    def before(api: HfApi) -> Seen:
        author = author_of(api)
        return {"author": author, "known": comments(api, author)}

    def told(api: HfApi) -> str:
        return f"Commented on {page(api, repo)}/discussions/{number}"

    def do(api: HfApi, seen: Seen) -> str:
        api.comment_discussion(repo.id, number, text, repo_type=repo.type)
        return told(api)

    def done(api: HfApi, seen: Seen) -> str | None:
        return told(api) if set(comments(api, seen["author"])) - set(seen["known"]) else None

    return Change(before, do, done)


def _status(arguments: RepoArguments, wanted: str) -> Change:
    repo, number = arguments.about, arguments.number
    needed(number, arguments.operation, "the pull request's number; pr_list names them")

    def status(api: HfApi) -> str:
        return str(api.get_discussion_details(repo.id, number, repo_type=repo.type).status)

    def told(api: HfApi) -> str:
        return f"Pull request {number} is {wanted}: {page(api, repo)}/discussions/{number}"

    def before(api: HfApi) -> Seen:
        author_of(api)
        now = status(api)
        if now in ("merged", "closed"):
            raise ToolError(f"pull request {number} of {repo} is {now} already")
        return {"status": now}

    def do(api: HfApi, seen: Seen) -> str:
        common: dict[str, Any] = {"comment": arguments.text or None, "repo_type": repo.type}
        if wanted == "merged":
            api.merge_pull_request(repo.id, number, **common)
        else:
            api.change_discussion_status(repo.id, number, "closed", **common)
        return told(api)

    return Change(before, do, lambda api, seen: told(api) if status(api) == wanted else None)


def _pr_merge(arguments: RepoArguments) -> Change:
    return _status(arguments, "merged")


def _pr_close(arguments: RepoArguments) -> Change:
    return _status(arguments, "closed")
