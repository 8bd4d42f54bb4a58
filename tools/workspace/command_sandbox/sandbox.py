"""Which kind of sandbox works here, and a command put into it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from configs.real_path import real_path
from configs.settings import Settings
from core.errors import ToolError
from core.run import Reach
from tools.workspace.command_sandbox import bubblewrap, changes, landlock, seatbelt
from tools.workspace.command_sandbox.plan import Plan, Planner
from tools.workspace.command_sandbox.program import programs, takes_descriptors

Kind = Literal["bubblewrap", "landlock", "seatbelt", "none"]
TITLES = {"bubblewrap": "bubblewrap", "landlock": "Landlock", "seatbelt": "Seatbelt"}
#: Seconds that a try may take.
PATIENCE = 10.0
#: How often a command is started whose sandbox cannot be made: what is hidden from it, say a
#: socket of another program in /tmp, may go away at that moment. The command has not begun then.
STARTS = 10


@dataclass(frozen=True)
class Found:
    """The sandbox that works on this machine.

    Attributes:
        kind: none if there is none. program: what starts it. reasons: why a better one does not
            work, a line each. options: what this machine needs besides.
    """

    kind: Kind
    program: str = ""
    reasons: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def described(self) -> str:
        """In a few words: its name, and what it does not hold."""
        if self.kind == "none":
            return "none"
        if self.kind == "landlock":
            return f"Landlock (not covered: {landlock.gaps(landlock.version())})"
        return TITLES[self.kind]


@dataclass(frozen=True)
class Wrapped:
    """A command in its sandbox. argv: what is run. plan: what it may reach; None: no sandbox.
    about: the plan as the run directory keeps it. environment: variables that it needs.
    descriptors: those that argv names: the command's start has to pass them on."""

    argv: list[str]
    plan: Plan | None = None
    about: dict[str, Any] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    descriptors: dict[str, int] = field(default_factory=dict)

    def close(self) -> None:
        """Close the descriptors, once the command was started."""
        bubblewrap.close(self.descriptors)

    def clear(self) -> None:
        """Once the command has begun, or has failed to: remove what starting it left."""
        if self.plan is not None and self.about is not None and self.about["by"] == "bubblewrap":
            bubblewrap.clear(self.plan)


@cache
def find(only: str = "") -> Found:
    """What works here; tried once in a process. `only`: this kind or none."""
    reasons: list[str] = []
    if sys.platform == "darwin" and only in ("", "seatbelt"):
        trouble = _trouble(seatbelt_try())
        if not trouble:
            return Found("seatbelt", seatbelt.PROGRAM)
        reasons.append(f"Seatbelt: {trouble}")
    if sys.platform == "linux" and only in ("", "bubblewrap"):
        for program, options in _variants():
            trouble = _trouble([program, *options, *bubblewrap_try(), "true"])
            if not trouble:
                return Found("bubblewrap", program, tuple(reasons), tuple(options))
            reasons.append(f"bubblewrap ({program}): {trouble}")
        if not reasons:
            reasons.append("bubblewrap: it is not installed")
    if sys.platform == "linux" and only in ("", "landlock"):
        if landlock.version():
            trouble = _trouble([*landlock.arguments(Plan("/", (), True)), "true"])
            if not trouble:
                return Found("landlock", str(landlock.LAUNCHER), tuple(reasons))
            reasons.append(f"Landlock: {trouble}")
        else:
            reasons.append("Landlock: this kernel does not have it")
    return Found("none", "", tuple(reasons or [f"there is none for {sys.platform}"]))


def _variants() -> list[tuple[str, list[str]]]:
    """Root needs no user namespace; in a container it may get one where it may not mount."""
    found = []
    for program in dict.fromkeys(programs()):
        found.append((program, list[str]()))
        if os.geteuid() == 0:
            found.append((program, ["--unshare-user"]))
    return found


