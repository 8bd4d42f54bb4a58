"""Files and commands."""

from tools.extension import Extension

EXTENSION = Extension(
    tools=(
        "bash:Bash",
        "edit:Edit",
        "glob:Glob",
        "grep:Grep",
        "process:Process",
        "read:Read",
        "write:Write",
    )
)
