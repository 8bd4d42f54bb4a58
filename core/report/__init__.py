"""The report of a session: what reproduces its run, from its record."""
