"""What a tool call does to the world: the one word that policy, waves and approval agree on.

A tool declares its effect from its arguments (`AgentTool.effect`), before anything runs.
"""

from dataclasses import dataclass
from typing import Literal

EffectKind = Literal["read", "write", "execute", "publish", "destroy", "spend"]

#: Calls with these effects run one at a time, in the model's order; all others run next to
#: their neighbours. A command is not among them: two one-second commands take one second.
ALONE: frozenset[EffectKind] = frozenset({"write", "publish", "destroy"})


@dataclass(frozen=True)
class Effect:
    """The effect of one call.

    Attributes:
        kind: read (looks only), write (local files), execute (a command), publish (changes
            something on the Hub), destroy (cannot be got back), spend (costs money).
        paths: absolute paths it touches, symlinks resolved by the one who judges them.
        command, cwd: for `execute`, the line, and where it runs, absolute; "": the thread's folder.
        price_micro_usd: for `spend`; None where the price is unknown.
        preview: what a user should see before deciding (diff, command, script).
        always_asks: no mode but read-only (which refuses) decides it without the user: it keeps
            running on its own afterwards.
        asks: why the call needs approval in the modes `asks_in`, unless a rule allows it.
        asks_unless: the allow rule, to the letter, that answers the question of `asks`.
        url: the address of an untrusted server, as the model wrote it (core/policy/hosts.py).
        outside_sandbox: for `execute`, the command is to run outside the command sandbox.
        skippable: denied if it needs approval and no user is there.
        alone: nothing runs next to it, although its kind would let it.
    """

    kind: EffectKind
    paths: tuple[str, ...] = ()
    command: str = ""
    price_micro_usd: int | None = None
    preview: str = ""
    always_asks: bool = False
    cwd: str = ""
    asks: str = ""
    asks_in: tuple[str, ...] = ("ask", "auto")
    outside_sandbox: bool = False
    asks_unless: str = ""
    url: str = ""
    alone: bool = False
    skippable: bool = False
