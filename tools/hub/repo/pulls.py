"""hf_repo's changes to pull requests. A new one is known by title and author."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.errors import ToolError
from core.hub.connection import author_of
from core.hub.refusals import Repo
from tools.hub.repo.arguments import RepoArguments
from tools.hub.repo.change import Change, Seen, needed, page

if TYPE_CHECKING:
    from huggingface_hub import HfApi


def pull_requests(api: HfApi, repo: Repo, author: str, title: str) -> list[int]:
    """Numbers of the pull requests that someone opened under a title."""
    found = api.get_repo_discussions(
        repo.id, repo_type=repo.type, discussion_type="pull_request", author=author
    )
    return [d.num for d in found if d.title == title and d.author == author]


def new_pull_request(api: HfApi, repo: Repo, seen: Seen) -> str | None:
    """`pull request 3: URL` of one that was not there `before`."""
    numbers = pull_requests(api, repo, seen["author"], seen["title"])
    new = sorted(set(numbers) - set(seen["known"]))
    return f"pull request {new[0]}: {page(api, repo)}/discussions/{new[0]}" if new else None


def pr_create(arguments: RepoArguments) -> Change:
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
            f"Opened pull request {made.num}: {made.url}\n"
            f"It is a draft. Commit to it with upload, revision=refs/pr/{made.num}."
        )

    def done(api: HfApi, seen: Seen) -> str | None:
        found = new_pull_request(api, repo, seen)
        return f"Opened {found}" if found else None

    return Change(before, do, done)


def pr_comment(arguments: RepoArguments) -> Change:
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


def status_change(arguments: RepoArguments) -> Change:
    """Merging or closing, by the operation."""
    wanted = "merged" if arguments.operation == "pr_merge" else "closed"
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
            if seen["status"] == "draft":
                # What a program opens is a draft, and a draft is not merged.
                api.change_discussion_status(repo.id, number, "open", repo_type=repo.type)
            api.merge_pull_request(repo.id, number, **common)
        else:
            api.change_discussion_status(repo.id, number, "closed", **common)
        return told(api)

    return Change(before, do, lambda api, seen: told(api) if status(api) == wanted else None)
