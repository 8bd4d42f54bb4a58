"""The phrasings this product does not use, and where it still does.

    uv run python -m tests.prose            # every hit, by file, with what to write instead
    uv run python -m tests.prose --write    # lower the baseline; never raises a number

docs/glossary.md has the rules for English and the product's words. tests/test_prose.py compares the
counts with tests/prose_baseline.json: documents by file, the code by area, because files move.
"""

from __future__ import annotations

import ast
import io
import json
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

import click

ROOT = Path(__file__).parent.parent
BASELINE = Path(__file__).with_name("prose_baseline.json")
WRITE = "uv run python -m tests.prose --write"
PRODUCT = ("cli", "configs", "core", "graph", "nodes", "server", "tools")
PAGES = ("README.md", "AGENTS.md", "CHANGELOG.md", "SECURITY.md")
#: Calls whose text the model reads.
FOR_THE_MODEL = {"ToolError", "ToolResult", "HumanMessage", "SystemMessage", "ToolMessage"}


@dataclass(frozen=True)
class Phrase:
    """A banned phrasing. Spaces in the pattern match any white space; case does not count."""

    pattern: str
    #: What to write.
    instead: str
    #: Number of the rule in docs/glossary.md; 0: a word that has another name there.
    rule: int
    bad: str
    good: str

    @cached_property
    def regex(self) -> re.Pattern[str]:
        return re.compile(self.pattern.replace(" ", r"\s+"), re.IGNORECASE)


