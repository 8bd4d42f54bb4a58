"""The web chat: the same threads as the CLI, in a browser; `ml-agent web` and the Space."""
