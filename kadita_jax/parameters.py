"""What each parameter of the model is: default, unit, range and meaning.

The one table behind `Params`, scenario files, NetCDF attributes and error messages.
It needs neither jax nor pydantic, so listing scenarios stays instant.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from kadita_jax.errors import Fault

# The largest number that float32 holds, rounded down.
LARGEST = 1e38

# How a person, and a file, says that there is no box: neither TOML nor NetCDF has a null.
OPEN = "open"
RADII = ("r_repulsion", "r_orientation", "r_attraction")


@dataclass(frozen=True)
class Parameter:
    """One number of the model, its unit and the interval it must lie in."""

    default: float
    unit: str
    meaning: str
    low: float = 0.0
    high: float = LARGEST
    low_is_allowed: bool = True
    per_fish: bool = True

    @property
    def rule(self) -> str:
        """The range in words, as error messages and scenario files print it."""
        lower = f"{'>=' if self.low_is_allowed else '>'} {self.low:g}"
        if self.high == LARGEST:
            return f"must be finite and {lower}"
        high = "pi" if self.high == math.pi else f"{self.high:g}"
        return f"must be {lower} and <= {high}"

    def admits(self, value: np.ndarray) -> bool:
        """Whether every entry is finite and inside the range."""
        above = value >= self.low if self.low_is_allowed else value > self.low
        # float32(pi) lies above pi: allow for the rounding of a value that was pi.
        below = value <= self.high * (1 + 1e-7)
        return bool(np.all(np.isfinite(value) & above & below))


PARAMETERS: Mapping[str, Parameter] = {
    "speed": Parameter(1.0, "bl/s", "constant swimming speed"),
    "r_repulsion": Parameter(1.0, "bl", "outer radius of the repulsion zone"),
    "r_orientation": Parameter(5.0, "bl", "outer radius of the orientation zone"),
    "r_attraction": Parameter(10.0, "bl", "outer radius of the attraction zone"),
    "max_turn": Parameter(
        0.3,
        "rad/step",
        "largest turn in one step (per step: changing dt alone changes the physics)",
        high=math.pi,
        low_is_allowed=False,
    ),
    "noise": Parameter(
        0.1,
        "rad",
        "directional noise of one step (per step: changing dt alone changes the physics)",
    ),
    "blind_angle": Parameter(30.0, "degree", "half-angle of the rear blind cone", high=180.0),
    "orientation_weight": Parameter(
        1.0, "1", "weight of the orientation sum beside the attraction sum", high=1.0
    ),
    "informed_weight": Parameter(
        0.0, "1", "weight of the preferred direction beside the others' pull; 0 for a naive fish"
    ),
    "dt": Parameter(
        0.1,
        "s",
        "time step (max_turn and noise are per step and do not scale with it)",
        low_is_allowed=False,
        per_fish=False,
    ),
    "box_size": Parameter(
        25.0, "bl", "side of the cubic periodic box", low_is_allowed=False, per_fish=False
    ),
}


def parameter_faults(values: Mapping[str, object], n_fish: int | None = None) -> Iterator[Fault]:
    """Every rule that the given parameter values break.

    **Arguments:**

    - `values`: numbers or one number per fish, by the names of `PARAMETERS`; a value of
        None (open water) is passed over.
    - `n_fish`: when given, arrays must hold that many values.
    """
    arrays = {name: as_numbers(value) for name, value in values.items() if value is not None}
    for name, array in arrays.items():
        yield from _value_faults(name, array, values[name], n_fish)
    if n_fish is None:
        yield from _length_faults(arrays)
    yield from _order_faults(arrays)


def preference_faults(
    preferred: object, values: Mapping[str, object], n_fish: int | None = None
) -> list[Fault]:
    """Why fish cannot prefer this direction, with parameters of these values."""
    weight = as_numbers(values.get("informed_weight", 0.0))
    if preferred is None:
        is_lost = weight is not None and np.any(weight > 0)
        rule = "must be given where any informed_weight is above 0"
        return [Fault("preferred_direction", rule, None)] if is_lost else []
    vectors = as_numbers(preferred)
    if vectors is None or vectors.ndim not in (1, 2) or vectors.shape[-1] != 3:
        rule = "must be three numbers, or three for each fish"
        return [Fault("preferred_direction", rule, preferred)]
    if vectors.ndim == 2 and n_fish is not None and len(vectors) != n_fish:
        rule = f"must hold one vector for each of {n_fish} fish"
        return [Fault("preferred_direction", rule, f"{len(vectors)} vectors")]
    if not np.all(np.isfinite(vectors)) or not np.all(np.any(vectors != 0, axis=-1)):
        return [Fault("preferred_direction", "must be finite and not zero", preferred)]
    return []


def as_numbers(value: object) -> np.ndarray | None:
    """The value as an array of floats; None when it holds anything but real numbers."""
    try:
        array = np.asarray(value)
        # Also text, truth values, dates and complex numbers could be cast, at a loss.
        return None if array.dtype.kind in "bcmMOSU" else array.astype(float)
    except (TypeError, ValueError):
        return None


def _value_faults(
    name: str, array: np.ndarray | None, value: object, n_fish: int | None
) -> Iterator[Fault]:
    parameter = PARAMETERS[name]
    if array is None:
        yield Fault(name, "must be a number", value)
    elif array.ndim > 1 or array.size == 0 or (array.ndim == 1 and not parameter.per_fish):
        shape = "one number or one per fish" if parameter.per_fish else "one number"
        yield Fault(name, f"must be {shape}", f"shape {array.shape}")
    elif array.ndim == 1 and n_fish is not None and array.size != n_fish:
        yield Fault(name, f"must hold one value for each of {n_fish} fish", f"{array.size} values")
    elif not parameter.admits(array):
        yield Fault(name, f"{parameter.rule} ({parameter.unit})", value)


def _length_faults(arrays: Mapping[str, np.ndarray | None]) -> Iterator[Fault]:
    lengths = {
        name: array.size
        for name, array in arrays.items()
        if array is not None and array.ndim == 1 and PARAMETERS[name].per_fish
    }
    if len(set(lengths.values())) > 1:
        yield Fault(" and ".join(lengths), "must hold equally many values", lengths)


def _order_faults(arrays: Mapping[str, np.ndarray | None]) -> Iterator[Fault]:
    for inner, outer in pairwise(RADII):
        low, high = arrays.get(inner), arrays.get(outer)
        if low is None or high is None or not _comparable(low, high):
            continue
        if np.any(low > high):
            rule = f"must be >= {inner} = {low.tolist()}"
            yield Fault(outer, rule, high.tolist())


def _comparable(low: np.ndarray, high: np.ndarray) -> bool:
    return max(low.ndim, high.ndim) < 2 and (1 in (low.size, high.size) or low.size == high.size)