ARCHAIC = (
    "thereof|therein|thereto|thereby|thereupon|thence|thither|hence|henceforth|hereby|herein|"
    "hitherto|hither|wherein|whereby|whereupon|whence|whither|notwithstanding|albeit|ere|lest|"
    "forthwith|betwixt|amongst|whilst|unto|nought|naught|aught|thus|anew|shall|upon|suffices?"
)
PHRASES = (
    # Words that are out of use, and turns of phrase that go with them.
    Phrase(rf"\b(?:{ARCHAIC})\b", "a word of today (again, so, on, where, will, must)", 2,
           "start anew", "start again"),
    Phrase(r"(?<!there\s)\b(?:is|are|was|were) no (?!longer\b|more\b|less\b|fewer\b|later\b)",
           "is not a ...", 2, "it is no text", "there is no file, and it is no longer read"),
    Phrase(r"\bcannot be had\b|\bcan be had\b", "is unavailable, is unknown", 2,
           "where the model cannot be had", "if the model is unavailable"),
    Phrase(r"\b(?:got|gotten|gets?) back\b", "cannot be undone; returned", 2,
           "what it removes cannot be got back", "this cannot be undone"),
    Phrase(r"\bbeside\b", "also, next to, in addition to", 2,
           "install it beside ml-agent", "besides, install it next to ml-agent"),
    Phrase(r"\b(?:go|goes|going|gone|went) on\b", "continue; keep running", 2,
           "the run goes on", "the run continues"),
    Phrase(r"\bwill do\b(?! (?:the|this|that|it|so|what)\b)", "is enough", 2,
           "the start of its id will do", "it will do the same"),
    Phrase(r"\b(?:start|end|beginning) of its id\b", "an id prefix", 2,
           "the start of its id", "the first characters of the id"),
    Phrase(r"\bat (?:its|their) (?:end|start|beginning|birth)\b", "when it ends, when it starts", 2,
           "removed at its end", "removed when it ends"),
    Phrase(r"(?:^|(?<=[.!?:;]\s)|(?<=[-*]\s)|(?<=\|\s))(?-i:Where) "
           r"(?:an?|the|it|they|this|that|these|there|you|no|none|neither|nothing|both|one|such)\b",
           "If ...", 2, "Where the key is missing, it stops.",
           "Where things are. See where it is."),
    Phrase(r"\bwhere (?:it|they|that|none|neither|both) (?:is|are|was|were) "
           r"(?:not|un\w+|known|set|too|longer|less|missing|empty|more)\b",
           "if ...", 2, "the price, where it is not known", "the price, if it is not known"),
    Phrase(r"\bwhere there (?:is|are) (?:one|none|no|any)\b", "if there is one", 2,
           "a sandbox where there is one", "a sandbox if there is one"),
    Phrase(r"\bin order (?:that|to)\b", "to, so that", 1,
           "in order to stop", "stop, to save money"),
    Phrase(r"\bmay not\b", "must not, cannot; might not", 1,
           "a folder may not set it", "a folder cannot set it"),
    Phrase(r"\b(?:that|which) (?:is|are) to [a-z]+", "that must, that will", 1,
           "a command that is to run outside", "a command that must run outside"),
    Phrase(r"\bof it all\b", "of all of it", 2, "the end of it all", "the end of all of it"),
    Phrase(r"\b(?:something|nothing|anything) else than\b|\botherwise than\b",
           "other than, differently from", 2,
           "something else than that", "something other than that"),
    Phrase(r"\bof (?:your|their|its|our|one's) own\b", "your own ...", 1,
           "a server of your own", "your own server"),
    Phrase(r"\bsuch (?:a|an) one\b", "one of these", 2, "it is such a one", "it is such a file"),
    Phrase(r"\bone's\b", "your", 3, "servers of one's own", "your servers"),
    Phrase(r"\bfor want of\b", "without", 2, "for want of a key", "without a key"),
    # Who it is about.
    Phrase(r"\bpersons?\b", "you, the user", 3,
           "the person's answer", "personal; the user's answer"),
    Phrase(r"\b(?:nobody|somebody|anybody|everybody|whoever|whomever|whom)\b",
           "no one, someone, the user; name who it is", 3,
           "nobody is there to answer", "the user is not there to answer"),
    Phrase(r"\bstrangers?\b", "an untrusted source", 0,
           "a stranger's words", "text from an untrusted source"),
    Phrase(r"\b(?:your|own|whose|its|server's) word\b(?! (?:of|for|in|after|before|or)\b)|"
           r"\bthe word of (?:the|an?) (?:MCP )?server\b",
           "approval, decision; claims", 0, "calls that wait for your word", "a task of one word"),
    Phrase(r"\bin whose name\b", "the account that ...", 2,
           "in whose name jobs run", "the account that runs jobs"),
    Phrase(r"\b(?:you|yours) alone\b", "only you", 1,
           "readable by you alone", "only you can read it"),
    # Programs and servers.
    Phrase(r"\bwants\b|\b(?:is|are) wanted\b", "needs, requires, asks for", 4,
           "the Hub wants to be paid", "if you want a different model"),
    Phrase(r"\b(?:hub|server|provider|github|viewer|kernel|database) (?:knows|says|thinks)\b",
           "returned, reported, has", 4, "the provider says", "the provider returned"),
    Phrase(r"\bbeliev(?:e|es|ed)\b", "assumes", 4, "ml-agent believes", "ml-agent assumes"),
    Phrase(r"\bgo(?:es|ing)? in circles\b", "repeats the same calls", 5,
           "the model goes in circles", "the model repeats the same calls"),
    # Approvals and modes.
    Phrase(r"\bunasked\b", "without asking", 0, "what runs unasked", "runs without asking"),
    Phrase(r"\b(?:is|are) refused\b", "is denied; ML Agent rejects ...", 0,
           "Is refused", "the connection was refused"),
    Phrase(r"\basked about\b", "needs approval", 0, "is always asked about", "asked for a page"),
    Phrase(r"\bheld (?:to|against)\b", "matched with, compared with", 2,
           "held against each command", "matched with each command"),
    # One thing, one word (docs/glossary.md).
    Phrase(r"\bmend(?:s|ed|ing)?\b", "fix, repair, close", 0, "mend the file", "fix the file"),
    Phrase(r"\bdriven by\b|\b(?:is|are) driven\b|\bdrives a (?:thread|session)\b",
           "is open in, is in use by", 0, "thread X is driven by process 1",
           "session X is open in process 1"),
    Phrase(r"\bt(?:ake|akes|aken|ook)(?: \w+){0,3} back\b", "undo; revoke", 0,
           "take the last turn back", "undo the last turn"),
    Phrase(r"\b(?:kept|keeps?|stays?|held) back\b", "withheld, not passed on", 2,
           "whether it was kept back", "whether it was withheld"),
    Phrase(r"\btold of\b", "notified about, given", 1,
           "who is told of what", "what to notify about"),
    Phrase(r"\b(?:folder|project|repository|it) brings\b|\b(?:folder|project) may bring\b",
           "contains", 1, "this folder brings", "this folder contains"),
    Phrase(r"\btakes? (?:its|their|the \w+'s) place\b", "replaces it", 1,
           "takes the model's place", "replaces the model"),
    # Round about instead of straight.
    Phrase(r"\b(?:is|are) said\b", "ML Agent says, reports", 1,
           "and that is said", "and reports it"),
    Phrase(r"\b(?:is|are) meant\b(?! (?:to|for|as)\b)", "means, is used", 1,
           "the newest one is meant", "meant for a test"),
    Phrase(r"\b(?:stand|stands|stood)\b(?! (?:for|out|by)\b)(?!-)", "is", 1,
           "it stands in the journal", "it stands for any word; a stand-in"),
    Phrase(r"\blies? (?:in|outside|inside|below|between|under)\b", "is in", 1,
           "it lies in the folder", "it is in the folder"),
    Phrase(r"\bas (?:it|they) (?:was|were)\b", "unchanged", 1,
           "stays as it was", "stays unchanged"),
    Phrase(r"\bwhat it would\b", "the result, the changes", 1,
           "only say what it would do", "show the changes"),
    Phrase(r"\b(?:what|all|all that) there is\b|\b(?:every|the|all) \w+ there (?:is|are)\b|"
           r"\bthere (?:is|are):",
           "a list of ..., available: ...", 1, "the threads there are", "the list of threads"),
    Phrase(r"\bnothing of\b", "nothing about, none of", 2,
           "it knows nothing of it", "it has no record of it"),
    Phrase(r"\bwithout a word\b", "without output, without a message", 5,
           "it failed without a word", "it failed without a message"),
    Phrase(r"\bfrom now on:", "name the thing: Model: ...", 1, "from now on: x", "Model: x"),
)  # fmt: skip
#: Of a page that says what the product is today.
STALE = (
    Phrase(r"\bnot yet\b", "what is true today", 1, "not yet: jobs", "jobs"),
    Phrase(r"\b(?:this|first) version\b", "what is true today", 1,
           "there is none in this version", "the version of Python"),
)  # fmt: skip
#: Of the help of one option.
OPTION = (
    Phrase(r"\((?!default\b)[\w.$%-]+\)\.?$", "(default 300)", 6,
           "Answers of the model (300).", "Max model calls per turn (default 300)"),
    Phrase(r"^(?:what|which|who|whose|how|where|whether|is|are|runs|answers) ",
           "begin with a noun or a verb", 6, "What runs unasked", "Permission mode"),
    Phrase(r"\.$", "no full stop at the end", 6, "Max cost.", "Max cost, in USD"),
)  # fmt: skip


