"""hf_repo's changes to a repository itself, its branches and tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.errors import ToolError
from core.hub.connection import author_of
from core.hub.refusals import Repo
from tools.hub.repo.arguments import RepoArguments
from tools.hub.repo.change import Change, Seen, needed, page

if TYPE_CHECKING:
    from huggingface_hub import HfApi


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


def create(arguments: RepoArguments) -> Change:
    repo, visibility = arguments.about, arguments.visibility or "private"
    if arguments.type == "space":
        needed(arguments.sdk, "create of a space", "an sdk: gradio, docker or static")

    def before(api: HfApi) -> Seen:
        name = author_of(api)
        if "/" not in repo.id:
            raise ToolError(f"name its owner: {name}/{repo.id}, or an organization's")
        if _exists(api, repo):
            raise ToolError(f"{repo} is there already: {page(api, repo)}")
        return {"author": name}

    def do(api: HfApi, seen: Seen) -> str:
        api.create_repo(
            repo.id, repo_type=repo.type, visibility=visibility, space_sdk=arguments.sdk or None
        )
        return f"Created {visibility} {repo}: {page(api, repo)}"

    def done(api: HfApi, seen: Seen) -> str | None:
        return f"Created {visibility} {repo}: {page(api, repo)}" if _exists(api, repo) else None

    return Change(before, do, done)


def delete_repo(arguments: RepoArguments) -> Change:
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


def update(arguments: RepoArguments) -> Change:
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


def reference(arguments: RepoArguments) -> Change:
    """A branch or a tag, by the operation: made or deleted."""
    kind = arguments.operation
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
            raise ToolError(f"{repo} has no {kind} {name}; refs lists them")
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
