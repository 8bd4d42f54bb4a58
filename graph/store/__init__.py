"""Everything durable: what must survive a kill lives in this package, behind one URL.

Nothing here imports LangGraph or LangChain until it is needed: `sessions list` must be quick.
"""

from graph.store.database import Store, open_store

__all__ = ["Store", "open_store"]
