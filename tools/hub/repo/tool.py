"""hf_repo: a repository of the Hub, its files, references and pull requests."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from core.effects import Effect, EffectKind
from core.errors import ToolError
from core.hub.connection import Hub
from core.hub.errors import timed_out
from core.tool import AgentTool, NotBegun, ToolContext, ToolResult
from tools.hub.endpoints.runs import FREE
from tools.hub.repo import buckets, commit, pulls, report, settings, spaces
from tools.hub.repo.arguments import READS, RepoArguments
from tools.hub.repo.change import Change
from tools.hub.repo.evaluation import evaluation_line
from tools.hub.repo.reads import read_of

CHANGES = {
    "create": settings.create,
    "update": settings.update,
    "branch": settings.reference,
    "tag": settings.reference,
    "pr_create": pulls.pr_create,
    "pr_comment": pulls.pr_comment,
    "pr_merge": pulls.status_change,
    "pr_close": pulls.status_change,
    "copy": buckets.copy,
    "restart": spaces.restart,
    "pause": spaces.restart,
}


class HubRepo(AgentTool):
    name: str = "hf_repo"
    description: str = (
        "A Hugging Face repository: its files, upload, delete, create (private by default), update "
        "visibility or gating; branches, tags, commits, pull requests; report (of this session: "
        "REPORT.md, results into the card). Large files: `hf download` in bash."
    )
    args_schema: type[BaseModel] = RepoArguments
    looks_up: bool = True
    foresees: tuple[str, ...] = ("publish",)

    def title(self, arguments: Mapping[str, Any]) -> str:
        a = {name: value for name, value in arguments.items() if value}
        paths = ", ".join(a.get("paths", []))
        what = a.get("path") or a.get("source") or paths or a.get("name") or ""
        if a["operation"] == "upload":
            return f"upload {what} → {a['repo']}"
        removed = " (the whole repo)" if a["operation"] == "delete" and a.get("remove") else ""
        number = f" #{a['number']}" if "number" in a else ""
        return f"{a['operation']} {a['repo']}{number} {what}".rstrip() + removed

    def effect(self, arguments: RepoArguments, cwd: str) -> Effect:
        if arguments.operation in READS:
            return Effect("read")
        if arguments.operation == "hardware" and arguments.name != FREE:
            return Effect("spend", preview=preview(arguments), always_asks=True)
        removes = arguments.operation == "delete" or arguments.remove
        kind: EffectKind = "destroy" if removes else "publish"
        local = arguments.operation in ("upload", "sync") and arguments.source
        return Effect(
            kind,
            paths=(arguments.source,) if local else (),
            preview=preview(arguments),
            asks=opens(arguments),
        )

    async def foresee(self, arguments: RepoArguments, ctx: ToolContext) -> Effect:
        """With a word on the model's evaluation, if a model is published."""
        effect = self.effect(arguments, ctx.cwd)
        if effect.kind == "spend":
            return await spaces.foresee_hardware(arguments, ctx)
        if arguments.operation == "report":
            return replace(
                effect, preview=_lines(effect.preview, await report.preview(arguments, ctx))
            )
        said = await evaluation_line(arguments, ctx)
        return replace(effect, preview=f"{effect.preview}\n{said}") if said else effect

    async def execute(self, arguments: RepoArguments, ctx: ToolContext) -> ToolResult:
        buckets.check_bucket(arguments)
        if arguments.operation in READS:
            return await read_of(arguments, Hub.of(ctx))
        if arguments.operation == "hardware":
            return await spaces.rent(arguments, ctx)
        hub, change = Hub.of(ctx), await change_of(arguments, ctx)
        seen = await hub.ask(change.before, arguments.about)
        await ctx.note(seen)
        try:
            said = await Hub.of(ctx).ask(
                lambda api: change.do(api, seen), arguments.about, again=False
            )
        except ToolError as error:
            # The Hub may have done it all the same, and its answer alone be lost.
            return await self._after(change, arguments, ctx, seen, error)
        if arguments.operation == "pause":
            said += await spaces.ended(arguments, ctx)
        return ToolResult(said)

    async def _after(
        self,
        change: Change,
        arguments: RepoArguments,
        ctx: ToolContext,
        seen: dict[str, Any],
        error: ToolError,
    ) -> ToolResult:
        try:
            found = await Hub.of(ctx).ask(lambda api: change.done(api, seen), arguments.about)
            if found is not None:
                return ToolResult(found)
            if not timed_out(error):
                raise error
        except ToolError as second:
            if second is error:
                raise
        said = f"{error.message} Whether it happened is unknown: look before repeating it."
        return ToolResult(said, ok=False, outcome="unknown")

    async def recover(
        self, arguments: RepoArguments, ctx: ToolContext, note: dict[str, Any]
    ) -> ToolResult | None:
        """The Hub knows: by the commit on top of the one that was there, by title and author."""
        if arguments.operation == "hardware":
            return await spaces.recovered_rent(arguments, ctx, note)
        change = await change_of(arguments, ctx, begun=True)
        try:
            found = await Hub.of(ctx).ask(lambda api: change.done(api, note), arguments.about)
        except ToolError as error:
            said = f"It was begun, and whether it happened is unknown: {error.message}"
            return ToolResult(said, ok=False, outcome="unknown")
        if found is None:
            raise NotBegun
        return ToolResult(found)


