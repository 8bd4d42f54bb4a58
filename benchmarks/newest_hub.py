"""Whether the newest huggingface_hub still has the private names that ML Agent uses.

    uv run python -m benchmarks.newest_hub            # the newest release
    uv run python -m benchmarks.newest_hub 1.33.0     # another one

It installs that release into a separate environment, so it is not a test. Run it on a schedule,
once a week: it exits with 1 and names what is gone, before users upgrade.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Seconds for the installation, and for the check.
INSTALLING, CHECKING = 300, 60
CHECK = """
import json
from huggingface_hub import __version__
from core.hub.library import MODULES, missing
print(json.dumps([__version__, [lack for module in MODULES for lack in missing(module)]]))
"""


def check(version: str = "") -> tuple[str, list[str]]:
    """(the release, what it lacks)."""
    wanted = f"huggingface_hub=={version}" if version else "huggingface_hub"
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "bin" / "python"
        _run("uv", "venv", "-q", folder, timeout=INSTALLING)
        _run(
            "uv", "pip", "install", "-q", "--python", str(python), "-U", wanted, timeout=INSTALLING
        )
        found = _run(str(python), "-c", CHECK, timeout=CHECKING)
    release, lacks = json.loads(found)
    return release, lacks


def _run(*argv: str, timeout: float) -> str:
    done = subprocess.run(
        argv, cwd=ROOT, timeout=timeout, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def main() -> int:
    release, lacks = check(*sys.argv[1:2])
    if lacks:
        print(f"huggingface_hub {release} lacks: {', '.join(lacks)}")
        return 1
    print(f"huggingface_hub {release} has every private name that ML Agent uses")
    return 0


if __name__ == "__main__":
    sys.exit(main())
