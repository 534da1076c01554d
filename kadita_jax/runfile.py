"""The growing file of one run: written part by part, never half under its final name."""

import errno
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import netCDF4
import numpy as np

from kadita_jax import layout
from kadita_jax.dataset import reading, unreadable
from kadita_jax.files import partial_path
from kadita_jax.netcdf import create_variable, telling_of_a_full_disk

# What HDF5 may need beyond the frames themselves: its own tables, a few chunks written again.
SPARE_BYTES = 2**22
NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


def best_source(path: Path) -> Path:
    """Where a run is continued from: its unfinished file if there is one, else the finished."""
    return partial_path(path) if partial_path(path).exists() else path


class RunFile:
    """The growing file of one run. Frames are appended; `complete` gives it its final name.

    The time of a frame is written last, so a frame that has a time is whole: what a killed run
    leaves behind can be continued from its last whole frame. Without one nothing is left.
    """

    def __init__(self, path: Path, handle: netCDF4.Dataset, *, has_frames: bool):
        self.path = path
        self._handle = handle
        self._has_frames = has_frames

    @classmethod
    def create(
        cls,
        path: Path,
        n_fish: int,
        variables: Mapping[str, layout.Variable],
        dtype: str,
        attributes: Mapping[str, Any],
        chunk: int,
    ) -> "RunFile":
        """Start the file: dimensions, variables and attributes, no frame yet."""
        partial = partial_path(path)
        with ExitStack() as undo:
            # Opened by Python first, which says why it cannot be.
            partial.open("wb").close()
            undo.callback(partial.unlink, missing_ok=True)
            _reserve(partial, SPARE_BYTES)
            handle = netCDF4.Dataset(partial, "w", format="NETCDF4")
            file = undo.enter_context(cls(path, handle, has_frames=False))
            with file._writing():
                handle.setncatts(dict(attributes))
                _define(handle, n_fish, variables, dtype, chunk)
            undo.pop_all()
        return file

    @classmethod
    def reopen(cls, path: Path, attributes: Mapping[str, Any]) -> "RunFile":
        """Go on with an unfinished file, some of its attributes changed."""
        _reserve(partial_path(path), SPARE_BYTES)
        file = cls(path, netCDF4.Dataset(partial_path(path), "a"), has_frames=True)
        with file._writing():
            file._handle.setncatts(dict(attributes))
            file._handle.sync()
        return file

    def append(self, first: int, frames: Mapping[str, np.ndarray], time: np.ndarray) -> None:
        """Write frames from number `first` on, and push them to the disk."""
        where = slice(first, first + len(time))
        n_bytes = sum(values.nbytes for values in frames.values())
        _reserve(partial_path(self.path), n_bytes + SPARE_BYTES)
        with self._writing():
            for name, values in frames.items():
                self._handle[name][where] = values
            self._handle.sync()
            self._handle["time"][where] = time
            self._handle.sync()
        self._has_frames = True

    def complete(self) -> None:
        """Close the file and move it to its final name."""
        with self._writing():
            self._handle.close()
        os.replace(partial_path(self.path), self.path)

    def _writing(self) -> AbstractContextManager[None]:
        return telling_of_a_full_disk(partial_path(self.path))

    def __enter__(self) -> "RunFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._handle.isopen():
            # After a failed write closing fails again; the first failure is the one to tell.
            with suppress(RuntimeError):
                self._handle.close()
        if not self._has_frames:
            partial_path(self.path).unlink(missing_ok=True)


def _reserve(path: Path, n_bytes: int) -> None:
    """Raise OSError, with the file still whole, if the disk has no room for so many bytes more.

    HDF5 cannot take back a write that fails half-way: the frames before it would be lost too.
    """
    if not hasattr(os, "posix_fallocate"):  # macOS
        return
    with path.open("r+b") as stream:
        size = os.fstat(stream.fileno()).st_size
        try:
            os.posix_fallocate(stream.fileno(), size, n_bytes)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise OSError(error.errno, error.strerror, str(path)) from None
        finally:
            os.ftruncate(stream.fileno(), size)


def _define(
    handle: netCDF4.Dataset,
    n_fish: int,
    variables: Mapping[str, layout.Variable],
    dtype: str,
    chunk: int,
) -> None:
    for name, size in (("time", None), ("fish", n_fish), ("space", 3)):
        handle.createDimension(name, size)
    for name, variable in variables.items():
        sizes = [len(handle.dimensions[dim]) for dim in variable.dims]
        chunks = (chunk, *sizes[1:]) if variable.dims[0] == "time" else None
        # Only time marks, by its fill value, frames that are not yet written.
        fill_value = None if name == "time" else False
        create_variable(handle, name, variable, dtype, chunks=chunks, fill_value=fill_value)
    handle["fish"][:] = np.arange(n_fish)
    handle["space_label"][:] = np.array(layout.SPACE, object)
    handle.sync()


def whole_frames(path: Path) -> int:
    """How many frames of an unfinished file are whole; 0 when it cannot be read."""
    if unreadable(path):
        return 0
    with reading(path), netCDF4.Dataset(path) as handle:
        if "time" not in handle.variables:
            return 0
        written = ~np.ma.getmaskarray(handle["time"][:])
    return int(np.argmin(written)) if not written.all() else written.size
