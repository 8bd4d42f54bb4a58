"""Everything durable: what must survive a kill lives in this package, behind one URL.

Nothing here imports LangGraph or LangChain until it is needed: `sessions list` must be quick.
"""

from core.store.database import Store, open_store
from core.store.threads import ThreadRow, new_thread_id

__all__ = ["Store", "ThreadRow", "new_thread_id", "open_store"]
