"""Tracks from any file: ours, the peer's, or another program's, measured."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from kadita_jax.dataset import open_run, reading
from kadita_jax.errors import Fault, Unchecked, refuse
from kadita_jax.metrics import measure_trajectory, state_label
from kadita_jax.metrics.convention import CORRECTED, chosen_convention, convention_faults
from kadita_jax.names import NAMES
from kadita_jax.parameters import OPEN, parameter_faults
from kadita_jax.plan import PART_PAIRS

# The names that programs of the field give to the two arrays and their axes.
POSITION_NAMES = ("position", "positions")
HEADING_NAMES = ("heading", "headings", "velocity", "velocities")
# Coordinates of these names are times in seconds; of the others, no more than numbers.
TIME_NAMES = ("time", "t")
TIME_DIMS = (*TIME_NAMES, "frame", "frames", "step")
SPACE_DIMS = ("space", "spatial", "axis", "xyz")
DIMS = ("time", "fish", "space")


def measure_file(
    path: str | Path,
    *,
    box_size: float | Unchecked | None = None,
    convention: str | Unchecked | None = None,
    frames: slice = slice(None),
) -> xr.Dataset:
    """All twelve metrics of every frame of a file that has positions and headings or velocities.

    **Arguments:**

    - `path`: a NetCDF file with variables `position(s)` and `heading(s)` or `velocity`/
        `velocities`, dims time, fish, space (3) in any order; dims of one entry are dropped.
    - `box_size`: side of the periodic box, bl; the file's own attribute when None. A file
        without one is taken for open water only if convention "corrected" is asked for.
    - `convention`: "reference" or "corrected"; None is the first in a box and the second in the
        open water of one of our own files.
    - `frames`: which ones; at least one.

    **Returns:** the file's positions and headings, with dims time, fish, space, and the twelve
    metrics and the state label with dim time; the file's attributes.

    **Raises:** `InvalidInputError` naming all that the file lacks.
    """
    path = Path(path)
    source = open_run(path)
    refuse(f"cannot measure {path}", measure_faults(source, box_size, convention))
    box_size = _side(_said_box(source, box_size))
    chosen = chosen_convention(convention, box_size)
    tracks = _tracks(source).isel(time=frames)
    series = _measure(path, tracks, box_size, chosen)
    measured = tracks.assign({name: ("time", values) for name, values in series.items()})
    return measured.assign_attrs(
        {**source.attrs, "convention": chosen}
        | ({} if box_size is None else {"box_size": box_size})
        | {"n_fish": tracks.sizes["fish"]}
    )


def measured_or_measure(
    path: str | Path,
    *,
    box_size: float | Unchecked | None = None,
    convention: str | Unchecked | None = None,
    frames: slice | None = None,
) -> xr.Dataset:
    """A run of ours as it is, unless a box or a convention is asked for; else `measure_file`.

    **Arguments:**

    - `frames`: which ones, at least one; all of them when None.
    """
    dataset = open_run(path)
    if is_taken_as_measured(dataset, box_size, convention):
        return dataset if frames is None else dataset.isel(time=frames)
    measured = {"box_size": box_size, "convention": convention}
    return measure_file(path, **measured, frames=slice(None) if frames is None else frames)


def is_taken_as_measured(
    dataset: xr.Dataset, box_size: Unchecked | None = None, convention: Unchecked | None = None
) -> bool:
    """Whether `measured_or_measure` takes a Dataset as it is."""
    return is_measured(dataset) and box_size is None and convention is None


def measure_faults(
    source: xr.Dataset, box_size: Unchecked | None = None, convention: Unchecked | None = None
) -> list[Fault]:
    """Why a Dataset cannot be measured in this box and convention; empty when it can."""
    said = _said_box(source, box_size)
    faults = track_faults(source) + _setting_faults(_side(said), convention)
    if said is None and convention != CORRECTED:
        rule = "must be given: the file does not say (open water needs convention 'corrected')"
        faults.append(Fault("box_size", rule, None))
    return faults


def read_tracks(dataset: xr.Dataset) -> xr.Dataset:
    """A Dataset's positions and headings (or velocities) alone, dims time, fish, space.

    **Raises:** `InvalidInputError` naming all that the Dataset lacks.
    """
    refuse("cannot find tracks", track_faults(dataset))
    return _tracks(dataset).assign_attrs(dataset.attrs)


def is_measured(dataset: xr.Dataset) -> bool:
    """Whether a Dataset is a run of ours: tracks under our own names, and every metric."""
    return all(name in dataset for name in ("position", "heading", "state", *NAMES))


def says_box(dataset: xr.Dataset) -> bool:
    """Whether a Dataset says how large its box is, or that there is none."""
    return _own_box(dataset) is not None


def has_tracks(dataset: xr.Dataset) -> bool:
    """Whether a Dataset has variables that are positions and headings, by their names."""
    return all(_first(n, dataset.variables) is not None for n in (POSITION_NAMES, HEADING_NAMES))


def track_faults(source: xr.Dataset) -> list[Fault]:
    """All that a Dataset lacks to be tracks; empty when it holds positions and headings."""
    faults = []
    for names in (POSITION_NAMES, HEADING_NAMES):
        name = _first(names, source.variables)
        if name is None:
            found = ", ".join(map(str, source.variables)) or "nothing"
            faults.append(Fault(names[0], f"must be a variable named {' or '.join(names)}", found))
        elif _order(source[name]) is None:
            rule = (
                f"must have a dim named {' or '.join(TIME_DIMS)}, one of 3 named "
                f"{' or '.join(SPACE_DIMS)}, and one more of any name, the fish"
            )
            faults.append(Fault(str(name), rule, dict(source[name].sizes)))
    return faults or _size_faults(source)


def _said_box(source: xr.Dataset, asked: Any) -> Any:
    return _own_box(source) if asked is None else asked


def _side(said: Any) -> Any:
    """The side of the box as the metrics take it: open water, told by its name, has none."""
    return None if isinstance(said, str) and said == OPEN else said


def _own_box(source: xr.Dataset) -> Any:
    """The file's box_size as one number; three equal sides are one."""
    value = source.attrs.get("box_size")
    if isinstance(value, np.ndarray) and value.size and np.all(value == value.flat[0]):
        value = value.flat[0]
    return value.item() if isinstance(value, np.generic) else value


