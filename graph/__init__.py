import core  # noqa: F401  sets what LangGraph must find when it is imported
