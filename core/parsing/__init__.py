"""What takes apart the bytes of strangers, in a process of its own (started by parser.py).

The modules here import nothing of ours but core.errors, so that the process starts quickly.
"""
