"""Random sequences of turns, edits by someone else, kills, undo and redo, next to a simple model of
what must be true: undo brings back exactly what the turn changed and no one changed since, and
touches nothing else."""

import asyncio
import os
import random
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage
from pydantic import BaseModel

from configs.settings import Settings
from core.effects import Effect
from core.model import Answer
from core.model_errors import ModelUnavailable
from core.store import ThreadRow, open_store
from core.tool import AgentTool, ToolContext, ToolResult
from graph.session import RunOptions, Session
from graph.transcript.write import as_markdown
from graph.turn_files import TurnFiles, snapshots_of
from graph.undo_files import UndoFiles
from nodes.services import build_services
from tests.stand_ins.model_in_memory import ModelInMemory
from tools.local.write import Write

#: A path: ("file", mode, content), ("link", 0, target) or ("folder", mode, b"").
Thing = tuple[str, int, bytes]
Tree = dict[str, Thing]
FOLDERS = ("", "d", "d/e", "f", "sp ace")
KINDS = ("write", "write", "edit", "delete", "chmod", "rename", "link", "folder", "prune")
NAMES = ("a", "b", "c.py", "ünï", 'q"uote', "g.log")


def tree(folder: Path) -> Tree:
    found: Tree = {}
    for root, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = os.path.join(root, name)
            status = os.lstat(path)
            mode = status.st_mode & 0o7777
            if os.path.islink(path):
                thing: Thing = ("link", 0, os.fsencode(os.readlink(path)))
            elif os.path.isdir(path):
                thing = ("folder", mode, b"")
            else:
                thing = ("file", mode, Path(path).read_bytes())
            found[os.path.relpath(path, folder)] = thing
    return {name: thing for name, thing in found.items() if ".git" not in name.split("/")}


def mutate(rng: random.Random, folder: Path) -> None:
    """One change of a file, a link or a folder."""
    path = folder / rng.choice(FOLDERS) / rng.choice(NAMES)
    other = folder / rng.choice(FOLDERS) / rng.choice(NAMES)
    kind = rng.choice(KINDS)
    with suppress(OSError):
        if kind == "folder":
            (folder / rng.choice(("d/new", "empty", "f/e", "d"))).mkdir(parents=True, exist_ok=True)
        elif kind == "prune":
            there = [name for name, thing in tree(folder).items() if thing[0] == "folder"]
            if there:
                shutil.rmtree(folder / rng.choice(sorted(there)))
        elif kind == "delete":
            path.unlink()
        elif kind == "chmod":
            path.chmod(rng.choice((0o600, 0o644, 0o755, 0o400)))
        elif kind == "rename":
            path.rename(other)
        elif kind == "link":
            path.symlink_to(rng.choice(("a", "../b", "/nowhere")))
        elif not path.is_symlink():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{kind} {rng.random()}\n" * rng.randint(0, 3))


@dataclass
class ModelTurn:
    """What a turn changed: path → [before, after, whether someone else changed it in between].
    unsure: changed by a call that was killed; only that no one else's is touched is known."""

    text: str
    changes: dict[str, list[Any]] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)

    def note(self, before: Tree, after: Tree, killed: bool = False) -> None:
        for name in before.keys() | after.keys():
            was, now = before.get(name), after.get(name)
            if was == now:
                continue
            if killed:
                self.unsure.add(name)
            change = self.changes.setdefault(name, [was, was, False])
            change[2] = change[2] or change[1] != was
            change[1] = now


class Nothing(BaseModel):
    """Arguments of a call that has none."""


class Act(AgentTool):
    """A call that changes files as the world says."""

    name: str = "act"
    description: str = "changes files"
    args_schema: type[BaseModel] = Nothing
    world: Any = None

    def effect(self, arguments: Any, cwd: str) -> Effect:
        return Effect("execute", command="act")

    async def execute(self, arguments: Any, ctx: ToolContext) -> ToolResult:
        await ctx.note({})
        await self.world.act()
        return ToolResult("done")


class Noted(Write):
    """`write`, whose change the world is told."""

    world: Any = None

    async def execute(self, arguments: Any, ctx: ToolContext) -> ToolResult:
        before = tree(self.world.folder)
        try:
            return await super().execute(arguments, ctx)
        finally:
            self.world.turns[-1].note(before, tree(self.world.folder))


