"""Files of one run, read: whole or in part, with every damage told as a fault."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import xarray as xr

from kadita_jax import layout
from kadita_jax.errors import Fault, InvalidInputError, refuse
from kadita_jax.files import partial_path
from kadita_jax.names import STATES


def open_run(path: str | Path) -> xr.Dataset:
    """A run's file as a Dataset, its arrays read when used."""
    path = Path(path)
    refuse("cannot open", unreadable(path))
    with reading(path):
        try:
            return xr.open_dataset(path, engine="netcdf4", decode_timedelta=False)
        except ValueError as error:
            # Units or scales that xarray cannot decode.
            fault = Fault("file", f"must be in the NetCDF conventions ({error})", str(path))
            raise InvalidInputError("cannot open", [fault]) from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Tell damaged data in a file that can be opened as a fault of the file."""
    try:
        yield
    except (RuntimeError, AttributeError) as error:
        if not str(error).startswith("NetCDF"):
            raise
        fault = Fault("file", f"must hold undamaged data ({error})", str(path))
        raise InvalidInputError("cannot read", [fault]) from error


def unreadable(path: Path) -> list[Fault]:
    """Why a path is no NetCDF file that can be read; empty when it is one."""
    if path.is_dir():
        return [Fault("file", "must be a file, not a directory", str(path))]
    if not path.is_file():
        unfinished = partial_path(path).exists()
        hint = "; an unfinished run can be continued with kadita run --resume" if unfinished else ""
        return [Fault("file", f"must exist{hint}", str(path))]
    try:
        netCDF4.Dataset(path).close()
    except (OSError, RuntimeError) as error:
        if isinstance(error, PermissionError):
            raise
        return [Fault("file", "must be a whole NetCDF file", str(path))]
    return []


def is_sweep(dataset: xr.Dataset) -> bool:
    """Whether a Dataset holds the members of a sweep, not the frames of a run."""
    return "replicate" in dataset.dims and "time" not in dataset.dims


def read_attributes(path: Path) -> dict[str, Any]:
    """The global attributes of a file."""
    with reading(path), netCDF4.Dataset(path) as handle:
        return {name: handle.getncattr(name) for name in handle.ncattrs()}


def read_frame(path: Path, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions and headings of one frame, to the bit."""
    with reading(path), netCDF4.Dataset(path) as handle:
        handle.set_auto_mask(False)
        return handle["position"][number], handle["heading"][number]


def holds_float64(path: Path) -> bool:
    """Whether any array of tracks in the file is in double precision."""
    with netCDF4.Dataset(path) as handle:
        return any(v.ndim > 1 and v.dtype == np.float64 for v in handle.variables.values())


def seconds(dataset: xr.Dataset) -> np.ndarray:
    """Simulation time (T,) in seconds, whether or not xarray decoded it."""
    time = dataset["time"].values
    if time.dtype.kind == "M":
        time = time - np.datetime64(layout.EPOCH, "ns")
    return time / np.timedelta64(1, "s") if time.dtype.kind == "m" else time.astype(float)


def second_half(series: np.ndarray) -> np.ndarray:
    """The frames from T // 2 on, that means and standard deviations are taken over."""
    return series[series.shape[0] // 2 :]


def mean_and_std(series: np.ndarray) -> tuple[float, float]:
    """Over the frames in which a metric is defined (std with ddof 0); nan, nan if in none."""
    defined = series[np.isfinite(series)]
    return (float(defined.mean()), float(defined.std())) if defined.size else (np.nan, np.nan)


def final_state(dataset: xr.Dataset) -> str:
    """The state that the last frame's polarization and rotation name."""
    label = int(dataset["state"].values[-1])
    return STATES[label] if label >= 0 else "undefined"