@dataclass(frozen=True)
class Hit:
    area: str
    file: str
    line: int
    found: str
    phrase: Phrase

    def __str__(self) -> str:
        why = f"rule {self.phrase.rule}" if self.phrase.rule else "glossary"
        return f"{self.file}:{self.line}: {self.found!r}: write: {self.phrase.instead} ({why})"


def hits_in(
    text: str, area: str, file: str, first: int = 1, phrases: tuple[Phrase, ...] = PHRASES
) -> Iterator[Hit]:
    """The banned phrasings in `text`, which begins at line `first` of `file`."""
    for phrase in phrases:
        for found in phrase.regex.finditer(text):
            line = first + text.count("\n", 0, found.start())
            yield Hit(area, file, line, " ".join(found.group().split()), phrase)


def prose_of(page: str) -> str:
    """`page` without code, addresses and comments; the lines keep their numbers."""
    code = r"^(`{3,})[^\n]*\n.*?^\1`*[ ]*$|<!--.*?-->|`[^`\n]*`|\]\([^)\s]*\)|https?://\S+"
    return re.sub(
        code, lambda found: re.sub(r"[^\n]", "\x00", found[0]), page, flags=re.DOTALL | re.MULTILINE
    )


def page_hits() -> Iterator[Hit]:
    for path in [*(ROOT / name for name in PAGES), *sorted((ROOT / "docs").rglob("*.md"))]:
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text(encoding="utf-8")
        if name == "CHANGELOG.md":
            text = "\n## ".join(text.split("\n## ")[:2])
        stale = STALE if name == "README.md" or name.startswith("docs/") else ()
        yield from hits_in(prose_of(text), "docs", name, phrases=PHRASES + stale)


