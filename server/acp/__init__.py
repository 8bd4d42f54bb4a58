"""The agent behind the Agent Client Protocol: what an editor talks to on stdin and stdout."""
