"""A skill's files where the thread works: copied to a Hugging Face sandbox when one is first read.

The model is told where a skill is on this machine. The copy has the same path there, so that its
scripts and the files that it refers to are found, too.
"""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

from configs.folder_files import Unreadable, read_in_folder
from configs.skills import skills
from core.errors import ToolError
from core.policy.paths import is_secret
from core.tool import ToolContext

#: Files of a skill that are copied, bytes of one, and of all.
MOST_FILES, LARGEST, LARGEST_ALL = 200, 2_000_000, 20_000_000


async def bring_skill(path: str, ctx: ToolContext) -> None:
    """Copy the skill that `path` belongs to, if the thread works elsewhere and it is not there
    yet. Raises ToolError."""
    backend = ctx.services.backend
    if not backend.about or "/skills/" not in path or not os.path.isabs(path):
        return
    here = ctx.context.cwd if ctx.context is not None and ctx.context.cwd else os.getcwd()
    files = await asyncio.to_thread(_files_of_skill, path, here)
    if not files:
        return
    try:
        await backend.stat(next(iter(files)))
        return
    except OSError:
        pass
    # SKILL.md comes last: if it is there, all of it is.
    for name, content in reversed(files.items()):
        try:
            await backend.write(name, content)
        except OSError as error:
            raise ToolError(f"the skill could not be copied: {error.strerror or error}") from None


def _files_of_skill(path: str, cwd: str) -> dict[str, bytes]:
    """By path, the files of the skill that holds `path`, SKILL.md first; {} if it is in none."""
    found = next((s for s in skills(cwd) if Path(path).is_relative_to(s.path.parent)), None)
    if found is None:
        return {}
    files: dict[str, bytes] = {}
    room = LARGEST_ALL
    for file in (found.path, *_below(found.path)):
        try:
            content = read_in_folder(file, found.path.parent, LARGEST)
        except (FileNotFoundError, Unreadable):
            continue
        room -= len(content)
        if room < 0 or len(files) >= MOST_FILES:
            break
        files[str(file)] = content
    return files


def _below(skill: Path) -> Iterator[Path]:
    """Its other files, without secret ones; no linked folder is entered."""
    for place, folders, names in os.walk(skill.parent):
        folders[:] = sorted(name for name in folders if name not in (".git", "__pycache__"))
        for name in sorted(names):
            file = Path(place, name)
            if file != skill and not is_secret(str(file)):
                yield file