def opens(arguments: RepoArguments) -> str:
    """What the change lets everyone see; "" if nothing. Whether it was private before only the
    Hub can tell, and the answer could change: the question is asked in any case."""
    if arguments.visibility == "public" and arguments.operation in ("create", "update"):
        return "it makes the repository public"
    if arguments.gated == "off" and arguments.operation == "update":
        return "it lets everyone read the repository without asking you"
    return ""


def preview(arguments: RepoArguments) -> str:
    """What a user sees before it happens: where, and every word that is published."""
    a = arguments
    where = f"{a.type} {a.repo}"
    at = f"{where}, revision {a.revision or 'main'}"
    by = " as a pull request" if a.create_pr else ""
    if a.operation == "upload":
        what = f"{a.source} to {a.path or '/'}" if a.source else a.path
        return _lines(f"upload to {at}{by}: {what}", a.message, a.text, a.content)
    if a.operation == "report":
        return _lines(f"upload the report of this session to {at}{by}", a.message, a.text)
    if a.operation == "delete" and a.remove:
        return f"delete the whole {where}, with its history"
    if a.operation == "delete":
        return _lines(f"delete from {at}{by}: {', '.join(a.paths)}", a.message, a.text)
    if a.operation == "create":
        return f"create {a.visibility or 'private'} {where}" + (f" ({a.sdk})" if a.sdk else "")
    if a.operation == "update":
        gated = f"gated {a.gated}" if a.gated else ""
        return f"update {where}: {', '.join(x for x in (a.visibility, gated) if x)}"
    if a.operation in ("branch", "tag"):
        verb = "delete" if a.remove else "create"
        return _lines(f"{verb} {a.operation} {a.name} of {where if a.remove else at}", a.text)
    if a.operation in ("restart", "pause", "secret", "hardware"):
        removed = "remove " if a.remove else ""
        return f"{removed}{a.operation} {a.name}".rstrip() + f" of {where}"
    if a.operation in ("copy", "sync"):
        return f"{a.operation} {a.source} to {where}/{a.path}"
    if a.operation == "pr_create":
        return _lines(f"open a pull request on {where}: {a.message}", a.text)
    verb = "comment on" if a.operation == "pr_comment" else a.operation.removeprefix("pr_")
    return _lines(f"{verb} pull request {a.number} of {where}", a.text)


def _lines(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


async def change_of(arguments: RepoArguments, ctx: ToolContext, begun: bool = False) -> Change:
    """The change that is asked for. Raises ToolError where the arguments do not say enough.

    Args:
        begun: only `done` will be asked: local files may be gone by now.
    """
    if arguments.operation == "upload":
        return await commit.upload(arguments, ctx, begun)
    if arguments.operation == "report":
        return await report.upload(arguments, ctx, begun)
    if arguments.operation == "delete":
        whole = arguments.remove
        return settings.delete_repo(arguments) if whole else commit.deletion(arguments)
    if arguments.operation == "sync":
        return await buckets.sync(arguments, ctx, begun)
    if arguments.operation == "secret":
        return spaces.secret(arguments, ctx.services.settings)
    return CHANGES[arguments.operation](arguments)
