"""One process at a time writes a result: the second is told so."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from kadita_jax.errors import Fault, refuse

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

IN_USE = ".in-use"


def lock_path(path: Path) -> Path:
    """The lock of a file that one process at a time may write."""
    return path.with_name(path.name + IN_USE)


@contextmanager
def holding(lock: Path, subject: str, fault: Fault) -> Iterator[None]:
    """Keep other processes from what a lock stands for, until this one ends.

    The lock goes with the process, however that ends; the file may stay, and means nothing then.

    **Arguments:**

    - `lock`: the file to lock, made if missing and removed at the end.
    - `subject`, `fault`: what to tell where another process holds it.

    **Raises:** `InvalidInputError` with that fault.
    """
    with lock.open("a") as stream:
        is_ours = _locked(stream) and _is_file(stream, lock)
        refuse(subject, [] if is_ours else [fault])
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def _locked(stream: IO[str]) -> bool:
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


def _is_file(stream: IO[str], path: Path) -> bool:
    """Whether an open file still is the one of this name, not one removed meanwhile."""
    return path.exists() and path.stat().st_ino == os.fstat(stream.fileno()).st_ino