class World(ModelInMemory):
    """One sequence."""

    def __init__(self, seed: int, settings: Settings, folder: Path) -> None:
        self.rng = random.Random(seed)
        self.settings = settings
        self.folder = folder
        self.turns: list[ModelTurn] = []
        self.undone: list[ModelTurn] = []
        self.session: Session
        self.log: list[str] = [f"seed {seed}"]
        self._left = 0
        self._kill = ""
        self._dead = asyncio.Event()
        #: A call was killed: no one can tell what it did from what others did since.
        self._unknown = False
        #: Folders that undo had to make; the last redo removes them if they are empty.
        self._made: set[str] = set()

    # --- a model client -------------------------------------------------------------------------

    async def answer(self, *given: Any, **more: Any) -> Answer:
        if self.rng.random() < 0.3:
            self.outside("while the model thinks")
        if self._kill == "model":
            raise ModelUnavailable("the process died")
        calls: list[dict[str, Any]] = []
        if self._left:
            self._left -= 1
            for number in range(self.rng.choice((1, 1, 2))):
                calls.append(self._call(number))
        return Answer(AIMessage("" if calls else "said", tool_calls=calls), "stop", (), 0)

    def _call(self, number: int) -> dict[str, Any]:
        id = f"c{number}"
        if self.rng.random() < 0.2:
            path = f"{self.rng.choice(FOLDERS[1:])}/w{self.rng.randint(0, 99)}"
            before = tree(self.folder)
            above = self.folder / Path(path).parent
            if path in before or (above.exists() and not above.is_dir()):
                return {"name": "act", "args": {}, "id": id}
            return {"name": "write", "args": {"path": path, "content": "w"}, "id": id}
        return {"name": "act", "args": {}, "id": id}

    def count_tokens(self, messages: Any, tools: Any = ()) -> int:
        return 100 * len(messages)

    # --- what happens -----------------------------------------------------------------------------

    async def _die(self) -> None:
        self._dead.set()
        await asyncio.Event().wait()

    async def act(self, killed: bool = False) -> None:
        killed = killed or self._kill == "call"
        self._unknown = False
        turn = self.turns[-1]
        for number in range(self.rng.randint(0, 3)):
            before = tree(self.folder)
            mutate(self.rng, self.folder)
            turn.note(before, tree(self.folder), killed=killed)
            if number == 1:
                await asyncio.sleep(0)
        if self._kill == "call":
            await self._die()

    def outside(self, when: str) -> None:
        before = tree(self.folder)
        for _ in range(self.rng.randint(1, 3)):
            mutate(self.rng, self.folder)
        after = tree(self.folder)
        names = sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))
        self.log.append(f"outside {when}: {names}")
        if self._unknown:
            self.turns[-1].unsure.update(names)

    async def opened(self, thread: str | None = None) -> None:
        tools: Mapping[str, AgentTool] = {
            "act": Act(world=self),
            "write": Noted(world=self),
        }
        options = RunOptions(mode="yolo")
        self.session = Session.open(
            self.settings, cwd=self.folder, thread=thread, options=options, models=self, tools=tools
        )
        await self.session.__aenter__()

    async def send(self, kill: str = "") -> None:
        """A turn; `kill`: where the process dies in it."""
        self._left, self._kill = self.rng.randint(0, 3), kill
        self._left = max(self._left, 1) if kill == "call" else self._left
        turn = ModelTurn(f"turn {self.rng.random()}")
        self.turns.append(turn)
        self.undone.clear()
        self._unknown = False
        self.log.append(f"send, kill {kill or 'no'}")
        await self._drive(self.session.send(turn.text))

    async def _drive(self, events: Any) -> None:
        """A turn to its end. A kill leaves what a killed process leaves: of a call nothing is
        counted, of the model's request no step."""
        dead = asyncio.ensure_future(self._dead.wait())
        dead.add_done_callback(self._killed)
        async for event in events:
            if not self._kill:
                assert event.name != "error", event.to_dict()
        dead.cancel()
        in_call, killed = self._kill == "call", self._dead.is_set() or self._kill == "model"
        self._kill = ""
        self._dead.clear()
        if killed:
            await self.reopen()
            self.after_kill(in_call)

    def _killed(self, dead: asyncio.Future[Any]) -> None:
        async def never(*given: Any) -> None: ...

        if not dead.cancelled():
            self.session._files._leave = never  # type: ignore[method-assign]
            self.session.interrupt()

    def after_kill(self, in_call: bool) -> None:
        self._unknown = in_call
        if self.rng.random() < 0.5:
            self.outside("after the kill")

    async def resume(self) -> None:
        if self.turns and await self.session.unfinished():
            self.log.append("resume")
            self._left = self.rng.randint(0, 2)
            await self._drive(self.session.resume())

    async def compact(self) -> None:
        self.log.append("compact")
        if not await self.session.unfinished():
            async for _ in self.session.compact():
                pass

    async def export(self) -> None:
        self.log.append("export")
        with suppress(OSError):
            said = "".join(as_markdown(self.session.thread, await self.session.export()))
            (self.folder / self.rng.choice(("export.md", "d/a"))).write_text(said)

    async def reopen(self) -> None:
        self.log.append("reopen")
        id = self.session.thread.id
        known = bool(self.turns or self.undone)
        await self.session.close()
        await self.opened(id if known else None)

    async def undo(self) -> None:
        count = min(self.rng.choice((1, 1, 2)), len(self.turns))
        if not count:
            return
        self.log.append(f"undo {count}")
        self._unknown = False
        before = tree(self.folder)
        seen = await self.take_back(count, dry_run=True)
        assert tree(self.folder) == before, "a dry run changes nothing"
        left = await self.take_back(count)
        assert seen.items() <= left.items()
        undone = [self.turns.pop() for _ in range(count)]
        after = tree(self.folder)
        check_back(before, after, undone, left)
        self._made |= {name for name in after.keys() - before if after[name][0] == "folder"}
        self.undone += undone
        if self.rng.random() < 0.5:
            for _ in range(count):
                await self.do_again()
                self.turns.append(self.undone.pop())
            lost = differing(before, tree(self.folder))
            assert lost == {}, f"redo gives the state back: {lost}, {left}, {undone}"
        await self.check_talk()

    async def take_back(self, count: int, *, dry_run: bool = False) -> dict[str, str]:
        """What undo leaves, with the reason."""
        return (await self.session.time_line().undo(count, dry_run=dry_run)).left

    async def do_again(self) -> None:
        await self.session.time_line().redo()

    async def redo(self) -> None:
        if not self.undone:
            return
        self.log.append("redo")
        before = tree(self.folder)
        await self.do_again()
        turn = self.undone.pop()
        self.turns.append(turn)
        check_untouched(before, tree(self.folder), {*turn.changes, *self._made})
        await self.check_talk()

    async def check_talk(self) -> None:
        """A turn that was killed before its message was taken leaves it to the next one."""
        found = [turn.number for turn in await self.session.time_line().turns()]
        assert found == list(range(len(self.turns), 0, -1))

    async def run(self, steps: int) -> None:
        ops = "send send send outside outside compact export reopen undo undo redo kill kill"
        for _ in range(3):
            mutate(self.rng, self.folder)
        await self.opened()
        try:
            for _ in range(steps):
                op = self.rng.choice(ops.split())
                if op == "kill":
                    await self.send(self.rng.choice(("model", "call")))
                    if self.rng.random() < 0.4:
                        await self.resume()
                elif op == "outside":
                    self.outside("between turns")
                else:
                    await getattr(self, op)()
            await self.undo()
        finally:
            await self.close()

    async def close(self) -> None:
        await self.session.close()


