"""Shell lines that try to get more done than the policy sees, for benchmarks/shell_fuzz.py.

Two kinds by turns: plain lines with one spot changed, which are often accepted, and heaps of
syntax with a payload in it, which seldom are.
"""

import random

#: Runs `evil`, if the shell makes a command of it, now or when it looks a second time.
PAYLOADS = [
    "evil", "\\evil", "$(evil)", "`evil`", "'a[$(evil)]'", '"a[\\$(evil)]"', "a[$(evil)]",
    "'$(evil)'", '"\\$(evil)"', "a['$(evil)']", "$'evil'", '"evil"', "'evil'", "e\\\nvil",
    "x[`evil`]", "./evil", "bin/evil", "'./evil'", "$((a[$(evil)]))", "{evil,}", "~/evil",
    "--pre=./evil", "--output=evil", "-exec evil", "!evil", "x=$(evil)", "PATH=. ls", "ext::./evil",
    "-c core.fsmonitor=./evil", "--upload-pack=./evil", "--ext-diff", "--textconv", "/dev/tcp/a/1",
]  # fmt: skip
SPACES = [" ", "  ", "\t", "\n", "\r", "\x0b", "\x0c", "\x01", "\x7f", "\u00a0", "\u2003", "\u200b",
          "\u2028", "\ufeff", "\x1b", "\x1f", "\x85", "\\\n", "\\ ", ""]  # fmt: skip
OPERATORS = [
    ">", ">>", ">|", "&>", "&>>", ">&", "<>", "<", "<&", "<<<", "2>", "2>&", "2>&1", "1>&", "3>",
    "9<", "{a}>", "{a}<", "<<", "<<-", "&", "|", "||", "&&", ";", "|&", "\n", "!", "#", ";;", "(",
    ")", "{", "}", "[[", "((", "]]", "))", "<(", ">(", "$((", "$[", "$(", "`", "time", "coproc",
    "then", "do", "if", "while", "for x in", "for PATH in .; do", "case x in", "esac", "done", "fi",
    "in", "function f", "f()", "let", "-v", "-eq", "-R", "-a", "-o", "=~", "==", "-nt", "?", ":",
    "x=", "x+=", "x[0]=", "x=(", "'", '"', '$"', "$'", "E", "E\n", "EOF", "-", "$", "$x", "${x",
    "*",
    "[", "]", "~", "^", "=", "%", "@", "!!", "\\", "A", "é", "0", "test -v", "printf -v", "declare",
    "export", "unset", "eval", "source", ".", "alias", "trap", "exec", "command", "builtin", "hash",
    "env", "xargs", "sh", "sh -c", "find . -exec",
]  # fmt: skip
PLACES = [
    "a.txt", "sub", "sub/b.txt", ".", "..", "sub/..", "../repo", "../outside.txt", "./a.txt",
    "sub/../../outside.txt", "out", "out/outside.txt", "link.txt", "key", "sub/deep/key", ".env",
    "./.env", "sub/.env", "*.env", ".e*", "server.pem", "~/.ssh/id_rsa", "~/.bashrc",
    "~/outside.txt",
    "/etc/passwd", "HEAD:.env", "HEAD", "HEAD~1", "BLOB", "TREE", ".git/config", ".git/HEAD",
    ".git/hooks/post-index-change", ".ml-agent/config.json", "evilrepo", "bare", "sub/loop", "''",
    "'a b'", '"a.txt"', "'sub'/b.txt", "~+/a.txt", "~-/x", "file:///etc/passwd", "x", "new.txt",
    "/proc/self/environ", "/proc/self/cwd/.env", "/dev/stdin", "/dev/null", "pipe", "-",
]  # fmt: skip
OPTIONS = [
    "-l", "-a", "-la", "-R", "-r", "-n", "-n 1", "-1", "-c 9", "-v", "-f a.txt", "-e x", "-h", "-s",
    "-p", "-u", "-U3", "--stat", "--oneline", "--cached", "--no-index", "--name-only", "--color",
    "--output=new.txt", "--outp=new.txt", "-o new.txt", "--files0-from=.env", "-d recurse", "--raw",
    "--recursive", "-I{}", "--", "--help", "-C sub", "-C ..", "--git-dir=evilrepo/.git", "-w", "-M",
    "--format=%H", "--exclude-from=.env", "-wp", "-uu", "--hidden", "--follow", "-L", "-H", "-x",
    "--word-diff", "--no-ext-diff", "-q", "-F", "--max-count=1", "-sp", "--porcelain", "-t",
]  # fmt: skip
PROGRAMS = [
    "ls", "cat", "head", "tail", "wc", "pwd", "echo", "which", "grep x", "cd", "cd sub", "cd ..",
    "cd out", "cd evilrepo", "cd bare", "cd key", "cd ~/", "cd -", "true", "false", "git status",
    "git diff", "git log", "git show", "git", "df", "du", "ps", "nvidia-smi", "python3 --version",
    # allowed by rules of the user's, in one half of the lines
    "cp", "tee", "touch", "mkdir", "diff", "rg x", "grep -r .", "mv", "stat",
]  # fmt: skip
JOINTS = [" && ", " ; ", " || ", " | ", ";", "&&", "|"]
REDIRECTS = ["> ", ">> ", "2> ", "< ", ">", "2>&1", "2>", "<"]


def lines_of(rnd: random.Random, blob: str, tree: str) -> str:
    """One line. blob, tree: ids of a secret file and of a folder in the repository's store."""
    made = _plain(rnd) if rnd.random() < 0.75 else _heap(rnd)
    return made.replace("BLOB", blob).replace("TREE", tree)


def _plain(rnd: random.Random) -> str:
    commands = [_command(rnd) for _ in range(rnd.choice([1, 1, 1, 2, 2, 3]))]
    line = commands[0]
    for command in commands[1:]:
        line += rnd.choice(JOINTS) + command
    for _ in range(rnd.choice([0, 0, 0, 1, 1, 2])):
        line = _changed(line, rnd)
    return line


def _command(rnd: random.Random) -> str:
    words = [rnd.choice(PROGRAMS)]
    for _ in range(rnd.choice([0, 1, 1, 2, 3])):
        chance = rnd.random()
        if chance < 0.35:
            words.append(rnd.choice(OPTIONS))
        elif chance < 0.85:
            words.append(rnd.choice(PLACES))
        elif chance < 0.93:
            words.append(rnd.choice(REDIRECTS) + rnd.choice(PLACES))
        else:
            words.append(rnd.choice(PAYLOADS))
    return " ".join(words)


def _heap(rnd: random.Random) -> str:
    tokens = [rnd.choice(PROGRAMS)]
    for _ in range(rnd.randint(1, 5)):
        chance = rnd.random()
        source = PROGRAMS if chance < 0.3 else PAYLOADS if chance < 0.6 else OPERATORS
        tokens.append(rnd.choice(source))
    if rnd.random() < 0.4:
        rnd.shuffle(tokens)
    line = "".join(t + (" " if rnd.random() < 0.8 else rnd.choice(SPACES)) for t in tokens)
    return _changed(line, rnd) if rnd.random() < 0.5 else line


def _changed(line: str, rnd: random.Random) -> str:
    at, chance = rnd.randint(0, len(line)), rnd.random()
    if chance < 0.5:
        return line[:at] + rnd.choice([*SPACES, *OPERATORS, *PAYLOADS]) + line[at:]
    if chance < 0.75:
        return line[:at] + line[at + rnd.randint(1, 2) :]
    return line[:at] + rnd.choice(SPACES) + line[at + 1 :]
