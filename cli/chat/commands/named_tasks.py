"""Slash commands that are a task with a name: /init, /review, /skill."""

from cli.chat.state import Chat
from cli.chat.threads import ensure_open
from cli.chat.turns import handle_message
from configs.skills import skill_problems, skills
from configs.visible import inline


async def init(chat: Chat, words: str) -> None:
    from graph.tasks import init_task

    await handle_message(chat, init_task(words).message, words)


async def review(chat: Chat, words: str) -> None:
    """The turn is read-only, whatever the mode is."""
    from graph.tasks import review_task

    task = review_task(chat.folder, words)
    if await ensure_open(chat):
        async with chat.session.held_to(task.mode):
            await handle_message(chat, task.message, words)
        await chat.frontend.settled(chat)


async def skill(chat: Chat, words: str) -> None:
    """List the skills, or send the model to one."""
    if words:
        from graph.tasks import skill_message

        await handle_message(chat, skill_message(chat.folder, words), words)
        return
    known = skills(chat.folder)
    for one in known:
        chat.lines.line(f"{one.name:<20} {inline(one.description)}")
    for problem in skill_problems(chat.folder):
        chat.lines.line(f"left out: {problem}", "33")
    if not known:
        chat.lines.line("no skills here; put folders with a SKILL.md into .agents/skills")


async def skill_names(chat: Chat) -> list[tuple[str, str]]:
    return [(one.name, one.description[:70]) for one in skills(chat.folder)]
