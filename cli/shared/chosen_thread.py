"""Which session a command is about."""

from typing import TYPE_CHECKING, Any

from cli.shared.bootstrap import newest_thread
from cli.shared.options import Options
from core.errors import NoSuchThread

if TYPE_CHECKING:
    from core.store import Store


async def chosen_thread(
    store: "Store", wanted: str | None, options: Options, hint: str | None = None
) -> Any:
    """The thread that is intended. Raises NoSuchThread, with `hint` where an ID was given."""
    if not wanted:
        return await newest_thread(store, options)
    try:
        return await store.threads.resolve(wanted, str(options.folder))
    except NoSuchThread as error:
        raise NoSuchThread(error.message, hint or error.hint) from None
