"""What is fitted to what, settled before anything runs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from kadita_jax.bounds import Bounds
from kadita_jax.calibration_target import read_target, target_faults
from kadita_jax.errors import Fault, InvalidInputError, Unchecked, count_faults, unknown
from kadita_jax.fitting import SCAN_POINTS, SCAN_REPLICATES
from kadita_jax.metrics.convention import chosen_convention
from kadita_jax.parameters import LARGEST, PARAMETERS, RADII, as_numbers
from kadita_jax.scenario import Scenario, load_scenario, loaded
from kadita_jax.sensitivity_checks import number_faults
from kadita_jax.window import Window, window_of

# Bounds that are not given: this many times less and more than the scenario's value.
TIMES = 3.0
# Replicates and evaluations of the fits before the last, and whether metrics are weighed by their
# covariance: the first finds the place by each metric alone.
STAGES = ((32, 8, False), (64, 6, True))
LAST_EVALUATIONS = 6
# Fewer replicates cannot tell the covariance of ten metrics.
FEWEST_REPLICATES = 32


@dataclass(frozen=True)
class CalibrationPlan:
    """A calibration settled in every detail; `save_every` is the given scenario's own."""

    scenario: Scenario
    save_every: int
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
    convention: Unchecked | None,
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
    if target_schools is not None:
        faults += count_faults({"target_schools": target_schools})
    chosen = chosen_convention(convention, None if found is None else found.box_size)
    read = read_target(target, chosen, faults)
    bounds = None if found is None else read_bounds(wrt, found, faults)
    if found is not None and bounds is not None:
        faults += target_faults(read, found.n_fish, len(bounds.names))
    if found is None or bounds is None or faults:
        raise InvalidInputError("cannot calibrate", faults)
    return CalibrationPlan(
        found,
        frames_between(scenario, found),
        tuple(read.values),
        np.array(list(read.values.values())),
        read.schools if target_schools is None else int(target_schools),
        bounds,
        int(replicates),
        window_of(found.n_steps, measure_every, burn_in),
        chosen,
    )


def frames_between(scenario: Scenario | str | Path, found: Scenario) -> int:
    """The steps between saved frames of the scenario as it was given, if they divide the steps."""
    own = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
    return math.gcd(own.save_every, found.n_steps)


def read_bounds(wrt: Any, scenario: Scenario, faults: list[Fault]) -> Bounds | None:
    """What is fitted, and between which values; None, and its faults added, where it cannot be."""
    n_before = len(faults)
    is_list = isinstance(wrt, (Mapping, Sequence)) and not isinstance(wrt, str)
    if not is_list or not wrt or not all(isinstance(name, str) for name in wrt):
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
    values = {name: np.asarray(getattr(scenario, name), float) for name in RADII}
    fixed = {n: (float(v.min()), float(v.max())) for n, v in values.items() if n not in pairs}
    bounds = Bounds(tuple(pairs), tuple(low), tuple(high), fixed)
    faults += _order_faults(bounds)
    return bounds if len(faults) == n_before else None


def _limits(name: str, given: Any, scenario: Scenario, faults: list[Fault]) -> tuple[float, float]:
    rule = PARAMETERS[name]
    if given is None:
        value = float(np.mean(getattr(scenario, name)))
        given = value / TIMES, min(value * TIMES, rule.high)
    limits = as_numbers(given)
    if limits is None or limits.shape != (2,) or not rule.admits(limits) or limits[0] >= limits[1]:
        words = f"must be two numbers LOW < HIGH, each {rule.rule.removeprefix('must be ')}"
        faults.append(Fault(f"wrt {name}", words, given))
        return 0.0, LARGEST
    return float(limits[0]), float(limits[1])


def _order_faults(bounds: Bounds) -> list[Fault]:
    """The fault of bounds that leave an outer radius no room beyond an inner one."""
    faults = []
    for inner, outer in combinations(RADII, 2):
        free = [name for name in (inner, outer) if name in bounds.names]
        # An inner radius may come as far out as its bound, unless the outer one is fixed there.
        is_held = inner in free and outer not in free
        beyond = bounds.least(inner) if is_held else bounds.most(inner)
        farthest = bounds.most(outer) if outer in free else bounds.least(outer)
        if free and farthest <= beyond:
            rule = f"must reach beyond {inner} = {beyond:g}"
            faults.append(Fault(f"wrt {outer}", rule, farthest))
    return faults
