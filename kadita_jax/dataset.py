"""Files of one run: written frame by frame, opened again, read from elsewhere."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import netCDF4
import numpy as np
import xarray as xr

from kadita_jax import layout
from kadita_jax.errors import Fault, refuse


def partial_path(path: Path) -> Path:
    """Where the file of an unfinished run grows: beside its final name, never under it."""
    return path.with_name(path.name + ".partial")


def best_source(path: Path) -> Path:
    """Where a run is continued from: its unfinished file if there is one, else the finished."""
    return partial_path(path) if partial_path(path).exists() else path


class RunFile:
    """The growing file of one run. Frames are appended; `complete` gives it its final name.

    The time of a frame is written last, so a frame that has a time is whole: what a killed run
    leaves behind can be continued from its last whole frame.
    """

    def __init__(self, path: Path, handle: netCDF4.Dataset):
        self.path = path
        self._handle = handle

    @classmethod
    def create(
        cls, path: Path, n_fish: int, dtype: str, attributes: Mapping[str, Any], chunk: int
    ) -> Self:
        """Start the file: dimensions, variables and attributes, no frame yet."""
        handle = netCDF4.Dataset(partial_path(path), "w", format="NETCDF4")
        for name, size in (("time", None), ("fish", n_fish), ("space", 3)):
            handle.createDimension(name, size)
        handle.setncatts(dict(attributes))
        for name, variable in layout.variables(attributes.get("box_size")).items():
            _create_variable(handle, name, variable, dtype, chunk)
        handle["fish"][:] = np.arange(n_fish)
        handle["space_label"][:] = np.array(layout.SPACE, object)
        return cls(path, handle)

    @classmethod
    def reopen(cls, path: Path, attributes: Mapping[str, Any]) -> Self:
        """Go on with an unfinished file, some of its attributes changed."""
        handle = netCDF4.Dataset(partial_path(path), "a")
        handle.setncatts(dict(attributes))
        return cls(path, handle)

    def append(self, first: int, frames: Mapping[str, np.ndarray], time: np.ndarray) -> None:
        """Write frames from number `first` on, and push them to the disk."""
        where = slice(first, first + len(time))
        with _told_as_os_error(self.path):
            for name, values in frames.items():
                self._handle[name][where] = values
            self._handle.sync()
            self._handle["time"][where] = time
            self._handle.sync()

    def complete(self) -> None:
        """Close the file and move it to its final name."""
        with _told_as_os_error(self.path):
            self._handle.close()
        os.replace(partial_path(self.path), self.path)

    def __enter__(self) -> Self:
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


@contextmanager
def _told_as_os_error(path: Path) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise OSError(f"could not write {partial_path(path)}: {error}; disk full?") from error


def _create_variable(
    handle: netCDF4.Dataset, name: str, variable: layout.Variable, dtype: str, chunk: int
) -> None:
    dtype = variable.dtype or dtype
    datatype = str if dtype == "str" else dtype
    sizes = [len(handle.dimensions[dim]) for dim in variable.dims]
    growing = variable.dims[0] == "time"
    created = handle.createVariable(
        name,
        datatype,
        variable.dims,
        zlib=growing,
        shuffle=growing,
        complevel=1,
        chunksizes=(chunk, *sizes[1:]) if growing else None,
        # nan is a value here (an undefined entropy); only time marks frames not yet written.
        fill_value=None if name == "time" else False,
    )
    created.setncatts({k: _attribute(v, dtype) for k, v in variable.attributes.items()})


def _attribute(value: Any, dtype: str) -> Any:
    # CF wants ranges and flags in the dtype of the variable they speak of.
    return np.array(value, dtype) if isinstance(value, (tuple, float)) else value


def open_run(path: str | Path) -> xr.Dataset:
    """A run's file as a Dataset, its arrays read when used."""
    path = Path(path)
    refuse("cannot open", unreadable(path))
    return xr.open_dataset(path, engine="netcdf4", decode_timedelta=False)


def unreadable(path: Path) -> list[Fault]:
    """Why a path is no NetCDF file that can be read; empty when it is one."""
    if path.is_dir():
        return [Fault("file", "must be a file, not a directory", str(path))]
    if not path.is_file():
        return [Fault("file", "must exist", str(path))]
    try:
        netCDF4.Dataset(path).close()
    except OSError as error:
        if isinstance(error, PermissionError):
            raise
        return [Fault("file", "must be a whole NetCDF file", str(path))]
    return []


def whole_frames(path: Path) -> int:
    """How many frames of an unfinished file are whole; 0 when it cannot be read."""
    if unreadable(path):
        return 0
    with netCDF4.Dataset(path) as handle:
        written = ~np.ma.getmaskarray(handle["time"][:])
    return int(np.argmin(written)) if not written.all() else written.size


def read_attributes(path: Path) -> dict[str, Any]:
    """The global attributes of a file."""
    with netCDF4.Dataset(path) as handle:
        return {name: handle.getncattr(name) for name in handle.ncattrs()}


def read_frame(path: Path, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions and headings of one frame, to the bit."""
    with netCDF4.Dataset(path) as handle:
        handle.set_auto_mask(False)
        return handle["position"][number], handle["heading"][number]


def holds_float64(path: Path) -> bool:
    """Whether any array of tracks in the file is in double precision."""
    with netCDF4.Dataset(path) as handle:
        return any(v.ndim > 1 and v.dtype == np.float64 for v in handle.variables.values())
