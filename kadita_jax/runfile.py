"""The file of one run: it grows beside its final name, where no kill can spoil what is whole."""

import errno
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import netCDF4
import numpy as np

from kadita_jax import layout
from kadita_jax.earlier import has_room_for, read_frames
from kadita_jax.files import partial_path, push_to_disk, replacing
from kadita_jax.form import CHECKSUM, HISTORY, HISTORY_BYTES, Form
from kadita_jax.netcdf import create_variable, telling_of_a_full_disk
from kadita_jax.plan import memory_text

Frames = tuple[Path, int]

# Of a run's frames, compressed: 0.80 to 0.83 in float32, 0.84 to 0.87 in float64; those of fish
# that err little, less.
COMPRESSED = 0.7


class RunFile:
    """The unfinished file of one run. Frames are written into it; `complete` ends it.

    It has its full size from the start, every variable in one piece, so that a write changes the
    bytes of its frames alone: whatever stops it leaves those before as they are. (What is
    compressed or grows HDF5 finds by trees, which it changes in place: a kill between two of
    these changes would cost the whole file.) The time of a frame is written when the frame is on
    the disk, so a frame that has a time is whole. Without any nothing is left.
    """

    def __init__(self, path: Path, form: Form, *, has_frames: bool):
        self.path = path
        self._form = form
        self._has_frames = has_frames
        self._handle = netCDF4.Dataset(partial_path(path), "a")

    @classmethod
    def create(cls, path: Path, form: Form, earlier: Frames | None = None) -> "RunFile":
        """Make room for all frames, and copy those that an earlier file has.

        **Arguments:**

        - `earlier`: a file of the same school, and how many of its frames to take.

        **Raises:** OSError where the disk has less room than the frames need.
        """
        # What goes on leaves the place of its earlier, uncompressed file.
        compressed = 0 if earlier else int(COMPRESSED * form.n_bytes)
        _refuse_without_room(path, form.n_bytes, compressed)
        with replacing(partial_path(path)) as new:
            # Opened by Python first, which says why it cannot be.
            new.open("wb").close()
            with telling_of_a_full_disk(new), netCDF4.Dataset(new, "w") as handle:
                _define(handle, form, is_final=False)
                _take_room(handle, form)
                if earlier is not None:
                    _copy(handle, form, *earlier)
            _reserve(new)
        return cls(path, form, has_frames=earlier is not None)

    @classmethod
    def go_on(cls, path: Path, form: Form, earlier: Frames) -> "RunFile":
        """Go on with an earlier file: where it lies, if it is unfinished and of this form."""
        history = str(form.attributes.get("history", "")).encode()
        is_ours = has_room_for(earlier[0], form) and os.access(earlier[0], os.W_OK)
        if not is_ours or len(history) > HISTORY_BYTES:
            return cls.create(path, form, earlier)
        file = cls(path, form, has_frames=True)
        file._handle[HISTORY][:] = np.frombuffer(history.ljust(HISTORY_BYTES, b"\0"), np.uint8)
        return file

    def append(self, first: int, frames: Mapping[str, np.ndarray], time: np.ndarray) -> None:
        """Write frames from number `first` on, and bring them to the disk."""
        where = slice(first, first + len(time))
        checked = {**frames, CHECKSUM: self._form.checksums(frames)}
        for written in (checked, {"time": time}):
            with telling_of_a_full_disk(partial_path(self.path)):
                for name, values in written.items():
                    self._handle[name][where] = values
                self._handle.sync()
            push_to_disk(partial_path(self.path))
            # Whoever is interrupted from here on leaves them.
            self._has_frames = True

    def complete(self) -> None:
        """Compress the frames into the file of the final name."""
        unfinished = partial_path(self.path)
        self._handle.close()
        with (
            replacing(self.path, beside=unfinished) as new,
            telling_of_a_full_disk(new),
            netCDF4.Dataset(new, "w") as handle,
        ):
            _define(handle, self._form, is_final=True)
            _copy(handle, self._form, unfinished, self._form.n_frames)
        unfinished.unlink()

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


def _refuse_without_room(path: Path, frames: int, compressed: int) -> None:
    """Raise OSError before a run that the disk has no room for."""
    free, needed = shutil.disk_usage(path.parent).free, frames + compressed
    if needed > free:
        more = ", before and after they are compressed" if compressed else ""
        sizes = f"the frames need {memory_text(needed)}{more}, of {memory_text(free)} free"
        raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)}: {sizes}", str(path))


def _reserve(path: Path) -> None:
    """Have the disk keep room for all of a file, where the system can: nobody else takes it."""
    if not hasattr(os, "posix_fallocate"):
        return
    with path.open("r+b") as stream:
        size = path.stat().st_size
        try:
            os.posix_fallocate(stream.fileno(), 0, size)
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.EINVAL):
                return
            told = f"{os.strerror(error.errno or 0)}: the frames need {memory_text(size)}"
            raise OSError(error.errno, told, str(path)) from error


def _define(handle: netCDF4.Dataset, form: Form, *, is_final: bool) -> None:
    n_frames = None if is_final else form.n_frames
    for name, size in (("time", n_frames), ("fish", form.n_fish), ("space", len(layout.SPACE))):
        handle.createDimension(name, size)
    for name, variable in form.variables.items():
        sizes = [len(handle.dimensions[dim]) for dim in variable.dims]
        is_chunked = is_final and name in form.series
        chunks = (form.chunk, *sizes[1:]) if is_chunked else None
        # Only time marks frames that are not yet written; CF wants none missing in the end.
        fill_value = np.nan if name == "time" and not is_final else False
        create_variable(handle, name, variable, form.dtype, chunks=chunks, fill_value=fill_value)
    if not is_final:
        handle.createDimension(HISTORY, HISTORY_BYTES)
        handle.createVariable(HISTORY, "u1", (HISTORY,), fill_value=False)[:] = 0
        handle.createVariable(CHECKSUM, "u4", ("time",), fill_value=False)[:] = 0
    handle["fish"][:] = np.arange(form.n_fish)
    handle["space_label"][:] = np.array(layout.SPACE, object)
    handle.setncatts(dict(form.attributes))


def _take_room(handle: netCDF4.Dataset, form: Form) -> None:
    """Have HDF5 settle where each variable lies, which it does when one is first written."""
    for name in form.series:
        handle[name][-1] = np.ma.masked if name == "time" else 0


def _copy(handle: netCDF4.Dataset, form: Form, source: Path, n_frames: int) -> None:
    """Take the first frames of another file, some at a time."""
    for where, frames in read_frames(source, form, n_frames):
        for name, values in frames.items():
            handle[name][where] = values
        if CHECKSUM in handle.variables:
            handle[CHECKSUM][where] = form.checksums(frames)
