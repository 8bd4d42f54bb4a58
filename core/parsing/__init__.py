"""What takes apart the bytes of untrusted sources, in its own process (started by parser.py).

The modules here import nothing of ours but core.errors, so that the process starts quickly.
"""
