"""What is fitted to what, settled before anything runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from kadita_jax.errors import (
    Fault,
    InvalidInputError,
    Unchecked,
    count_faults,
    refuse,
    unknown,
)
from kadita_jax.fitting import SCAN_POINTS, SCAN_REPLICATES, Bounds
from kadita_jax.names import NAMES
from kadita_jax.parameters import LARGEST, PARAMETERS, RADII, as_numbers
from kadita_jax.scenario import Scenario, loaded
from kadita_jax.sensitivity_checks import number_faults
from kadita_jax.window import Window

# These follow from other metrics: weighed with them they would count twice.
DERIVED = ("order_index", "oceanic_schooling_index")
# Bounds that are not given: this many times less and more than the scenario's value.
REACH = 3.0
# Replicates and evaluations of the fits before the last, and whether metrics are weighed by their
# covariance: the first finds the place by each metric alone.
STAGES = ((32, 8, False), (64, 6, True))
LAST_EVALUATIONS = 6
# Fewer replicates cannot tell the covariance of ten metrics.
FEWEST_REPLICATES = 32


@dataclass(frozen=True)
class CalibrationPlan:
    """A calibration settled in every detail."""

    scenario: Scenario
    names: tuple[str, ...]
    values: np.ndarray
    target_schools: int
    bounds: Bounds
    replicates: int
    window: Window
    convention: str

    @property
    def most_at_once(self) -> int:
        """How many schools are run together at most."""
        each = 2 * len(self.bounds.names) + 1
        return max(
            (SCAN_POINTS + 1) * SCAN_REPLICATES,
            each * max(self.replicates, *(n for n, *_ in STAGES)),
        )

    @property
    def most_runs(self) -> int:
        """How many schools are run at most."""
        each = 2 * len(self.bounds.names) + 1
        stages = [*STAGES, (self.replicates, LAST_EVALUATIONS, True)]
        fits = sum(each * n * (most + 1) for n, most, _ in stages)
        return (SCAN_POINTS + 1) * SCAN_REPLICATES + fits


def settled(
    scenario: Scenario | str | Path,
    target: Unchecked,
    changes: Mapping[str, Unchecked],
    *,
    wrt: Unchecked,
    target_schools: Unchecked,
    replicates: Unchecked,
    measure_every: Unchecked,
    burn_in: Unchecked,
    convention: Unchecked,
    known: Sequence[Fault] = (),
) -> CalibrationPlan:
    """Settle a calibration; the arguments are those of `kadita_jax.calibrate`, and

    - `changes`: fields of the scenario to replace; None changes nothing.
    - `known`: what the caller has found wrong already, told with the rest.

    **Raises:** `InvalidInputError` with every fault of every argument.
    """
    faults = list(known)
    found = loaded(scenario, {**changes, "save_every": 1}, faults)
    faults += number_faults(found, replicates, measure_every, burn_in, convention)
    if not count_faults({"replicates": replicates}, 2):
        faults += count_faults({"replicates": replicates}, FEWEST_REPLICATES)
    faults += count_faults({"target_schools": target_schools})
    values = read_target(target, convention, faults)
    bounds = None if found is None else read_bounds(wrt, found, faults)
    if found is None or bounds is None or faults:
        raise InvalidInputError("cannot calibrate", faults)
    if len(values) < len(bounds.names):
        rule = f"must hold at least as many metrics as parameters are fitted, {len(bounds.names)}"
        refuse("cannot calibrate", [Fault("target", rule, list(values))])
    burn_in = found.n_steps // 2 if burn_in is None else int(burn_in)
    return CalibrationPlan(
        found,
        tuple(values),
        np.array(list(values.values())),
        int(target_schools),
        bounds,
        int(replicates),
        Window(found.n_steps, int(measure_every), burn_in),
        convention,
    )


def read_target(target: Any, convention: Any, faults: list[Fault]) -> dict[str, float]:
    """The metrics to match, by name; what is wrong joins `faults`."""
    if isinstance(target, (str, Path)):
        path = Path(target)
        if not path.is_file():
            faults.append(Fault("target", "must be an existing file", str(path)))
            return {}
        try:
            with xr.open_dataset(path) as dataset:
                return read_target(dataset.load(), convention, faults)
        except (OSError, ValueError):
            faults.append(Fault("target", "must be a NetCDF file", str(path)))
            return {}
    if isinstance(target, xr.Dataset):
        own = target.attrs.get("convention", convention)
        if own != convention:
            faults.append(Fault("convention", f"must be the target's, {own}", convention))
        target = _means(target)
        if not target:
            rule = "must hold metrics over time, or their means over replicates"
            faults.append(Fault("target", rule, "neither"))
    if not isinstance(target, Mapping):
        faults.append(Fault("target", "must map names of metrics to numbers", target))
        return {}
    n_before = len(faults)
    for name, value in target.items():
        number = as_numbers(value)
        if name not in NAMES:
            faults.append(unknown(f"target {name}", NAMES, value))
        elif number is None or number.ndim or not np.isfinite(number):
            faults.append(Fault(f"target {name}", "must be one finite number", value))
    if len(faults) > n_before:
        return {}
    return {n: float(target[n]) for n in NAMES if n in target and n not in DERIVED}


def _means(dataset: xr.Dataset) -> dict[str, float]:
    """The mean of each metric over the second half of the frames, or over replicates."""
    found = {}
    for name in NAMES:
        if name in dataset and dataset[name].dims == ("time",):
            half = dataset[name].isel(time=slice(dataset.sizes["time"] // 2, None))
            found[name] = float(half.mean())
        elif f"{name}_mean" in dataset and dataset[f"{name}_mean"].size == dataset.sizes.get(
            "replicate"
        ):
            found[name] = float(dataset[f"{name}_mean"].mean())
    return found


def read_bounds(wrt: Any, scenario: Scenario, faults: list[Fault]) -> Bounds | None:
    """What is fitted, and between which values; None, and its faults added, where it cannot be."""
    n_before = len(faults)
    if isinstance(wrt, str) or not isinstance(wrt, (Mapping, Sequence)) or not wrt:
        faults.append(Fault("wrt", "must map at least one parameter to its bounds", wrt))
        return None
    pairs = wrt if isinstance(wrt, Mapping) else dict.fromkeys(wrt)
    low, high = [], []
    for name, given in pairs.items():
        if name not in PARAMETERS:
            faults.append(unknown(f"wrt {name}", PARAMETERS, given))
            continue
        limits = _limits(name, given, scenario, faults)
        low.append(limits[0])
        high.append(limits[1])
    if len(faults) > n_before:
        return None
    fixed = {name: float(np.max(getattr(scenario, name))) for name in RADII if name not in pairs}
    bounds = Bounds(tuple(pairs), tuple(low), tuple(high), fixed)
    faults += _order_faults(bounds)
    return bounds if len(faults) == n_before else None


def _limits(name: str, given: Any, scenario: Scenario, faults: list[Fault]) -> tuple[float, float]:
    rule = PARAMETERS[name]
    if given is None:
        value = float(np.mean(getattr(scenario, name)))
        given = value / REACH, min(value * REACH, rule.high)
    limits = as_numbers(given)
    if limits is None or limits.shape != (2,) or not rule.admits(limits) or limits[0] >= limits[1]:
        words = f"must be two numbers LOW < HIGH, each {rule.rule.removeprefix('must be ')}"
        faults.append(Fault(f"wrt {name}", words, given))
        return 0.0, LARGEST
    return float(limits[0]), float(limits[1])


def _order_faults(bounds: Bounds) -> list[Fault]:
    """The fault of bounds that leave an outer radius no room beyond an inner one."""
    least = {**bounds.fixed, **dict(zip(bounds.names, bounds.high, strict=True))}
    lows = {**bounds.fixed, **dict(zip(bounds.names, bounds.low, strict=True))}
    faults = []
    for place, outer in enumerate(RADII[1:], 1):
        for inner in RADII[:place]:
            # An inner radius that is free may come as far out as its own bound.
            beyond = (
                least[inner] if inner in bounds.names and outer in bounds.names else lows[inner]
            )
            if least[outer] <= beyond and (inner in bounds.names or outer in bounds.names):
                rule = f"must reach beyond {inner} = {beyond:g}"
                faults.append(Fault(f"wrt {outer}", rule, least[outer]))
    return faults
