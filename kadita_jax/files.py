"""A file appears under its final name whole, or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARTIAL = ".partial"


def partial_path(path: Path) -> Path:
    """Where an unfinished file grows: beside its final name, never under it."""
    return path.with_name(path.name + PARTIAL)


def final_path(path: Path) -> Path:
    """The final name of a file, given either that or the name of its unfinished part."""
    return path.with_name(path.name.removesuffix(PARTIAL))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to; move it into place if all went well.

    When anything fails the temporary file is removed and `path` stays as it was.
    """
    partial = partial_path(path)
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def picture_path(path: Path) -> Path:
    """Where the picture of a run's file is."""
    return path.with_suffix(".png")
