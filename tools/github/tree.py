"""The tree of a repository on GitHub, what in it shows how to use it, and names that are near."""

import difflib
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from core.errors import ToolError
from core.result_text import near_paths, there_is
from core.tool import ToolContext
from tools.github.api import an_object, dicts, get, pages, token

#: Folders with examples, the best first; files that are examples.
FOLDERS = (
    "examples", "example", "scripts", "notebooks", "recipes", "cookbook", "tutorials", "tutorial",
    "demos", "demo", "samples", "quickstart", "docs", "doc", "guides", "benchmarks", "tests",
    "test",
)  # fmt: skip
#: Those from here on count only where the keyword is in a file's path.
LESS = FOLDERS.index("docs")
FILES = (".py", ".ipynb", ".sh", ".md", ".mdx", ".rst", ".yaml", ".yml", ".json", ".toml", ".txt")
#: Folders of a tree that GitHub cut which are asked for one by one.
ONE_BY_ONE = 4


@dataclass(frozen=True)
class Tree:
    """entries: as GitHub gives them, with `path` and `type`. truncated: GitHub left some out."""

    entries: list[dict[str, Any]]
    truncated: bool


async def tree_of(
    ctx: ToolContext, repo: str, ref: str, inside: str = "", folders: bool = False
) -> Tree:
    """All entries, or where GitHub cuts the tree those that are wanted.

    Args:
        inside: the folder that is wanted. folders: those of folders with examples are.
    """

    async def missing() -> str:
        return await missing_ref(ctx, repo, ref)

    url, top = f"/repos/{quote(repo)}/git/trees", quote(ref or "HEAD", safe="")
    whole = an_object(await get(ctx, f"{url}/{top}", {"recursive": "1"}, missing=missing))
    tree = Tree(_entries(whole), bool(whole.get("truncated")))
    if not tree.truncated or not (inside or folders):
        return tree
    known = _entries(an_object(await get(ctx, f"{url}/{top}")))
    if folders:
        chosen = [e for e in known if e["type"] == "tree" and e["path"].lower() in FOLDERS]
        chosen.sort(key=lambda e: FOLDERS.index(e["path"].lower()))
        for folder in chosen[:ONE_BY_ONE]:
            tree.entries.extend((await _below(ctx, url, folder)).entries)
        return Tree(list({e["path"]: e for e in tree.entries}.values()), True)
    return await _walked(ctx, url, known, inside)


async def _walked(ctx: ToolContext, url: str, known: list[dict[str, Any]], inside: str) -> Tree:
    """What is below a folder, by the tree of each folder on the way."""
    parts, tree = inside.split("/"), Tree(known, False)
    for depth in range(1, len(parts) + 1):
        path = "/".join(parts[:depth])
        here = (e for e in tree.entries if e["path"] == path and e["type"] == "tree")
        folder = next(here, None)
        if folder is None:
            return Tree([], False)
        tree = await _below(ctx, url, folder, recursive=depth == len(parts))
    return tree


async def _below(
    ctx: ToolContext, url: str, folder: dict[str, Any], recursive: bool = True
) -> Tree:
    params = {"recursive": "1" if recursive else None}
    found = an_object(await get(ctx, f"{url}/{folder.get('sha')}", params))
    entries = [{**e, "path": f"{folder['path']}/{e['path']}"} for e in _entries(found)]
    return Tree(entries, bool(found.get("truncated")))


def _entries(tree: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        e
        for e in dicts(tree.get("tree"))
        if isinstance(e.get("path"), str) and isinstance(e.get("type"), str)
    ]


def scored(paths: list[str], keyword: str) -> list[str]:
    """Example files, the best first: by the words of the keyword, then by folder, then by depth."""
    words = re.findall(r"[a-z0-9]+", keyword.lower())
    found = []
    for path in paths:
        folders = [part.lower() for part in path.split("/")[:-1]]
        places = [FOLDERS.index(part) for part in folders if part in FOLDERS]
        if not places or not path.lower().endswith(FILES):
            continue
        plain = re.sub(r"[^a-z0-9]", "", path.lower())
        hits = sum(word in plain for word in words)
        if (words and not hits) or (not words and min(places) >= LESS):
            continue
        found.append((-hits, min(places), len(folders), path))
    return [path for *_, path in sorted(found)]


def contents_path(repo: str, path: str) -> str:
    return f"/repos/{quote(repo)}/contents/{quote(path)}"


async def missing_file(ctx: ToolContext, repo: str, path: str, ref: str) -> str:
    """Why there is no such file, with names that are near. Raises ToolError where the repository
    or the reference is missing."""
    tree = await tree_of(ctx, repo, ref)
    names = [entry["path"] for entry in tree.entries]
    at = f" at {ref}" if ref else ""
    return f"{repo} has no {path}{at}.{there_is(near_paths(path, names))}"


async def missing_ref(ctx: ToolContext, repo: str, ref: str) -> str:
    """Why there is no tree: the reference is missing, or the repository is."""

    async def missing() -> str:
        return await _missing_repo(ctx, repo)

    head = an_object(await get(ctx, f"/repos/{quote(repo)}", missing=missing))
    if not ref:
        return f"{repo} has no files."
    branches = dicts((await get(ctx, f"/repos/{quote(repo)}/branches", {"per_page": 100})).json())
    names = [str(branch.get("name")) for branch in branches]
    near = difflib.get_close_matches(ref, names, 5, 0.4) or names[:10]
    default = str(head.get("default_branch", ""))
    return f"{repo} has no branch, tag or commit {ref}.{there_is([default, *near])}"


async def _missing_repo(ctx: ToolContext, repo: str) -> str:
    why = "or this token cannot see it" if token() else "or it is private (GITHUB_TOKEN logs in)"
    name = repo.rpartition("/")[2]
    try:
        params = {"q": f"{name} in:name", "sort": "stars", "order": "desc"}
        found, _, _ = await pages(ctx, "/search/repositories", params, 5)
    except ToolError:
        # A help next to a failure: when it fails too, the failure is told without it.
        found = []
    return f"GitHub has no {repo}, {why}.{there_is([str(r.get('full_name')) for r in found])}"
