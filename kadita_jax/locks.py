"""One process at a time writes a result: the second is told so."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from kadita_jax.errors import Fault, refuse

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

IN_USE = ".in-use"


def lock_path(path: Path) -> Path:
    """The lock of a result that one process at a time may write."""
    return path.with_name(path.name + IN_USE)


def in_use_faults(path: Path) -> list[Fault]:
    """The fault of a result that another process is writing at this moment."""
    # Where there is no lock, or none that may be opened, nobody is known to write.
    with suppress(OSError), lock_path(path).open("r+b") as stream:
        return [] if _locked(stream) else [_in_use(path)]
    return []


@contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Keep other processes from writing a result, until this one ends.

    The lock goes with the process, however that ends; its file may stay, and means nothing then.
    On file systems without locks nobody is kept from anything.

    **Raises:** `InvalidInputError` where another process has it.
    """
    stream = _taken(path)
    if stream is None:
        refuse("cannot write", [_in_use(path)])
        return
    with stream:
        try:
            yield
        finally:
            # It means nothing by itself, and no failure here shall hide what went on before.
            with suppress(OSError):
                lock_path(path).unlink()


def _in_use(path: Path) -> Fault:
    return Fault("out", "must not be in use: another process is writing it", str(path))


def _taken(path: Path) -> IO[bytes] | None:
    """The file of a result's lock, ours until it is closed; None where another process has it."""
    lock = lock_path(path)
    while True:
        stream = _opened(lock, path)
        if not _locked(stream):
            stream.close()
            return None
        if _is_file(stream, lock):
            return stream
        # Who had it before has removed it meanwhile.
        stream.close()


def _opened(lock: Path, path: Path) -> IO[bytes]:
    try:
        return lock.open("ab")
    except OSError as error:
        # In the name of what the user knows.
        raise OSError(error.errno, error.strerror, str(path)) from error


def _locked(stream: IO[bytes]) -> bool:
    """Whether this process now holds the file; always where the system cannot tell."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # Some file systems of clusters have no locks.
        return True
    return True


def _is_file(stream: IO[bytes], path: Path) -> bool:
    """Whether an open file still is the one of this name, not one removed meanwhile."""
    try:
        return path.stat().st_ino == os.fstat(stream.fileno()).st_ino
    except FileNotFoundError:
        return False
