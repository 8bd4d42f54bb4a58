"""Programs that only read, with the options that may stand: every other option asks.

One table. An option that ends in `=` takes an argument; `[=]` may have one, behind an equals
sign. Options count only as written here, never abbreviated. What is left out on purpose: options
that write a file, run a program, read a list of files from a file, or descend into folders to
read what lies there.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

#: What follows the options: nothing, any words (they are judged as places all the same), or one
#: of the words that are listed.
Operands = str
NOTHING, ANY = "", "*"


@dataclass(frozen=True)
class Reader:
    """options: that may stand. operands: what else may stand. numbers: `-5` may stand.
    any_option: unknown options are text to it."""

    options: frozenset[str]
    operands: Operands = ANY
    numbers: bool = False
    any_option: bool = False


def _reader(options: str, operands: Operands = ANY, **more: bool) -> Reader:
    return Reader(frozenset(options.split()), operands, **more)


_GIT = "--color[=] --no-color"
_CHANGES = (
    f"{_GIT} --stat[=] --shortstat --numstat --summary --name-only --name-status --cached --staged "
    "-w -b -M -U= --unified= --word-diff[=] --minimal --patience --histogram --no-ext-diff "
    "--no-textconv --exit-code --quiet --ignore-all-space --ignore-space-change --no-renames "
    "--ignore-blank-lines --ignore-submodules=all -p --patch --no-patch -s"
)
_COMMITS = (
    f"{_CHANGES} --oneline --graph --decorate[=] --no-decorate --abbrev-commit --format= --pretty= "
    "--date= --no-merges --merges --first-parent --reverse --relative-date"
)
READERS: dict[str, Reader] = {
    "cat": _reader(
        "-n -b -s -A -e -t -E -T -v -u --number --number-nonblank --squeeze-blank --show-all "
        "--show-ends --show-tabs"
    ),
    "cd": _reader(""),
    "df": _reader("-h -H -k -m -T -i -a -P -l --human-readable --si --inodes --print-type --local"),
    "du": _reader(
        "-s -h -a -c -k -m -b -d= -x -S --max-depth= --summarize --human-readable --total "
        "--apparent-size --all --separate-dirs --one-file-system"
    ),
    "echo": _reader("", any_option=True),
    "false": _reader("", NOTHING),
    "git diff": _reader(_CHANGES),
    "git log": _reader(
        f"{_COMMITS} -n= --max-count= --skip= --since= --until= --after= --before= --author= "
        "--grep= -i --all --branches --tags --follow",
        numbers=True,
    ),
    "git show": _reader(_COMMITS),
    "git status": _reader(
        "-s --short -b --branch --porcelain[=] --long -u -uno -uall -unormal --untracked-files[=] "
        "--ignored[=] --show-stash --ahead-behind --no-ahead-behind --ignore-submodules=all"
    ),
    "grep": _reader(
        "-i -v -n -c -l -L -o -w -x -q -s -h -H -E -F -G -P -a -I -b -e= -m= -A= -B= -C= "
        "--ignore-case --invert-match --line-number --count --files-with-matches "
        "--files-without-match --only-matching --word-regexp --line-regexp --quiet --silent "
        "--no-messages --no-filename --with-filename --extended-regexp --fixed-strings "
        "--basic-regexp --perl-regexp --text --color[=] --max-count= --after-context= "
        "--before-context= --context= --regexp=",
        numbers=True,
    ),
    "head": _reader("-n= -c= -q -v --lines= --bytes= --quiet --silent --verbose", numbers=True),
    "ls": _reader(
        "-a -A -l -h -d -1 -t -r -S -R -F -p -i -s -n -g -o -G -k -c -u -x -C -m -X --all "
        "--almost-all --human-readable --recursive --reverse --size --directory --classify "
        "--inode --no-group --numeric-uid-gid --color[=] --sort= --time= --time-style= --full-time "
        "--group-directories-first"
    ),
    "nvidia-smi": _reader(
        "-L -q --list-gpus --query -i= --id= -d= --display= --query-gpu= --query-compute-apps= "
        "--format=",
        NOTHING,
    ),
    "ps": _reader("-e -f -A", "aux ax axf auxf auxww"),  # `e` there shows other environments
    "pwd": _reader("-L -P", NOTHING),
    "tail": _reader("-n= -c= -q -v --lines= --bytes= --quiet --silent --verbose", numbers=True),
    "true": _reader("", NOTHING),
    "wc": _reader("-l -w -c -m -L --lines --words --bytes --chars --max-line-length"),
    "which": _reader("-a"),
}  # fmt: skip
#: Programs that run no other one, whatever their arguments are, and give no program another name.
RUN_NOTHING = frozenset(
    {name for name in READERS if not name.startswith("git ")}
    | {"basename", "cmp", "comm", "cut", "diff", "dirname", "free", "id", "md5sum", "mkdir",
       "nproc", "paste", "rmdir", "seq", "sha256sum", "sleep", "stat", "tee", "touch", "tr",
       "uname", "uniq", "whoami"}
)  # fmt: skip
#: Known programs that read whatever lies in a folder, if they are told to. What others do with a
#: folder, only the user who wrote a rule for them can know.
READ_FOLDERS = frozenset(
    {"7z", "ack", "ag", "bsdtar", "cp", "diff", "grep", "egrep", "fgrep", "rg", "rsync", "scp",
     "tar", "zgrep", "zip"}
)  # fmt: skip


def reader_of(words: Sequence[str]) -> tuple[Reader, Sequence[str]] | None:
    """The reader that the words name, and its arguments; None for any other program."""
    if words[0] in READERS:
        return READERS[words[0]], words[1:]
    found = READERS.get(" ".join(words[:2]))
    return (found, words[2:]) if found else None


def in_table(words: Sequence[str]) -> bool:
    """Whether the table is about this program: its own options come first (`git -C x status`)."""
    return reader_of(words) is not None or (
        words[0] == "git" and words[1:2] != [] and words[1].startswith("-")
    )


def option_problem(words: Sequence[str], named: Collection[str] = ()) -> str:
    """What stands against a reader's arguments; "" if all of them may stand.

    Args:
        words: a command that `in_table` knows. named: words that the allowing rule itself names.
    """
    found = reader_of(words)
    if found is None:
        return (
            ""
            if words[1] in named
            else f"{words[0]} {words[1]} is not a known subcommand that only reads"
        )
    reader, rest = found
    if reader.any_option:
        return ""
    waiting, operands = list(rest), []
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            operands += waiting
            break
        if word in named:
            continue
        if len(word) < 2 or not word.startswith("-"):
            operands.append(word)
            continue
        takes = _takes(word, reader)
        if takes is None:
            return f"{words[0]} {word} is not an allowed option"
        if takes and not waiting:
            return f"{words[0]} {word} has no argument"
        if takes:
            waiting.pop(0)
    if reader.operands == ANY:
        return ""
    wrong = next((o for o in operands if o not in (*reader.operands.split(), *named)), None)
    return f"{words[0]} {wrong} is not an allowed argument" if wrong is not None else ""


def _takes(word: str, reader: Reader) -> bool | None:
    """Whether an option takes the next word too; None if it may not stand."""
    if word in reader.options:
        return False
    name, equals, _ = word.partition("=")
    if word.startswith("--"):
        if equals:
            known = f"{name}=" in reader.options or f"{name}[=]" in reader.options
            return False if known else None
        if f"{name}[=]" in reader.options:
            return False
        return True if f"{name}=" in reader.options else None
    if reader.numbers and re.fullmatch(r"-\d+", word):
        return False
    return _short(word[1:], reader)


def _short(letters: str, reader: Reader) -> bool | None:
    """The same for `-abc`, letter by letter: a letter that takes an argument takes the rest."""
    for at, letter in enumerate(letters, 1):
        if f"-{letter}=" in reader.options:
            return at == len(letters)
        if f"-{letter}" not in reader.options:
            return None
    return False
