"""Write the files of a Space into a folder: the commit's, and a README with the front matter.

    uv run python -m docs.write_space space
    hf upload OWNER/ml-agent space . --repo-type space

docs/guide/space.md says the rest.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FRONT_MATTER = ROOT / "server" / "front_matter.yml"
#: What an image needs; the rest of the repository stays here.
NEEDED = ("Dockerfile", ".dockerignore", "LICENSE", "pyproject.toml", "cli", "configs", "core",
          "graph", "nodes", "server", "tools")  # fmt: skip


def readme() -> str:
    """The README of a Space: front matter, then ours."""
    front = FRONT_MATTER.read_text(encoding="utf-8")
    return f"---\n{front}---\n\n{(ROOT / 'README.md').read_text(encoding='utf-8')}"


def write(folder: Path) -> int:
    """Write the Space into `folder`; how many files. Files that are committed here are copied."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", *NEEDED], cwd=ROOT, check=True, capture_output=True, text=True
    )
    names = [name for name in listed.stdout.split("\0") if name]
    for name in names:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((ROOT / name).read_bytes())
    (folder / "README.md").write_text(readme(), encoding="utf-8")
    return len(names) + 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m docs.write_space FOLDER")
    sys.stdout.write(f"{write(Path(sys.argv[1]))} files in {sys.argv[1]}\n")
