"""Slash commands that put a message into the user's mouth: a skill."""

from cli.chat.state import Chat
from cli.chat.turns import handle_message
from configs.skills import skill_problems, skills
from configs.visible import inline
from core.errors import UsageError


async def skill(chat: Chat, words: str) -> None:
    """List the skills, or send the model to one."""
    name, _, task = words.partition(" ")
    known = {one.name: one for one in skills(chat.folder)}
    if not name:
        for one in known.values():
            chat.lines.line(f"{one.name:<20} {inline(one.description)}")
        for problem in skill_problems(chat.folder):
            chat.lines.line(f"left out: {problem}", "33")
        if not known:
            chat.lines.line("no skills here; put folders with a SKILL.md into .agents/skills")
        return
    if name not in known:
        raise UsageError(f"there is no skill {name}", "/skill lists them")
    asked = f"Use the skill {name}: read {known[name].path} first and do as it says."
    await handle_message(chat, f"{asked}\n\n{task.strip()}".strip())


async def skill_names(chat: Chat) -> list[tuple[str, str]]:
    return [(one.name, one.description[:70]) for one in skills(chat.folder)]
