"""Files that others wrote: a process that may die of them reads them first.

A damaged file can make the library that reads it crash or compute without end, and not even Ctrl-C
is heard there. Nothing here takes long to import: the process is to be started before all that does
take long.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from threading import Lock

# How long reading one variable may compute, and by how many bytes of a file it may be longer.
SECONDS = 5
BYTES_PER_SECOND = 2**27

PROGRAM = Path(__file__).with_name("first_reader.py")

# One state of a file: its absolute path, number on the disk, size, and when it was last written.
State = tuple[str, int, int, int]
Process = subprocess.Popen[str]


class Probe:
    """The process that reads first, and what it found. Threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: Process | None = None
        self._found: dict[State, str | None] = {}
        atexit.register(self.stop)

    def start(self) -> None:
        """Have the process running, if the system lets it."""
        if self._process is not None and self._process.poll() is None:
            return
        self.stop()
        try:
            self._process = _started()
        except OSError:
            self._process = None

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def damage(self, path: Path) -> str | None:
        """What is wrong with a file; None if nothing, or there is no process to try.

        "" says that it cannot be opened, else how the process died of it. A state of a file that
        could be opened, or was deadly, is tried once.

        **Raises:** OSError where there is no such file.
        """
        with self._lock:
            state = _state(path)
            if state in self._found:
                return self._found[state]
            found = self._tried(state)
            # What cannot be opened may be on its way.
            if found != "":
                self._found[state] = found
            return found

    def trust(self, path: Path) -> None:
        """Take a file, as it is at this moment, for one that can be read."""
        with self._lock:
            self._found[_state(path)] = None

    def _tried(self, state: State) -> str | None:
        self.start()
        if self._process is None:
            return None
        path, _, size, _ = state
        seconds = SECONDS + size // BYTES_PER_SECOND
        is_fit = False
        try:
            answer = _answer(self._process, path, seconds)
            if not answer:
                return _death(self._process.wait(), seconds)
            is_opened, is_fit = json.loads(answer)
            return None if is_opened else ""
        finally:
            # Also interrupted: its answer would be taken for that to the next question.
            if not is_fit:
                self.stop()


@cache
def _probe_of(_pid: int) -> Probe:
    return Probe()


def probe() -> Probe:
    """That of this process; a fork has its own."""
    return _probe_of(os.getpid())


def _state(path: Path) -> State:
    found = path.stat()
    return str(path.absolute()), found.st_ino, found.st_size, found.st_mtime_ns


def _started() -> Process:
    return subprocess.Popen(
        [sys.executable, "-P", str(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        # It only reads, and shall read what this process itself still holds for writing.
        env=os.environ | {"HDF5_USE_FILE_LOCKING": "FALSE"},
        # Ctrl-C is told to this process alone, which says what there is to say.
        start_new_session=True,
    )


def _answer(process: Process, path: str, seconds: int) -> str:
    """What it says about a file; "" if it dies."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        print(json.dumps([path, seconds]), file=process.stdin, flush=True)
    except BrokenPipeError:
        return ""
    return process.stdout.readline()


def _death(code: int, seconds: int) -> str | None:
    """What a process died of, by its exit code; None where it never came to read anything."""
    if 0 <= code < 256:
        # It ended by itself, as where netCDF4 cannot be imported. (Windows' codes of a crash are
        # larger.)
        return None
    if code == -getattr(signal, "SIGXCPU", 0):
        return f"reading it did not end within {seconds} s of computing"
    return f"reading it crashed: {signal.strsignal(-code) if code < 0 else hex(code)}"