def bubblewrap_try() -> list[str]:
    """What every command needs, the network's namespace too."""
    given = ["--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-net"]
    return [*given, *bubblewrap.capabilities(), *bubblewrap.base(), "--"]


def seatbelt_try() -> list[str]:
    return [*seatbelt.arguments(Plan("/", (), False)), "/usr/bin/true"]


def _trouble(command: Sequence[str]) -> str:
    """Why `command` does not run; "" if it does."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"exit code {done.returncode}"


def in_words(settings: Settings) -> str:
    """What commands run in, as part of a line. Blocks at its first call."""
    if settings.sandbox_commands == "off":
        return "commands without a sandbox (sandbox_commands is off)"
    found = find()
    if found.kind != "none":
        return f"commands in {TITLES[found.kind]}"
    if settings.sandbox_commands == "required":
        return "no commands: a sandbox is required and none works (ml-agent doctor)"
    return "commands without a sandbox: none works here (ml-agent doctor)"


@dataclass(frozen=True)
class CommandPlace:
    """Where a command runs, and what it may reach. folder: the thread's working directory.
    frozen: what it may read alone."""

    folder: str
    cwd: str
    reach: Reach
    frozen: Sequence[str] = ()


class CommandSandbox:
    """The sandbox of one session's commands.

    `only`: the kind to use, whatever else works here.
    """

    def __init__(self, settings: Settings, only: str = "") -> None:
        self._settings = settings
        self._only = only
        self._planner = Planner(settings)
        self._blank = bubblewrap.Blank(settings.state_path())
        self._launcher = ""

    def found(self) -> Found:
        """Blocks at its first call. Raises ToolError: it is required and does not work."""
        if self._settings.sandbox_commands == "off":
            return Found("none", "", ("sandbox_commands is off",))
        found = find(self._only)
        if found.kind == "none" and self._settings.sandbox_commands == "required":
            raise ToolError(
                "Cannot run commands: sandbox_commands is required, and no sandbox works here: "
                f"{'; '.join(found.reasons)}. Install bubblewrap, or set sandbox_commands to auto."
            )
        return found

    def wrap(
        self,
        command: Sequence[str],
        place: CommandPlace,
        *,
        shown: Sequence[str] = (),
        status: bool = True,
        failed: Plan | None = None,
    ) -> Wrapped:
        """`command` in the sandbox. Blocks.

        Args:
            shown: readable although they lie in a hidden place. status: descriptor
                bubblewrap.STATUS is open; without it the command ends with the process that
                started it, and gets no descriptors. failed: see `Planner.plan`.
        Raises ToolError: a sandbox is required and none works; OSError; ValueError.
        """
        found = self.found()
        reach = place.reach
        if reach == "outside" or found.kind == "none":
            return Wrapped(list(command))
        plan = self._planner.plan(place.folder, reach, shown, place.frozen, failed)
        descriptors: dict[str, int] = {}
        if found.kind == "bubblewrap":
            self._blank.make()
            there = real_path(place.cwd)
            if status and takes_descriptors(found.program):
                descriptors = bubblewrap.opened(plan)
            given = bubblewrap.arguments(
                plan, there, self._blank, status=status, descriptors=descriptors
            )
            argv = [found.program, *found.options, *given]
        elif found.kind == "landlock":
            self._launcher = self._launcher or landlock.compiled(self._settings.state_path())
            argv = landlock.arguments(
                plan, status=bubblewrap.STATUS if status else -1, launcher=self._launcher
            )
        else:
            argv = seatbelt.arguments(plan)
        about = {
            "by": TITLES[found.kind],
            "reach": reach,
            "says_started": status and found.kind != "seatbelt",
            "writable": plan.writable,
            "hidden": plan.hidden,
            "folder": plan.folder,
            "marks": changes.marks(plan.governing) if reach != "read-only" else None,
        }
        # uv links files from its cache, which is another mount: it would complain each time.
        return Wrapped([*argv, *command], plan, about, {"UV_LINK_MODE": "copy"}, descriptors)
