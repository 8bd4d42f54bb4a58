import os

# For savers that others bring (a program of your own, `langgraph dev`): LangGraph reads this when
# it is imported, and then builds only types that it knows. Our own savers are stricter:
# core/store/checkpoints/serializer.py.
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
