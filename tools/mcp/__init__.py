"""Tools of MCP servers: configured by name, started side by side, kept open.

Nothing here imports the MCP SDK at module level: it is loaded when a server is started.
"""