def commands(
    command: click.Command, path: str = "ml-agent"
) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every command, with its context."""
    context = click.Context(command, info_name=path, terminal_width=1000, max_content_width=1000)
    yield path, command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            one = command.get_command(context, name)
            assert one is not None
            yield from commands(one, f"{path} {name}")


def help_hits() -> Iterator[Hit]:
    from cli.main import cli

    for path, command, context in commands(cli):
        yield from hits_in(command.get_help(context), "help", f"{path} --help")
        for option in command.params:
            if isinstance(option, click.Option) and option.help and not option.hidden:
                file = f"{path} {option.opts[-1]}"
                yield from hits_in(option.help, "help", file, phrases=OPTION)


def code_hits() -> Iterator[Hit]:
    """Of string literals, of those that the model reads, and of comments and docstrings."""
    for folder in PRODUCT:
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix == ".md":
                yield from hits_in(path.read_text(encoding="utf-8"), "model", name)
            elif path.suffix == ".py":
                source = path.read_text(encoding="utf-8")
                for area, line, text in [*literals(source, folder == "tools"), *comments(source)]:
                    yield from hits_in(text, area, name, line)


def literals(source: str, is_tool: bool) -> Iterator[tuple[str, int, str]]:
    """(area, line, text) of each string literal with a space; an f-string's holes are {}."""
    tree = ast.parse(source)
    documents, parts, models = set(), set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            documents.add(node.value)
        elif isinstance(node, ast.JoinedStr):
            parts |= set(node.values)
        if _is_for_the_model(node, is_tool):
            models |= set(ast.walk(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(
                str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in parts:
            text = node.value
        else:
            continue
        if " " in text:
            area = "comments" if node in documents else "model" if node in models else "strings"
            yield area, node.lineno, text


def _is_for_the_model(node: ast.AST, is_tool: bool) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in FOR_THE_MODEL
    if isinstance(node, ast.keyword):
        return is_tool and node.arg == "description"
    if isinstance(node, ast.AnnAssign):
        return is_tool and isinstance(node.target, ast.Name) and node.target.id == "description"
    return False


def comments(source: str) -> Iterator[tuple[str, int, str]]:
    """("comments", line, text) of each comment; neighbouring lines are one."""
    found = [
        token
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    ]
    numbered = enumerate(found)
    for _, group in groupby(numbered, key=lambda one: one[1].start[0] - one[0]):
        lines = [token for _, token in group]
        yield "comments", lines[0].start[0], "\n".join(one.string.strip("#: ") for one in lines)


def all_hits() -> list[Hit]:
    return [*page_hits(), *help_hits(), *code_hits()]


def counts(hits: list[Hit]) -> dict[str, dict[str, int]]:
    """How many hits the pages have, by file, and the code, by area; what has none is left out."""
    pages = Counter(hit.file for hit in hits if hit.area == "docs")
    code = Counter(hit.area for hit in hits if hit.area != "docs")
    return {"docs": dict(sorted(pages.items())), "code": dict(sorted(code.items()))}


def baseline() -> dict[str, dict[str, int]]:
    stored: dict[str, dict[str, int]] = json.loads(BASELINE.read_text(encoding="utf-8"))
    return stored


def compare(
    now: dict[str, dict[str, int]], before: dict[str, dict[str, int]]
) -> tuple[list[str], list[str]]:
    """The names whose count rose, and those whose count fell."""
    names = sorted({(kind, name) for each in (now, before) for kind in each for name in each[kind]})
    rose, fell = [], []
    for kind, name in names:
        new, old = now.get(kind, {}).get(name, 0), before.get(kind, {}).get(name, 0)
        if new > old:
            rose.append(f"{name}: {new} phrasings of the list, {old} allowed")
        elif new < old:
            fell.append(f"{name}: good: lower it from {old} to {new}: {WRITE}")
    return rose, fell


def write(now: dict[str, dict[str, int]]) -> int:
    """Lower the baseline to `now`; 1 if a number would rise."""
    rose, _ = compare(now, baseline()) if BASELINE.exists() else ([], [])
    if rose:
        print("\n".join([*rose, "the baseline only shrinks: rewrite the new texts"]))
        return 1
    BASELINE.write_text(json.dumps(now, indent=2) + "\n", encoding="utf-8")
    return 0


def main() -> int:
    hits = all_hits()
    if "--write" in sys.argv[1:]:
        return write(counts(hits))
    for (area, file), group in groupby(
        sorted(hits, key=lambda hit: (hit.area, hit.file, hit.line)),
        key=lambda hit: (hit.area, hit.file),
    ):
        print(f"\n{area}: {file}")
        for hit in group:
            print(f"  {hit.line}: {hit.found!r}: {hit.phrase.instead}")
    print(f"\n{json.dumps(counts(hits), indent=2)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
