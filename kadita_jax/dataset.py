"""Files of one run, read: whole or in part, with every damage told as a fault."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import netCDF4
import numpy as np
import xarray as xr

from kadita_jax import layout
from kadita_jax.errors import Fault, InvalidInputError, refuse
from kadita_jax.files import PARTIAL, name_faults, partial_path
from kadita_jax.names import STATES
from kadita_jax.probe import probe

# What there is beside runs, and what draws it.
DRAWN_BY = MappingProxyType(
    {
        "loop": "a loop is drawn by kadita_jax.plot.hysteresis",
        "derivatives": "derivatives are drawn by kadita_jax.plot.sensitivities",
        "sweep": "a sweep keeps no frames (kadita_jax.plot.phase_diagram draws it)",
    }
)


def open_run(path: str | Path) -> xr.Dataset:
    """A run's file as a Dataset, its arrays read when used."""
    path = Path(path)
    refuse("cannot open", unreadable(path))
    with reading(path):
        try:
            return xr.open_dataset(path, engine="netcdf4", decode_timedelta=False)
        except (ValueError, OverflowError) as error:
            # Units, scales or times that xarray cannot decode.
            fault = Fault("file", f"must be in the NetCDF conventions ({error})", str(path))
            raise InvalidInputError("cannot open", [fault]) from error


def open_own(path: str | Path) -> xr.Dataset:
    """A file that this program has just written, which no other process need read first."""
    probe().trust(Path(path))
    return open_run(path)


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
    if faults := name_faults("file", path):
        return faults
    if path.is_dir():
        return [Fault("file", "must be a file, not a directory", str(path))]
    if not path.is_file():
        has_room = not name_faults("file", path, PARTIAL)
        unfinished = has_room and partial_path(path).exists()
        hint = "; an unfinished run can be continued with kadita run --resume" if unfinished else ""
        return [Fault("file", f"must exist{hint}", str(path))]
    damage = probe().damage(path)
    # Not tried here where it cannot be: some such files the library would not let go.
    if damage is None and _can_be_opened(path):
        return []
    words = f" ({damage})" if damage else ""
    if path.name.endswith(PARTIAL):
        words += "; what is left of it cannot be read: run it anew, allowing overwriting"
    return [Fault("file", f"must be a whole NetCDF file{words}", str(path))]


def _can_be_opened(path: Path) -> bool:
    try:
        netCDF4.Dataset(path).close()
    except PermissionError:
        raise
    except (OSError, RuntimeError):
        return False
    return True


def is_sweep(dataset: xr.Dataset) -> bool:
    """Whether a Dataset holds the members of a sweep, not the frames of a run."""
    return "replicate" in dataset.dims and "time" not in dataset.dims


def kind_of(dataset: xr.Dataset) -> str:
    """What a Dataset is: a "loop", "derivatives", a "sweep", or else taken for a "run"."""
    if "branch" in dataset.dims:
        return "loop"
    if "derivative" in dataset:
        return "derivatives"
    return "sweep" if is_sweep(dataset) else "run"


def kind_faults(dataset: xr.Dataset, *wanted: str) -> list[Fault]:
    """The fault of a Dataset of a kind that is not wanted, which says what draws it."""
    kind = kind_of(dataset)
    if kind in wanted or kind not in DRAWN_BY:
        return []
    rule = f"must be {' or '.join(f'a {name}' for name in wanted)}: {DRAWN_BY[kind]}"
    return [Fault("dataset", rule, f"dimensions {', '.join(map(str, dataset.dims))}")]


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


class Clock(NamedTuple):
    """When the frames of a run were.

    **Attributes:**

    - `values`: (T,) seconds; whole numbers of the frames where the file tells no times.
    - `name`: "time" or "frame".
    - `unit`: "s", or "" of frames.
    """

    values: np.ndarray
    name: str
    unit: str

    @property
    def has_times(self) -> bool:
        """Whether the file tells times."""
        return bool(self.unit)

    @property
    def label(self) -> str:
        """What stands at an axis."""
        return f"{self.name} ({self.unit})" if self.has_times else self.name

    @property
    def moment(self) -> str:
        """How one of the values is told, with {} in its place."""
        return f"{{}} {self.unit}" if self.has_times else f"{self.name} {{}}"


def clock(dataset: xr.Dataset) -> Clock:
    """The times of a run's frames, or their numbers where the Dataset has no coordinate `time`."""
    if "time" in dataset.coords:
        return Clock(seconds(dataset), "time", "s")
    return Clock(np.arange(dataset.sizes["time"]), "frame", "")


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
    return state_name(int(dataset["state"].values[-1]))


def state_name(label: int) -> str:
    """The state of a label, "undefined" of one that is none."""
    return STATES[label] if 0 <= label < len(STATES) else "undefined"
