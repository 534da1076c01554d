"""What the pictures need from a run's Dataset, whichever program wrote it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import xarray

from kadita_jax.axes import SWEPT
from kadita_jax.errors import Fault
from kadita_jax.parameters import RADII


def series(dataset: xarray.Dataset, name: str) -> np.ndarray:
    """One metric against time (T,), as float64."""
    return dataset[name].values.astype(float)


def school_at(dataset: xarray.Dataset, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Position and heading (N, 3) in a frame, without the fish that were not seen.

    In a box positions are those within it: other programs' files may have them unwrapped.
    """
    shown = dataset[["position", "heading"]].isel(time=frame)
    position, heading = (shown[name].values.astype(float) for name in ("position", "heading"))
    return seen_fish(wrapped(position, number(dataset, "box_size")), unit_headings(heading))


def seen_fish(position: np.ndarray, heading: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The fish (N, 3) that have a place and a heading."""
    seen = np.isfinite(position).all(axis=1) & np.isfinite(heading).all(axis=1)
    return position[seen], heading[seen]


def wrapped(position: np.ndarray, box_size: float | None) -> np.ndarray:
    """Positions (..., 3) in [0, box_size), where there is a box; what is not finite is nan."""
    finite = np.where(np.isfinite(position), position, np.nan)
    if box_size is None:
        return finite
    inside = finite % box_size
    # The remainder of what is a little below 0 is rounded up to the box's other side.
    return np.where(inside == box_size, 0.0, inside)


def unit_headings(heading: np.ndarray) -> np.ndarray:
    """Headings (..., 3) or velocities as unit vectors; what rests points nowhere: along x."""
    length = np.linalg.norm(heading, axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(length == 0, np.eye(3)[0], heading / length)


def missing(dataset: xarray.Dataset, names: Iterable[str]) -> Iterator[Fault]:
    """A fault for each variable that a picture needs of a run's Dataset and does not find."""
    for name in names:
        if name not in dataset or "time" not in dataset[name].dims:
            rule = "must be a variable of a run's Dataset, against time"
            yield Fault(name, rule, sorted(map(str, dataset.data_vars)))


def has_number(dataset: xarray.Dataset, name: str) -> bool:
    """Whether an attribute is there, and is no word such as the box_size of open water."""
    return not isinstance(dataset.attrs.get(name, ""), str)


def number(dataset: xarray.Dataset, name: str) -> float | None:
    """An attribute as one number, the median of one value per fish; None when there is none."""
    return float(np.median(dataset.attrs[name])) if has_number(dataset, name) else None


def amount(value: Any) -> str:
    """A number as a person would write it; "a to b" for unlike fish."""
    if isinstance(value, (str, int, np.integer)):
        return str(value)
    low, high = float(np.min(value)), float(np.max(value))
    return f"{low:.5g}" if low == high else f"{low:.3g} to {high:.3g}"


def cut(text: str, limit: int) -> str:
    """The text on one line, its end left out when it is longer than limit."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def joined(parts: Iterable[str]) -> str:
    """The parts that are not empty, side by side with room between."""
    return "   ·   ".join(part for part in parts if part)


def plain_name(name: str) -> str:
    """A parameter or axis in plain words."""
    if name in RADII:
        return f"{name.removeprefix('r_')} radius"
    return {"dt": "time step", "n_fish": "number of fish"}.get(name, name.replace("_", " "))


def plain_unit(name: str, given: str = "1") -> str:
    """A parameter's or axis's unit as it is written after a number; `given` for unknown ones."""
    unit = SWEPT[name].unit if name in SWEPT else given
    return {"1": "", "degree": "deg"}.get(unit, unit)


def footer(attributes: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """The attributes that are there, in a line, each behind its label."""
    found = {name: label for name, label in labels.items() if name in attributes}
    return joined(cut(f"{label} {amount(attributes[name])}", 60) for name, label in found.items())
