"""What stands in the file of one run: every variable, its dimensions and attributes.

NetCDF-4 in the CF-1.11 conventions, such that xarray decodes it and the CF checker passes it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kadita_jax.names import LONG_NAMES, MORE_LONG_NAMES, NAMES, STATES

EPOCH = "2000-01-01 00:00:00"
SPACE = ("x", "y", "z")


@dataclass(frozen=True)
class Variable:
    """One variable of the file; dtype None means the run's own float."""

    dims: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    dtype: str | None = None


def variables(box_size: float | None, more: Iterable[str] = ()) -> dict[str, Variable]:
    """Every variable of a run's file, in file order.

    **Arguments:**

    - `box_size`: None is open water.
    - `more`: what is told beside the twelve metrics, of `names.MORE_NAMES`.
    """
    state = state_attributes("state that polarization and rotation name")
    series = _metrics(box_size) | {"state": Variable(("time",), state, "i1")}
    told = {name: Variable(("time",), more_attributes(name)) for name in more}
    return _coordinates() | _tracks(box_size) | series | told


def _coordinates() -> dict[str, Variable]:
    time = {
        "standard_name": "time",
        "long_name": "simulation time",
        "units": f"seconds since {EPOCH}",
        "calendar": "standard",
        "units_metadata": "leap_seconds: none",
        "axis": "T",
        "comment": "the epoch is nominal: simulation time starts at 0",
    }
    fish = {"long_name": "fish number", "cf_role": "trajectory_id"}
    space = {"long_name": "axis of space"}
    return {
        "time": Variable(("time",), time, "f8"),
        "fish": Variable(("fish",), fish, "i4"),
        "space_label": Variable(("space",), space, "str"),
    }


def _tracks(box_size: float | None) -> dict[str, Variable]:
    where = "in open water" if box_size is None else "wrapped into the periodic box"
    position = {
        "long_name": "position in body lengths",
        "units": "1",
        "comment": f"lengths are in body lengths (bl), {where}",
        "coordinates": "space_label",
    }
    heading = {
        "long_name": "heading, a unit vector; velocity is speed times heading",
        "units": "1",
        "coordinates": "space_label",
    }
    dims = ("time", "fish", "space")
    return {"position": Variable(dims, position), "heading": Variable(dims, heading)}


def _metrics(box_size: float | None) -> dict[str, Variable]:
    return {name: Variable(("time",), _metric_attributes(name, box_size)) for name in NAMES}


def _metric_attributes(name: str, box_size: float | None) -> dict[str, Any]:
    attributes: dict[str, Any] = {"long_name": LONG_NAMES[name], "units": "1"}
    if name != "spread":
        return attributes | {"valid_range": (0.0, 1.0)}
    if box_size is None:
        return attributes | {"valid_min": 0.0}
    # No fish is further from the centroid than the box's diagonal.
    return attributes | {"valid_range": (0.0, 3**0.5 * box_size)}


def more_attributes(name: str) -> dict[str, Any]:
    """The attributes of what is told beside the twelve metrics."""
    ranges = {"n_groups": {"valid_min": 0.0}, "accuracy": {"valid_range": (-1.0, 1.0)}}
    about = {"long_name": MORE_LONG_NAMES[name], "units": "1"}
    return about | ranges.get(name, {"valid_range": (0.0, 1.0)})


def state_attributes(long_name: str) -> dict[str, Any]:
    """The attributes of a variable that holds state labels, in CF's words."""
    return {
        "long_name": long_name,
        "flag_values": tuple(range(-1, len(STATES))),
        "flag_meanings": " ".join(("undefined", *STATES)),
    }
