"""Whether rules let a whole line run without asking.

Only lines of the closed grammar get here (`grammar.py`). Each command must fit a rule, be found
outside the working directory, have options that may stand, and name no place that is special.
"""

import os
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from configs.real_path import real_path
from core.policy.grammar import HARMLESS_BUILTINS, ShellCommand
from core.policy.paths import inside, resolved
from core.policy.places import (
    MOST_FOLDERS,
    folders_of,
    is_regular,
    outside_place,
    places_of,
    special_below,
    unusual_place,
)
from core.policy.programs import READ_FOLDERS, in_table, option_problem, reader_of
from core.policy.repository import git_problem
from core.policy.rules import Rule, Rules

Commands = Sequence[ShellCommand]
#: Variables with folders of libraries, that pass to commands.
LIBRARIES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")


def allowing_rule(commands: Commands, rules: Rules) -> tuple[Rule | None, str]:
    """(the rule that allows the first command, "") if rules allow every command; else (None, why
    not)."""
    first: Rule | None = None
    for command in commands:
        fitting = [r for r in rules.allow if r.tool == "bash" and r.fits_words(command.words)]
        if not fitting:
            return None, f"no rule allows {' '.join(command.words)[:60]}"
        problems = [_option_problem(command.words, rule) for rule in fitting]
        if all(problems):
            return None, problems[0]
        first = first or fitting[problems.index("")]
    return first, ""


def _option_problem(words: Sequence[str], rule: Rule) -> str:
    """What stands against the options of a program that is known, unless the rule names them."""
    if not in_table(words) or rule.is_exact:
        return ""
    named = [word for word in rule.words if word != "*"]
    fitting = [w for w in words[1:] if any(fnmatchcase(w, pattern) for pattern in named)]
    return option_problem(words, fitting)


def reads_only(command: ShellCommand) -> bool:
    """Whether all of it is in the table of programs that only read."""
    return reader_of(command.words) is not None and not option_problem(command.words)


def place_problem(commands: Commands, folder: str, home: str, state: str) -> str:
    """Why a line cannot run in `folder` without asking, by its programs and places; "" if it
    may. `home` is the working directory."""
    folders = folders_of((command.words for command in commands), folder)
    if len(folders) == MOST_FOLDERS:
        return "it changes folders too often"
    library = _library_problem(home)
    if library:
        return library
    astray = next((f for f in folders if not inside(f, home)), None)
    if astray:
        return f"{astray} is outside the working directory"
    for command in commands:
        problem = (
            _program_problem(command.words[0], home)
            or _cd_problem(command.words)
            or _redirect_problem(command, folders, home)
            or _word_problem(command, folders, home, state)
            or _folder_problem(command.words, folders, home)
        )
        if not problem and command.words[0] == "git" and reader_of(command.words):
            found = (git_problem(command.words, f, home) for f in folders)
            problem = next((why for why in found if why), "")
        if problem:
            return problem
    return ""


def _library_problem(home: str) -> str:
    """Each program loads libraries from these folders before its own: an empty entry, as in
    `LD_LIBRARY_PATH=/opt/lib:`, is the folder where it runs."""
    for variable in LIBRARIES:
        value = os.environ.get(variable)
        for entry in re.split("[:;]", value) if value else ():
            if not os.path.isabs(entry):
                return f"{variable} holds a folder that is not absolute"
            if inside(os.path.abspath(entry), home) or inside(real_path(entry), home):
                return f"{variable} leads into the working directory"
    return ""


def _program_problem(name: str, home: str) -> str:
    """The shell must find the program by its name, and not in the working directory: what lies
    there, the model may have written."""
    if name in HARMLESS_BUILTINS:
        return ""
    if "/" in name:
        return f"{name} names a program by its place"
    for entry in os.get_exec_path():
        if not os.path.isabs(entry):
            return "PATH holds a folder that is not absolute"
        file = os.path.join(entry, name)
        if os.path.isfile(file) and os.access(file, os.X_OK):
            within = inside(os.path.abspath(file), home) or inside(real_path(file), home)
            return f"{name} is in the working directory" if within else ""
    return ""


def _cd_problem(words: Sequence[str]) -> str:
    """`cd` to one folder by its name. Elsewhere the shell's own memory decides, or CDPATH; and it
    takes `..` by names, where the system takes it by places."""
    if words[0] != "cd":
        return ""
    target = words[1] if len(words) == 2 else ""
    if not target or target.startswith("-") or ".." in target.split("/"):
        return "it changes to a folder that is not named"
    if os.environ.get("CDPATH") and not target.startswith(("/", "./", "~/")):
        return "CDPATH is set"
    return ""


def _redirect_problem(command: ShellCommand, folders: Sequence[str], home: str) -> str:
    for redirect in command.redirects:
        target = redirect.target
        if target == "/dev/null":
            continue
        for folder in folders:
            if not inside(resolved(target, folder), home):
                return f"{target} is outside the working directory"
            if not is_regular(target, folder):
                return f"{target} is not a file"
    return ""


def _word_problem(command: ShellCommand, folders: Sequence[str], home: str, state: str) -> str:
    places = list(places_of(command.words[1:]))
    outside = outside_place(places, folders, home, state, reads=reads_only(command))
    if outside:
        return f"{outside} is outside the working directory"
    unusual = unusual_place(places, folders)
    return f"{unusual} is neither a file nor a folder" if unusual else ""


def _folder_problem(words: Sequence[str], folders: Sequence[str], home: str) -> str:
    """A program that reads all that lies in a folder must find nothing special there."""
    name = words[0]
    options = [word for word in words[1:] if word.startswith("-")]
    recursive = any(
        o in ("--recursive", "--dereference-recursive") or (o[1] != "-" and set(o) & {"r", "R"})
        for o in options
        if len(o) > 1
    )
    if name not in READ_FOLDERS or (name.endswith("grep") and not recursive):
        return ""
    # ripgrep passes over hidden names, unless it is told otherwise.
    hidden = name != "rg" or any(
        o.startswith(("--hid", "--unr")) or (o[:2] != "--" and set(o) & {"u", "."}) for o in options
    )
    for folder in folders:
        named = [w for w in words[1:] if os.path.isdir(os.path.join(folder, w))]
        searches = name in ("ack", "ag", "rg") or name.endswith("grep")
        for place in named or ([folder] if searches else []):
            found = special_below(os.path.join(folder, place), home, hidden=hidden)
            if found:
                return f"{name} may read {found}, which is secret or leads out of the folder"
    return ""