class Direct(World):
    """The same without a graph: the calls' looks, and the files of undo and redo. Much faster."""

    async def opened(self, thread: str | None = None) -> None:
        self.store = await open_store(self.settings)
        self.services = build_services(self.settings, self.store)
        self.row = ThreadRow("t", str(self.folder), "host", "t", "openai/x", "yolo")
        self.snapshots = snapshots_of(self.settings, self.store)
        self.past = UndoFiles(self.snapshots, self.services.outputs, self.row)
        await self.reopen()

    async def close(self) -> None:
        await self.files.settled()
        await self.store.close()

    async def reopen(self) -> None:
        self.log.append("reopen")
        self.files = TurnFiles(self.services, self.snapshots, self.row)

    async def send(self, kill: str = "") -> None:
        last = self.turns[-1].text if self.turns else None
        self.turns.append(ModelTurn(f"turn {self.rng.random()}"))
        self.undone.clear()
        self.log.append(f"send, kill {kill or 'no'}")
        self.files.begin(self.turns[-1].text, after=last)
        await self._calls(kill)
        await self.files.settled()

    async def _calls(self, kill: str) -> None:
        for _ in range(self.rng.randint(1, 3)):
            if self.rng.random() < 0.3:
                self.outside("while the model thinks")
            await asyncio.gather(*(self._called() for _ in range(self.rng.choice((1, 1, 2)))))
        if kill == "call":
            assert self.files._turn is not None
            await self.files.settled()
            await self.files._enter(self.files._turn, None)
            await self.act(killed=True)
        if kill:
            await self.reopen()
            self.after_kill(kill == "call")

    async def _called(self) -> None:
        if self.rng.random() < 0.3:
            path = f"{self.rng.choice(FOLDERS[1:])}/w{self.rng.randint(0, 9)}"
            effect = Effect("write", paths=(path,))
            async with self.files.changing(Write(), None, effect):
                self._unknown = False
                before = tree(self.folder)
                with suppress(OSError):
                    (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
                    (self.folder / path).write_text(f"w {self.rng.random()}")
                self.turns[-1].note(before, tree(self.folder))
        else:
            async with self.files.changing(Act(), None, Effect("execute")):
                await self.act()

    async def resume(self) -> None:
        self.log.append("resume")
        self.files.follow(self.turns[-1].text)
        await self._calls("")

    async def compact(self) -> None:
        self.log.append("compact")

    async def export(self) -> None:
        self.outside("as an export")

    async def take_back(self, count: int, *, dry_run: bool = False) -> dict[str, str]:
        befores = [turn.text for turn in reversed(self.turns[-count:])]
        plan, off = await self.past.back(befores, dry_run)
        assert not off
        return plan.left

    async def do_again(self) -> None:
        later = self.undone[-2].text if len(self.undone) > 1 else ""
        await self.past.forth(self.undone[-1].text, False, later)

    async def check_talk(self) -> None: ...


def differing(one: Tree, other: Tree) -> dict[str, Any]:
    names = one.keys() | other.keys()
    return {n: (one.get(n), other.get(n)) for n in names if one.get(n) != other.get(n)}


def check_back(before: Tree, after: Tree, turns: list[ModelTurn], left: Mapping[str, str]) -> None:
    """What an undo of `turns`, the newest first, must have done, and nothing else."""
    state: dict[str, Thing | None] = dict(before)
    kept: set[str] = set()
    unsure = {name for turn in turns for name in turn.unsure}
    for turn in turns:
        for name, (was, now, mixed) in turn.changes.items():
            if name in kept or state.get(name) == was or (was == now and not mixed):
                continue
            if mixed or state.get(name) != now:
                kept.add(name)
            else:
                state[name] = was
    wanted = {n: t for n, t in state.items() if t != before.get(n) and n not in kept}
    for name in before.keys() | after.keys() | wanted.keys():
        is_, was, target = after.get(name), before.get(name), wanted.get(name)
        if name not in wanted:
            made_for_child = was is None and is_ is not None and is_[0] == "folder"
            if made_for_child and any(n.startswith(f"{name}/") for n in wanted):
                continue
            assert is_ == was, f"{name} was touched: {was} → {is_}"
            if name in kept and name not in unsure:
                assert name in left, f"{name} stays, and is not named: {was} {turns}"
        elif is_ != target and not (name in unsure and is_ == was):
            assert name in left, f"{name} is {is_}, not {target}, and not named: {left}, {turns}"
            assert is_ == was or (is_ and is_[0] == "folder"), f"{name}: {was} → {is_}"
            assert name in unsure or in_the_way(name, target, after), f"{name}: {left[name]}"


def in_the_way(name: str, target: Thing | None, after: Tree) -> bool:
    """Why a path can rightly not be brought back: something that is not the turn's is there."""
    parts = name.split("/")
    above = ["/".join(parts[:count]) for count in range(1, len(parts))]
    blocked = any(path in after and after[path][0] != "folder" for path in above)
    return blocked or any(path.startswith(f"{name}/") for path in after)


def check_untouched(before: Tree, after: Tree, names: set[str]) -> None:
    for name in before.keys() | after.keys():
        above = any(other.startswith(f"{name}/") for other in names)
        if name not in names and not above:
            assert before.get(name) == after.get(name), f"{name} was touched"