def _setting_faults(box_size: Any, convention: Any) -> list[Fault]:
    return [*convention_faults(convention), *parameter_faults({"box_size": box_size})]


def _first(names: tuple[str, ...], found: object) -> Hashable | None:
    return next((name for name in names if name in found), None)  # type: ignore[operator]


def _size_faults(source: xr.Dataset) -> list[Fault]:
    """Faults of the two arrays' sizes, once both are there."""
    names = [_first(found, source.variables) for found in (POSITION_NAMES, HEADING_NAMES)]
    sizes = [tuple(source[name].sizes[dim] for dim in _order(source[name]) or ()) for name in names]
    if sizes[0] != sizes[1]:
        return [Fault(f"{names[0]} and {names[1]}", "must have the same sizes", sizes)]
    if 0 in sizes[0]:
        return [Fault(str(names[0]), "must hold at least one frame and one fish", sizes[0])]
    return []


def _order(array: xr.DataArray) -> tuple[Hashable, ...] | None:
    """The array's dims in the order time, fish, space; None when they cannot be told.

    A dim of one entry beside these, such as a single keypoint, is no obstacle.
    """
    time, space = _first(TIME_DIMS, array.dims), _first(SPACE_DIMS, array.dims)
    rest = [dim for dim in array.dims if dim not in (time, space)]
    several = [dim for dim in rest if array.sizes[dim] != 1]
    rest = several or rest[:1]
    if time is None or space is None or len(rest) != 1 or array.sizes[space] != 3:
        return None
    return time, rest[0], space


def _tracks(source: xr.Dataset) -> xr.Dataset:
    position, heading = (
        _standard(source[_first(names, source.variables)])
        for names in (POSITION_NAMES, HEADING_NAMES)
    )
    tracks = xr.Dataset({"position": position, "heading": heading})
    time = _first(TIME_NAMES, source.variables)
    if time is not None and source[time].ndim == 1:
        tracks = tracks.assign_coords(time=("time", source[time].values, source[time].attrs))
    return tracks


def _standard(array: xr.DataArray) -> xr.DataArray:
    order = _order(array)
    assert order is not None
    bare = array.drop_vars(list(array.coords))
    bare = bare.squeeze([dim for dim in bare.dims if dim not in order]).transpose(*order)
    return bare.rename({old: new for old, new in zip(order, DIMS, strict=True) if old != new})


def _measure(
    path: Path, tracks: xr.Dataset, box_size: float | None, convention: str
) -> dict[str, np.ndarray]:
    """Every metric of every frame, a part of the frames in memory at a time."""
    n_part = max(1, int(PART_PAIRS / tracks.sizes["fish"] ** 2))
    parts = []
    for start in range(0, tracks.sizes["time"], n_part):
        with reading(path):
            part = tracks.isel(time=slice(start, start + n_part)).load()
        position, heading = part["position"].values, part["heading"].values
        parts.append(measure_trajectory(position, heading, box_size, convention=convention))
    series = {name: np.concatenate([getattr(part, name) for part in parts]) for name in NAMES}
    label = np.asarray(state_label(series["polarization"], series["rotation"]))
    return series | {"state": label}
