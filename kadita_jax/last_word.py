"""A last word for a process that cannot say one itself: it was killed, or XLA ended it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Waits for the end of a pipe, which comes however the process at its other end ends.
WAITING = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
if sys.stdin.read() != "left":
    print(sys.argv[1], file=sys.stderr)
"""


@contextmanager
def last_word(text: str) -> Iterator[None]:
    """Have a text told on standard error if this process ends before it leaves here."""
    command = [sys.executable, "-I", "-S", "-c", WAITING, text]
    waiting = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        waiting.communicate("left")
