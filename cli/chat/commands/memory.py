"""/memory: what sessions in this folder are told."""

from cli.chat.state import Chat
from cli.shared.memory_file import add_line, edit_command, memory_lines, trust_edited
from configs.memory import memory_content
from core.errors import UsageError


async def memory(chat: Chat, words: str) -> None:
    word, _, line = words.partition(" ")
    if word == "edit" and not line:
        command, before = edit_command(chat.folder), memory_content(chat.folder)
        await chat.frontend.hand_over(command)
        changed = trust_edited(chat.folder, before)
        chat.lines.line("saved; new sessions read it" if changed else "unchanged", "2")
    elif word == "add" and line.strip():
        add_line(chat.folder, line.strip())
        chat.lines.line("added; new sessions read it", "2")
    elif words:
        raise UsageError(f"/memory takes edit or add LINE, not {words!r}", "/memory shows it")
    else:
        for text in memory_lines(chat.folder):
            chat.lines.line(text)


async def words(chat: Chat) -> list[tuple[str, str]]:
    return [("edit", "in your editor"), ("add", "a line")]
