"""Starts localstripe for the tests: on the loopback only, on a free port, keeping nothing on disk.

Its own start listens on every address of the machine and writes what it knows to a fixed file in /tmp. All else is as
published. The address is written to the file that is named by the argument.
"""

import os
import socket
import sys

from aiohttp import web
from localstripe import resources
from localstripe.server import app

resources.Store.dump_to_disk = lambda self: None

listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.bind(("127.0.0.1", 0))
listener.listen(128)
told = sys.argv[1]
with open(told + ".new", "w") as file:
    file.write(f"http://127.0.0.1:{listener.getsockname()[1]}")
os.rename(told + ".new", told)
web.run_app(app, sock=listener, print=None)
