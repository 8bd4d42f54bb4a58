"""What github searches: code, repositories, those of an owner by stars, issues."""

from typing import Any

from core.errors import ToolError
from core.result_text import counted, cut, day, listed, row
from core.tool import ToolContext, ToolResult
from core.untrusted import framed
from tools.github.api import MATCHES, PER_PAGE, an_object, dicts, get, next_page, pages, token
from tools.github.arguments import GithubArguments
from tools.github.refusals import NO_TOKEN, ODD

#: Characters of a piece of code, of an issue in a list; pieces of one file; comments of an issue.
FRAGMENT, BODY, FRAGMENTS, COMMENTS = 400, 300, 3, 100
NEEDS_TOKEN = (
    f"GitHub searches code only for those who are logged in. {NO_TOKEN}. Without one: examples "
    "finds files of a repository by name, tree lists them, read shows them."
)


async def search_code(arguments: GithubArguments, ctx: ToolContext) -> ToolResult:
    if not arguments.query:
        raise ToolError("search_code needs a query: words of the code, and qualifiers")
    if not token():
        raise ToolError(NEEDS_TOKEN)
    query = _query(arguments.query, arguments)
    items, total, partial = await pages(
        ctx, "/search/code", {"q": query}, arguments.most, accept=MATCHES
    )
    return _list(map(_code, items), len(items), total, partial, query)


def _code(item: dict[str, Any]) -> str:
    where = row(str(_in(item, "repository", "full_name")), str(item.get("path", "")))
    pieces = [str(m.get("fragment", "")) for m in item.get("text_matches") or ()]
    shown = [piece.strip("\n")[:FRAGMENT] for piece in pieces[:FRAGMENTS] if piece.strip()]
    indented = ["\n".join(f"    {line}" for line in piece.splitlines()) for piece in shown]
    return "\n".join([where, "\n    ...\n".join(indented)]).rstrip()


async def search_repos(arguments: GithubArguments, ctx: ToolContext) -> ToolResult:
    if not arguments.query:
        raise ToolError("search_repos needs a query; list_repos lists those of an owner")
    return await _repos(_query(arguments.query, arguments), arguments, ctx)


async def list_repos(arguments: GithubArguments, ctx: ToolContext) -> ToolResult:
    """By the search: the list of an owner's repositories cannot be sorted by stars."""
    owner = arguments.owner or arguments.repo.partition("/")[0]
    if not owner:
        raise ToolError("list_repos needs an owner, a user or an organization")
    return await _repos(f"user:{owner} fork:true", arguments, ctx)


async def _repos(query: str, arguments: GithubArguments, ctx: ToolContext) -> ToolResult:
    params: dict[str, Any] = {"q": query}
    if arguments.sort != "match":
        params |= {"sort": arguments.sort, "order": "desc"}
    items, total, partial = await pages(ctx, "/search/repositories", params, arguments.most)
    return _list(map(_repo, items), len(items), total, partial, query)


def _repo(item: dict[str, Any]) -> str:
    return row(
        str(item.get("full_name", "")),
        counted(item.get("stargazers_count"), "stars"),
        cut(item.get("description") or "", 200),
        item.get("language") or "",
        str((item.get("license") or {}).get("spdx_id") or ""),
        "fork" if item.get("fork") else "",
        "archived" if item.get("archived") else "",
        "private" if item.get("private") else "",
        f"pushed {day(item.get('pushed_at'))}" if item.get("pushed_at") else "",
    )


async def issues(arguments: GithubArguments, ctx: ToolContext) -> ToolResult:
    if arguments.number:
        return await _issue(arguments, ctx)
    if not (arguments.query or arguments.repo or arguments.owner):
        raise ToolError("issues needs a repo, or a query")
    words = arguments.query
    if "is:issue" not in words and "is:pr" not in words and "is:pull-request" not in words:
        words = f"{words} is:issue".strip()
    query = _query(words, arguments)
    # Without words of its own, what moved last says most; with them, what fits best.
    params = {"q": query} | ({} if arguments.query else {"sort": "updated", "order": "desc"})
    items, total, partial = await pages(ctx, "/search/issues", params, arguments.most)
    return _list(map(_issue_line, items), len(items), total, partial, query, ctx)


def _issue_line(item: dict[str, Any]) -> str:
    repo = str(item.get("repository_url", "")).rpartition("/repos/")[2]
    labels = ", ".join(str(_in(label, "name")) for label in item.get("labels") or ())
    head = row(
        f"{repo}#{item.get('number')}",
        str(item.get("state", "")),
        "pull request" if item.get("pull_request") else "",
        str(item.get("title", "")),
        labels,
        counted(item.get("comments"), "comments"),
        f"updated {day(item.get('updated_at'))}",
    )
    body = cut(item.get("body") or "", BODY)
    return f"{head}\n    {body}" if body else head


async def _issue(arguments: GithubArguments, ctx: ToolContext) -> ToolResult:
    """One issue or pull request with its comments."""
    path = f"/repos/{arguments.named_repo}/issues/{arguments.number}"

    async def missing() -> str:
        return f"{arguments.repo} has no issue {arguments.number}, or it is not public"

    item = an_object(await get(ctx, path, missing=missing))
    if not isinstance(item.get("title"), str):
        raise ToolError(ODD)
    texts = [_issue_line({**item, "body": ""}), _said(item)]
    if item.get("comments"):
        reply = await get(ctx, f"{path}/comments", {"per_page": COMMENTS})
        texts += [_said(comment) for comment in dicts(reply.json())]
        if next_page(reply.headers):
            texts.append(f"[there are more comments: {item.get('html_url', '')}]")
    return ToolResult(framed("\n\n".join(texts), f"{arguments.repo}#{arguments.number}", ctx))


def _said(item: dict[str, Any]) -> str:
    return f"{row(str(_in(item, 'user', 'login')), day(item.get('created_at')))}:\n" + (
        item.get("body") or "[nothing]"
    )


def _query(words: str, arguments: GithubArguments) -> str:
    """The words with what `repo` and `owner` mean as qualifiers."""
    where = f"repo:{arguments.repo}" if arguments.repo else ""
    if arguments.owner and not where:
        where = f"user:{arguments.owner}"
    return f"{words} {where}".strip() if where and where not in words else words


def _list(
    lines: Any, shown: int, total: int, partial: bool, query: str, ctx: ToolContext | None = None
) -> ToolResult:
    more = f"{shown} of {total}: raise limit, or narrow it" if total > shown else ""
    early = "GitHub's search ran out of time: there may be more" if partial else ""
    if shown > PER_PAGE * 9 and total > shown:
        more = f"{shown} of {total}; GitHub gives 1000 at most"
    found = listed(lines, f"GitHub finds nothing for: {query}", more, early)
    if ctx is not None and shown:
        return ToolResult(framed(found.text, "GitHub's issues", ctx))
    return found


def _in(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return "" if value is None else value
