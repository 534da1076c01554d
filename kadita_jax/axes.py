"""The axes of a sweep: what a person writes, checked, and the grid of points that they span."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from kadita_jax.errors import Fault, unknown
from kadita_jax.parameters import PARAMETERS, RADII, Parameter, as_numbers

# A width keeps what lies inside it where it is and moves its outer radius.
WIDTHS: Mapping[str, Parameter] = {
    "orientation_width": Parameter(0.0, "bl", "width of the orientation zone"),
    "attraction_width": Parameter(0.0, "bl", "width of the attraction zone"),
}
# Equal radii that are reached in two ways, such as 2.1 of 0.5:5:46 and of 0.7:6.7:61, differ by
# rounding. A zone that is so much less than empty is empty.
SLACK = 1e-9
OUTER_RADIUS = {"orientation_width": "r_orientation", "attraction_width": "r_attraction"}
N_FISH = Parameter(150.0, "1", "number of fish", low=1.0, high=2.0**30)
SWEPT: Mapping[str, Parameter] = {**PARAMETERS, **WIDTHS, "n_fish": N_FISH}

# What FIRST:LAST:N may ask for: beyond it a typing error would fill the memory.
MOST_VALUES = 10**6
FORMAT = (
    f"FIRST:LAST:N with N from 2 to {MOST_VALUES}, FIRST:LAST:N:log with both > 0, "
    "numbers with commas between, or a list"
)


@dataclass(frozen=True)
class Axis:
    """One dimension of a sweep: one field, or several that change together."""

    names: tuple[str, ...]
    values: tuple[np.ndarray, ...]

    @property
    def dim(self) -> str:
        """The dimension's name in the result."""
        return "_and_".join(self.names)

    def __len__(self) -> int:
        return len(self.values[0])


def read_axes(axes: Any) -> tuple[tuple[Axis, ...], list[Fault]]:
    """The axes that a mapping describes, and every fault of it.

    **Arguments:**

    - `axes`: from a name to values (a product with the other axes), or from a tuple of names to
        a tuple of equally many values each (zipped: they change together).
    """
    if not isinstance(axes, Mapping) or not axes:
        rule = "must map at least one name to values (--axis NAME=VALUES)"
        return (), [Fault("axes", rule, axes)]
    found, faults = [], []
    for names, values in axes.items():
        axis, wrong = _read_axis(names, values)
        faults += wrong
        found += [] if wrong else [axis]
    names = list(chain.from_iterable(n if isinstance(n, tuple) else (n,) for n in axes))
    return tuple(found), [*faults, *_name_faults(names)]


def _read_axis(names: Any, values: Any) -> tuple[Axis, list[Fault]]:
    is_zipped = isinstance(names, tuple)
    names, columns = (names, values) if is_zipped else ((names,), (values,))
    if is_zipped and not _is_one_each(names, columns):
        rule = "must hold one list of values for each of its names"
        return Axis((), ()), [Fault(f"axis {names}", rule, values)]
    read = [_read_values(name, column) for name, column in zip(names, columns, strict=True)]
    faults = [fault for _, wrong in read for fault in wrong]
    axis = Axis(tuple(map(str, names)), tuple(numbers for numbers, _ in read))
    lengths = {str(n): len(v) for n, v in zip(names, axis.values, strict=True)}
    if not faults and len(set(lengths.values())) > 1:
        faults.append(Fault(f"axis {axis.dim}", "must be zipped of equally many values", lengths))
    if not faults and not is_zipped and len(np.unique(axis.values[0])) < len(axis):
        faults.append(Fault(f"axis {names[0]}", "must not repeat a value", values))
    return axis, faults


def _is_one_each(names: tuple, columns: Any) -> bool:
    # Text is a sequence too: of letters.
    is_list = isinstance(columns, Sequence) and not isinstance(columns, str)
    is_table = isinstance(columns, np.ndarray) and columns.ndim == 2
    return bool(names) and (is_list or is_table) and len(columns) == len(names)


def _read_values(name: Any, values: Any) -> tuple[np.ndarray, list[Fault]]:
    none, field = np.zeros(0), f"axis {name}"
    if name not in SWEPT:
        return none, [replace(unknown(str(name), SWEPT, values), field=field)]
    numbers = _from_text(values) if isinstance(values, str) else as_numbers(values)
    if numbers is None or numbers.ndim != 1 or numbers.size == 0:
        return none, [Fault(field, f"must be {FORMAT}", values)]
    rule = SWEPT[name]
    if not rule.admits(numbers):
        return none, [Fault(field, f"every value {rule.rule} ({rule.unit})", values)]
    if name == "n_fish" and np.any(numbers % 1):
        return none, [Fault(field, "every value must be a whole number", values)]
    return numbers, []


def _from_text(text: str) -> np.ndarray | None:
    """The numbers of "FIRST:LAST:N", "FIRST:LAST:N:log" or "A,B,..."; None when it is neither."""
    first, *rest = text.split(":")
    try:
        if not rest:
            return np.array([float(word) for word in first.split(",")])
        low, high, n = float(first), float(rest[0]), int(rest[1])
    except (ValueError, IndexError):
        return None
    is_log = rest[2:] == ["log"]
    if not 2 <= n <= MOST_VALUES or (len(rest) > 2 and not is_log):
        return None
    if is_log and not min(low, high) > 0:
        return None
    # What is not finite, or overflows on the way, is refused with the range of the field.
    with np.errstate(all="ignore"):
        return np.geomspace(low, high, n) if is_log else np.linspace(low, high, n)


def _name_faults(names: Sequence[Any]) -> Iterator[Fault]:
    repeated = sorted({str(name) for name in names if names.count(name) > 1})
    if repeated:
        yield Fault("axes", "must not name a field twice", ", ".join(repeated))
    for width, radius in OUTER_RADIUS.items():
        if width in names and radius in names:
            yield Fault("axes", f"must not name both {width} and {radius}", list(map(str, names)))


def radii(
    point: Mapping[str, np.ndarray], fixed: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The three radii that a point's radii and widths make, where any of them is swept.

    A width sets its outer radius. orientation_width moves r_attraction along, so that the
    attraction width stays, unless that is swept itself.

    **Arguments:**

    - `point`: swept fields, (M, 1) each.
    - `fixed`: the scenario's radii, (1,) or (N,).

    **Returns:** radii by name, those that differ from `fixed`.
    """
    moved = {name: point[name] for name in RADII if name in point}
    repulsion, orientation, attraction = (moved.get(name, fixed[name]) for name in RADII)
    if "orientation_width" in point:
        orientation = repulsion + point["orientation_width"]
        moved["r_orientation"] = orientation
        if "r_attraction" not in point:
            attraction = orientation + (fixed["r_attraction"] - fixed["r_orientation"])
            moved["r_attraction"] = attraction
    if "attraction_width" in point:
        moved["r_attraction"] = orientation + point["attraction_width"]
    return moved
