"""Judging a shell line by its parts: which rule allows all of it, and what speaks against."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatch

from graph.policy.paths import (
    inside,
    is_protected,
    is_readable_anywhere,
    is_secret,
    named,
    resolved,
)
from graph.policy.rules import Rule, Rules
from graph.policy.shell import Command, Line, Word
from graph.policy.wrapped import programs

#: Variables that may be set for a command that a rule allows. Others change what runs.
HARMLESS = re.compile(
    r"CUDA_VISIBLE_DEVICES|CUDA_LAUNCH_BLOCKING|HF_HUB_[A-Z_]+|HF_DATASETS_[A-Z_]+|OMP_NUM_THREADS"
    r"|MKL_NUM_THREADS|TOKENIZERS_PARALLELISM|TRANSFORMERS_[A-Z_]+|WANDB_MODE|TZ|LANG|LC_[A-Z]+"
    r"|NO_COLOR|PYTHONUNBUFFERED|PYTHONHASHSEED"
)
#: Options with which a program that only reads writes a file or runs another program.
TELLING_OPTIONS = {
    "git": ("--output", "--ext-diff", "--textconv", "--exec", "--upload-pack", "--receive-pack",
            "--open-files-in-pager", "-O", "-c", "--config-env", "--exec-path"),
    "rg": ("--pre", "--hostname-bin"),
    "find": ("-exec", "-execdir", "-ok", "-okdir", "-delete", "-fprint", "-fprint0", "-fprintf",
             "-fls"),
    "fd": ("-x", "-X", "--exec", "--exec-batch"),
    "sort": ("-o", "--output", "--compress-program"),
    "nvidia-smi": ("-f", "--filename", "-r", "--gpu-reset", "-pm", "-pl", "-c", "-i"),
    "tree": ("-o",),
    "sed": ("-i", "--in-place"),
    "awk": ("-f", "-i"),
}  # fmt: skip
#: Names of files with secrets: a pattern that would match one reads it.
SECRET_EXAMPLES = (
    ".env", ".env.local", ".netrc", ".pypirc", ".npmrc", ".pgpass", ".git-credentials", "id_rsa",
    "id_ed25519", "server.pem", "server.key", "credentials.json",
)  # fmt: skip


def denied(line: Line, rules: tuple[Rule, ...]) -> Rule | None:
    """The first of `rules` that a command of the line fits, wrapped ones included."""
    wanted = [rule for rule in rules if rule.tool == "bash"]
    if not wanted:
        return None
    found = list(programs(line))
    return next((r for r in wanted if not r.words or any(map(r.fits_words, found))), None)


def allowed(line: Line, rules: Rules) -> tuple[Rule | None, str]:
    """(the rule that allows the line's first command, "") where rules allow every command;
    else (None, why not)."""
    if line.doubts:
        return None, line.doubts[0]
    if not line.commands:
        return None, "it runs no command"
    first: Rule | None = None
    for command in line.commands:
        rule = next((r for r in rules.allow if r.tool == "bash" and _fits(r, command)), None)
        if rule is None:
            return None, f"no rule allows {' '.join(command.texts)[:60]}"
        why = _suspicious(command)
        if why:
            return None, why
        first = first or rule
    return first, ""


def _fits(rule: Rule, command: Command) -> bool:
    return all(word.static for word in command.words) and rule.fits_words(command.texts)


def _suspicious(command: Command) -> str:
    """What makes a command more than its name says; "" if nothing does."""
    wide = next((word.text for word in command.words[1:] if _matches_secrets(word)), None)
    if wide:
        return f"{wide} would take in files with secrets"
    for name in command.assignments:
        if not HARMLESS.fullmatch(name):
            return f"{name} is set for {command.texts[0]}, which can change what runs"
    telling = TELLING_OPTIONS.get(command.texts[0], ())
    for text in command.texts[1:]:
        option = text.partition("=")[0]
        short = text[:2] if text.startswith("-") and not text.startswith("--") else option
        if option in telling or (short in telling and short != "-i"):
            return f"{command.texts[0]} {option} does more than read"
    return ""


def away(line: Line, cwd: str, state: str, home: str) -> str | None:
    """The first place that the line, run in `cwd`, names outside the working directory `home`;
    None if there is none. If a redirection writes, temporary files and caches are outside too."""
    if not inside(resolved(".", cwd), home):
        return cwd
    for word in line.writes:
        if not inside(resolved(word.text, cwd), home):
            return word.text
    for place in _places(line):
        path = resolved(place, cwd)
        if not (inside(path, home) or is_readable_anywhere(path, state)):
            return place
    return None


def secret(line: Line, cwd: str) -> str | None:
    """The first file known to hold credentials that the line writes to, or names and that is
    there: `jq .key` names none."""
    for word in line.writes:
        if _is_secret(word.text, cwd):
            return word.text
    for place in _places(line, bare=True):
        if _is_secret(place, cwd) and os.path.lexists(named(place, cwd)):
            return place
    return None


def _is_secret(place: str, cwd: str) -> bool:
    return is_secret(named(place, cwd)) or is_secret(resolved(place, cwd))


def _matches_secrets(word: Word) -> bool:
    """Whether a pattern such as `*` or `.e*` takes in a file with secrets."""
    last = word.text.rsplit("/", 1)[-1]
    # The shell leaves hidden files out, unless the pattern begins with a dot.
    return word.pattern and any(
        fnmatch(example, last) and (last.startswith(".") or not example.startswith("."))
        for example in SECRET_EXAMPLES
    )


def protected(line: Line, cwd: str, state: str, *, only_redirects: bool) -> str | None:
    """The first place that governs ml-agent or runs unasked later, and that the line writes to,
    or names at all."""
    places = [word.text for word in line.writes]
    if not only_redirects:
        places += _places(line)
    for place in places:
        if is_protected(named(place, cwd), state) or is_protected(resolved(place, cwd), state):
            return place
    return None


def _arguments(line: Line) -> Iterator[Word]:
    for command in line.commands:
        yield from command.words[1:]
    yield from line.reads


def _places(line: Line, *, bare: bool = False) -> Iterator[str]:
    """The arguments that name a place: `a/b`, `~/x`, `..`, also behind an option. `bare`: names
    without a slash too."""
    for word in _arguments(line):
        text = word.text
        if text.startswith("-"):
            value = re.split(r"=", text, maxsplit=1)[-1]
            start = re.search(r"[~/]", value if "=" in text else text)
            if "=" in text and (bare or "/" in value or value.startswith(("~", ".."))):
                yield value
            elif start is not None:
                yield text[start.start() :]
        elif "://" not in text and (
            bare or "/" in text or text.startswith("~") or text in ("..", ".")
        ):
            yield text
