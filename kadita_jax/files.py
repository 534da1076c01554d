"""A file appears under its final name whole, or not at all."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kadita_jax.errors import Fault, refuse

PARTIAL = ".partial"
# The longest ending of what is written beside a result: a table that grows.
BESIDE = f"_final_state.csv{PARTIAL}"


def partial_path(path: Path) -> Path:
    """Where an unfinished file grows: beside its final name, never under it."""
    return path.with_name(path.name + PARTIAL)


def final_path(path: Path) -> Path:
    """The final name of a run's file, given either that or the name of its unfinished part.

    **Raises:** `InvalidInputError` for what can be the name of neither.
    """
    name = path.name.removesuffix(PARTIAL)
    faults = [] if name else [Fault("file", "must have a name", str(path))]
    refuse("cannot resume", faults or name_faults("file", path, BESIDE))
    return path.with_name(name)


def name_faults(field: str, path: Path, beside: str = "") -> list[Fault]:
    """The fault of a path that is too long for the file system.

    **Arguments:**

    - `beside`: the ending, after the path's own name, of what is written beside it.
    """
    try:
        (path.parent / f"{path.name}{beside}").lstat()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return [Fault(field, "must be short enough to be the name of a file", str(path))]
    return []


@contextmanager
def replacing(path: Path, beside: Path | None = None) -> Iterator[Path]:
    """Give a temporary path to write to; move it into place if all went well.

    When anything fails the temporary file is removed and `path` stays as it was. Once in place
    the file outlives a power cut.

    **Arguments:**

    - `beside`: what the temporary path is named after; `path` when None.
    """
    partial = partial_path(beside or path)
    try:
        yield partial
        push_to_disk(partial)
        os.replace(partial, path)
        push_names_to_disk(path.parent)
    except OSError as error:
        # Who writes by a handle does not know where.
        if error.errno is not None and error.filename is None:
            raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
        raise
    finally:
        partial.unlink(missing_ok=True)


def push_to_disk(path: Path) -> None:
    """Return once all that was written to a file is on the disk itself."""
    with path.open("r+b") as stream:
        os.fsync(stream.fileno())


def push_names_to_disk(folder: Path) -> None:
    """Return once the names in a folder are on the disk itself, where the system can say so."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def unwritable_faults(folder: Path, field: str = "out") -> list[Fault]:
    """The fault of an existing folder that nothing may be written to."""
    if os.access(folder, os.W_OK | os.X_OK):
        return []
    return [Fault(field, "must be in a folder that you may write to", str(folder))]


def picture_path(path: Path) -> Path:
    """Where the picture of a run's file is."""
    return path.with_suffix(".png")
