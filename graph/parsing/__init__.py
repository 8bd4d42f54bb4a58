"""What takes apart the bytes of strangers, in a process of its own (tools/parser.py starts it).

The modules here import nothing of ours but graph.errors, so that the process starts quickly.
"""
