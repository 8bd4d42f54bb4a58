"""Seatbelt, the sandbox of macOS: the plan as a profile for /usr/bin/sandbox-exec.

Of several rules that fit, the last one counts; so the plan's order is the profile's.
"""

import os

from tools.workspace.command_sandbox.plan import Place, Plan

PROGRAM = "/usr/bin/sandbox-exec"
#: The name service is reached over a Unix socket.
NAMES = '(allow network-outbound (literal "/private/var/run/mDNSResponder"))'
BASE = """\
(version 1)
(allow default)
(deny file-write*)
(allow file-write* (literal "/dev/null") (literal "/dev/zero") (literal "/dev/tty")
  (literal "/dev/ptmx") (regex #"^/dev/ttys[0-9]+$") (subpath "/dev/fd"))
(deny signal)
(allow signal (target same-sandbox))
(deny process-info*)
(allow process-info* (target same-sandbox))
(deny appleevent-send)
(deny job-creation)
(deny mach-lookup (global-name "com.apple.SecurityServer")
  (global-name "com.apple.coreservices.launchservicesd")
  (global-name "com.apple.coreservices.appleevents")
  (global-name "com.apple.pasteboard.1"))
(deny network-outbound (remote unix-socket))
"""
OFFLINE = """\
(deny network*)
(allow network* (local ip "localhost:*"))
(allow network-outbound (remote ip "localhost:*"))
"""


def arguments(plan: Plan) -> list[str]:
    """The program and its arguments, up to the command."""
    return [PROGRAM, "-p", profile(plan), "--"]


def profile(plan: Plan) -> str:
    """The plan as a Seatbelt profile."""
    rules = [BASE.rstrip()]
    if not plan.network:
        rules.append(OFFLINE.rstrip())
    for place in plan.places:
        rules += _rules(place)
    rules.append(f"(allow network* (local unix-socket (subpath {_quoted(plan.folder)})))")
    rules.append(f"(allow network-outbound (remote unix-socket (subpath {_quoted(plan.folder)})))")
    if plan.network:
        rules.append(NAMES)
    return "\n".join(rules) + "\n"


def _rules(place: Place) -> list[str]:
    if place.is_socket:
        return []
    where = f"({'subpath' if place.is_folder else 'literal'} {_quoted(place.path)})"
    if place.access == "write":
        # The folder itself stays where it is: what is special in it must not be moved away.
        move = f"(deny file-write-unlink (literal {_quoted(place.path)}))"
        keep = [move] if place.is_folder and place.path != os.sep else []
        return [f"(allow file-write* {where})", *keep]
    if place.access == "read":
        return [f"(allow file-read* {where})", f"(deny file-write* {where})"]
    return [f"(deny file-read* {where})", f"(deny file-write* {where})"]


def _quoted(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
