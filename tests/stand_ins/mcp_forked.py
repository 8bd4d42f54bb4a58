"""Runs a stand-in of mcp_server.py as a fork of the server in mcp_forks.py.

    python -I -S mcp_forked.py PLACE KIND [OPTIONS]

Has the fork's streams, folder and environment, ends with its exit code, and takes it along if it
is killed. Imports nothing but C modules, so that it starts in a hundredth of a second.
"""

import _socket
import marshal
import os
import sys
from array import array

channel = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
channel.connect(sys.argv[1])
wanted = {"arguments": sys.argv[2:], "cwd": os.getcwd(), "environment": dict(os.environ)}
streams = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array("i", range(3)))
channel.sendmsg([marshal.dumps(wanted)], [streams])
# Its input and output end with the fork, not with this process.
for stream in range(3):
    os.close(stream)
code = int(channel.recv(20) or 1)
if code < 0:
    os.kill(os.getpid(), -code)
os._exit(code)
