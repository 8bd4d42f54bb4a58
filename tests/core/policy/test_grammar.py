"""The closed grammar: what is accepted is what bash does, and nothing else is accepted."""

import json
import subprocess
import sys

import pytest

from core.policy.grammar import (
    HARMLESS_BUILTINS,
    LONGEST,
    SHELL_WORDS,
    NotJudged,
    Redirect,
    read_line,
)

ACCEPTED: dict[str, list[list[str]]] = {
    "ls": [["ls"]],
    "ls  -la   src ": [["ls", "-la", "src"]],
    "a && b || c ; d | e": [["a"], ["b"], ["c"], ["d"], ["e"]],
    "a&&b||c;d|e": [["a"], ["b"], ["c"], ["d"], ["e"]],
    "echo 'a b' \"c d\" e'f'\"g\"h": [["echo", "a b", "c d", "efgh"]],
    "echo '' \"\"": [["echo", "", ""]],
    "grep 'été 2' a.txt": [["grep", "été 2", "a.txt"]],
    "echo '(a) [b] {c} * ? # & ; | > < ~'": [["echo", "(a) [b] {c} * ? # & ; | > < ~"]],
    "ls ~/a ~/'b c'": [["ls", "~/a", "~/b c"]],
    "git diff HEAD~1": [["git", "diff", "HEAD~1"]],
    "x a=b c:d e,f @g %h +i -j k@l": [["x", "a=b", "c:d", "e,f", "@g", "%h", "+i", "-j", "k@l"]],
    "./run.sh a": [["./run.sh", "a"]],
    "ls 2": [["ls", "2"]],
}


@pytest.mark.parametrize("line", ACCEPTED)
def test_what_is_accepted(line: str) -> None:
    assert [list(command.words) for command in read_line(line)] == ACCEPTED[line]


def test_redirections() -> None:
    (one,) = read_line("ls a > out 2> 'err or' < in >> more 2>&1")
    assert one.words == ("ls", "a")
    assert one.redirects == (
        Redirect(">", "out"), Redirect("2>", "err or"), Redirect("<", "in"), Redirect(">>", "more"),
    )  # fmt: skip
    assert [c.joint for c in read_line("a 2>&1|b&&c")] == ["", "|", "&&"]


REFUSED = r"""
ls & ¦ ls &| ls ¦ ls |& cat ¦ ls | | ls ¦ ls || ¦ && ls ¦ ; ls ¦ ls ; ¦ ls ;; ls ¦ ls && ¦ > x ls
ls > ¦ ls > > x ¦ ls >& x ¦ ls &> x ¦ ls >| x ¦ ls <> x ¦ ls << x ¦ ls <<< x ¦ ls <& 3 ¦ ls 3> x
ls 22> x ¦ ls 1> x ¦ ls 2>> x ¦ ls 2>&2 ¦ ls 2>&1x ¦ ls>x ¦ ls 2 >&1 ¦ ls >&1 ¦ ls a>b ¦ ls {a}>b
ls "2">x ¦ ls >&$x ¦ ls >(x) ¦ ls <(x) ¦ ls 2>&- ¦ ls 2>&1>x ¦ ls > ¦ ls | ¦ ls <
$x ¦ ls $x ¦ ls "$x" ¦ ls '$x' ¦ ls `x` ¦ ls "`x`" ¦ ls \x ¦ l\s ¦ ls 'a\b' ¦ ls "!x" ¦ ! ls ¦ ls !x
ls * ¦ ls ? ¦ ls [a] ¦ ls {a,b} ¦ ls a{b ¦ ls (a) ¦ (ls) ¦ ls ) ¦ ls # x ¦ ls #x ¦ #x ¦ ls a#b
ls ~ ¦ ls ~x ¦ ls ~+/x ¦ ls ~-/x ¦ ls "~/x" ¦ ls '~'/x ¦ ls ~"/x" ¦ ls a=~/x ¦ ls a:~/x ¦ ls a,~/x
x=1 ¦ x=1 ls ¦ x+=1 ls ¦ 'ls' ¦ "ls" ¦ l''s ¦ l"s" ¦ -ls ¦ +x ¦ .. ¦ . x ¦ . ¦ ./ ¦ a/. ¦ ''
if ls ¦ then ¦ while ls ¦ time ls ¦ coproc ls ¦ function ls ¦ select x ¦ case x ¦ { ls ¦ [[ -v x ]]
[ -v x ] ¦ test -v x ¦ printf x ¦ let x ¦ declare x ¦ typeset x ¦ local x ¦ export x ¦ readonly x
eval ls ¦ exec ls ¦ source x ¦ trap x ¦ alias x ¦ command ls ¦ builtin ls ¦ enable x ¦ hash x
set x ¦ shopt x ¦ unset x ¦ read x ¦ mapfile x ¦ wait x ¦ type ls ¦ pushd x ¦ popd ¦ kill 1 ¦ : x
'open ¦ "open ¦ ls 'a ¦ ls "a ¦ ls 'a"b ¦ $'ls' ¦ ls $'x' ¦ ls $"x" ¦ ls ^x ¦ ls a^b ¦ % ¦ ls x%$y
ls; time ls ¦ ls | time ls ¦ ls && eval x ¦ ls || [ x ] ¦ ls && x=1 ¦ ls; ¦ ls && . x
""".replace("\n", " ¦ ").split(" ¦ ")


@pytest.mark.parametrize("line", [line.strip() for line in REFUSED if line.strip()])
def test_what_is_not_judged(line: str) -> None:
    with pytest.raises(NotJudged):
        read_line(line)


@pytest.mark.parametrize(
    "char",
    ["\0", "\x01", "\t", "\n", "\v", "\f", "\r", "\x1b", "\x7f", "\x80", "\x85", "\xa0", "\u200b",
     "\u2003", "\u2028", "\u202e", "\ufeff", "\ud800", "\U000e0041", "é", "ｓ", "”", "€"],
)  # fmt: skip
def test_characters(char: str) -> None:
    """Other white space and control characters nowhere; letters only in quotes."""
    for line in (
        f"ls{char}",
        f"ls {char}",
        f"ls {char} a",
        f"{char}ls",
        f"ls a{char}b",
        f"ls >{char}x",
    ):
        with pytest.raises(NotJudged):
            read_line(line)
    if char.isalpha():
        assert read_line(f"ls 'a{char}b'")[0].words == ("ls", f"a{char}b")
    else:
        with pytest.raises(NotJudged):
            read_line(f"ls 'a{char}b'")


def test_too_long() -> None:
    assert read_line("echo " + "x" * (LONGEST - 5))
    with pytest.raises(NotJudged):
        read_line("echo " + "x" * (LONGEST - 4))


def test_every_word_of_the_shell_is_known() -> None:
    """A keyword or builtin of the bash that is here is either harmless or not judged."""
    asked = ["bash", "--norc", "-c", "compgen -kb"]
    known = set(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split())
    symbols = {"!", "{", "}", "[[", "]]"}
    assert len(known) > 60
    assert known - symbols - SHELL_WORDS - HARMLESS_BUILTINS == set()


def test_bash_sees_the_same_words() -> None:
    """What is accepted comes out of bash as the words that were read."""
    show = f"{sys.executable} -c 'import json,sys; print(json.dumps(sys.argv[1:]))'"
    for line, commands in ACCEPTED.items():
        if len(commands) > 1 or not line.startswith(("echo", "grep", "x ", "git")):
            continue
        name, _, rest = line.partition(" ")
        script = f"shift; {show} {rest}"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        assert [name, *json.loads(done.stdout)] == commands[0]
