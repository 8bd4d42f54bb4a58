"""Git, run so that the folder it looks at decides nothing.

A repository's own files can make git start programs: core.fsmonitor, hooks, filters, external diffs
and textconv of .gitattributes, a pager, an editor, signature checks, a fetch of missing objects.
`run_git` is for git that we run; `harden` puts what can be put into the environment of git that
a command of the model runs. Filters and textconv have names of the folder's, which no variable can
switch off: core/policy/ asks before git looks at a repository whose settings name any.
"""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence

#: Settings over those of any repository, for git that we run.
OURS = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "core.editor": "true",
    "core.sshCommand": "false",
    "core.gitProxy": "false",
    "core.attributesFile": os.devnull,
    "core.alternateRefsCommand": "true",
    "diff.external": "false",
    "interactive.diffFilter": "cat",
    "log.showSignature": "false",
    "format.pretty": "medium",
    "gpg.program": "false",
    "gpg.ssh.program": "false",
    "gpg.x509.program": "false",
    "credential.helper": "",
    "uploadpack.packObjectsHook": "cat",
    "protocol.allow": "never",
    "protocol.ext.allow": "never",
    "safe.bareRepository": "explicit",
    "submodule.recurse": "false",
}
#: Of these, what changes nothing in `git commit` or `git push` that the user approved: hooks,
#: signatures and remotes of the user's own repository keep working there.
FOR_COMMANDS = (
    "core.fsmonitor",
    "core.pager",
    "core.alternateRefsCommand",
    "interactive.diffFilter",
    "log.showSignature",
    "format.pretty",
    "protocol.ext.allow",
    "safe.bareRepository",
)
#: For every git: nothing waits for an editor or a password, and what only looks does not write the
#: index, which would run the hook post-index-change.
QUIET = {
    "GIT_EDITOR": "true",
    "GIT_SEQUENCE_EDITOR": "true",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
}
#: Variables that git needs of ours; no credential is among them.
KEPT = re.compile(r"^(?:PATH|HOME|USER|LOGNAME|TMPDIR|LANG|LC_\w+|XDG_CONFIG_HOME|SystemRoot)$")


def git_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of git that we run: no credential, no setting of the user's or the system's,
    no variable of another git, and programs from absolute places alone."""
    kept = {name: value for name, value in os.environ.items() if KEPT.match(name)}
    if "PATH" in kept:
        places = kept["PATH"].split(os.pathsep)
        kept["PATH"] = os.pathsep.join(place for place in places if os.path.isabs(place))
    kept |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_ATTR_NOSYSTEM": "1"}
    # No missing object is fetched: old git by the protocols, git 2.45 and later by its own word.
    kept |= {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    return {**kept, **QUIET, **(extra or {})}


def git_command(arguments: Sequence[str]) -> list[str]:
    """`git` with `arguments`, as we run it."""
    settings = [word for key, value in OURS.items() for word in ("-c", f"{key}={value}")]
    return ["git", "--no-pager", *settings, *arguments]


def run_git(
    arguments: Sequence[str],
    given: bytes = b"",
    *,
    cwd: str | None = None,
    extra: Mapping[str, str] | None = None,
    check: bool = True,
    timeout: float | None = None,
) -> bytes:
    """What git prints. Raises CalledProcessError with `check`, TimeoutExpired, OSError."""
    done = subprocess.run(
        git_command(arguments),
        input=given,
        cwd=cwd,
        env=git_environment(extra),
        capture_output=True,
        check=check,
        timeout=timeout,
    )
    return done.stdout


def harden(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that make every git below harmless to look with, behind the settings which
    `environment` brings already (GIT_CONFIG_COUNT). What a line sets itself wins."""
    try:
        count = max(0, int(environment.get("GIT_CONFIG_COUNT", "0")))
    except ValueError:
        count = 0
    # Git refuses to start where one of the count is missing.
    names = [(f"GIT_CONFIG_KEY_{n}", f"GIT_CONFIG_VALUE_{n}") for n in range(min(count, 1000))]
    pairs = [(environment[k], environment[v]) for k, v in names if {k, v} <= environment.keys()]
    pairs += [(key, OURS[key]) for key in FOR_COMMANDS]
    found = {**QUIET, "GIT_CONFIG_COUNT": str(len(pairs))}
    for n, (key, value) in enumerate(pairs):
        found[f"GIT_CONFIG_KEY_{n}"], found[f"GIT_CONFIG_VALUE_{n}"] = key, value
    return found
