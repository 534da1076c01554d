"""What a study of derivatives may be asked, settled before anything runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from kadita_jax.differences import REACH
from kadita_jax.errors import (
    Fault,
    InvalidInputError,
    Unchecked,
    count_faults,
    refuse,
    unknown,
)
from kadita_jax.metrics.convention import REFERENCE, bandwidth_faults, convention_faults
from kadita_jax.model import State, blur_faults
from kadita_jax.names import NAMES
from kadita_jax.parameters import PARAMETERS, RADII, as_numbers
from kadita_jax.pathwise import STATE_NAMES
from kadita_jax.scenario import Scenario, loaded
from kadita_jax.window import Window, window_faults

METHODS = ("auto", "differences", "smoothing", "pathwise")
# Half-steps of differences: this share of a value, or so much where the value is small.
SHARE = 0.03
LEAST = {
    "speed": 0.05,
    "r_repulsion": 0.1,
    "r_orientation": 0.1,
    "r_attraction": 0.1,
    "max_turn": 0.01,
    "noise": 0.005,
    "blind_angle": 2.0,
    "orientation_weight": 0.05,
    "dt": 0.005,
    "box_size": 0.5,
}
# A replicate takes no more runs than that: beyond six parameters they are moved in groups.
MOST_RUNS = 12


@dataclass(frozen=True)
class SensitivityPlan:
    """A study settled in every detail."""

    scenario: Scenario
    of: tuple[str, ...]
    wrt: tuple[str, ...]
    each: tuple[str, ...]
    method: str
    replicates: int
    window: Window
    convention: str
    half_step: Mapping[str, float]
    edge_width: float
    bandwidth: float
    exact: bool
    state: State | None

    @property
    def group(self) -> int:
        """How many parameters differences move together."""
        return max(1, -(-2 * len(self.wrt) // MOST_RUNS))

    @property
    def n_runs(self) -> int:
        """How many schools are run."""
        each = {"pathwise": 1, "smoothing": 2}.get(self.method, 2 * -(-len(self.wrt) // self.group))
        return each * self.replicates

    @property
    def centre(self) -> dict[str, np.ndarray]:
        """Where the derivatives are taken: the scenario's values, or so near a bound as fits."""
        return {name: self._centred(name) for name in self.wrt}

    def _centred(self, name: str) -> np.ndarray:
        value, rule = np.asarray(getattr(self.scenario, name), float), PARAMETERS[name]
        if self.method == "pathwise":
            return value
        reach = self.half_step[name] * (REACH if self.method == "smoothing" else 1.0)
        low = max(0.0, rule.low + reach - np.min(value))
        return np.asarray(value + low - max(0.0, np.max(value) + reach - rule.high))


def settled(
    scenario: Scenario | str | Path,
    changes: Mapping[str, Unchecked],
    *,
    of: Sequence[str] | Unchecked,
    wrt: Sequence[str] | Unchecked,
    each: Sequence[str] | Unchecked,
    method: str | Unchecked,
    replicates: int | Unchecked,
    measure_every: int | Unchecked,
    burn_in: int | Unchecked | None,
    convention: str | Unchecked,
    half_step: Mapping[str, float] | Unchecked | None,
    edge_width: float | Unchecked,
    bandwidth: float | Unchecked,
    exact: bool | Unchecked,
    state: State | None,
    known: Sequence[Fault] = (),
) -> SensitivityPlan:
    """Settle a study; the arguments are those of `kadita_jax.sensitivity`, and

    - `changes`: fields of the scenario to replace; None changes nothing.
    - `known`: what the caller has found wrong already, told with the rest.

    **Raises:** `InvalidInputError` with every fault of every argument.
    """
    faults = [*known, *name_faults(of, wrt, each, method)]
    # A study saves no frames, so its steps need not be a multiple of those between them.
    found = loaded(scenario, {**changes, "save_every": 1}, faults)
    faults += number_faults(found, replicates, measure_every, burn_in, convention)
    faults += step_faults(half_step, wrt if isinstance(wrt, Sequence) else ())
    if found is None or faults:
        raise InvalidInputError("cannot differentiate", faults)
    chosen, steps = chosen_method(method, each), {}
    mixed = chosen == "smoothing" or (chosen == "differences" and len(wrt) > MOST_RUNS // 2)
    if mixed and replicates < 2 * len(wrt):
        rule = f"must be >= {2 * len(wrt)} where {len(wrt)} parameters are moved together"
        faults.append(Fault("replicates", rule, replicates))
    if chosen == "pathwise":
        faults += path_faults(found, edge_width, bandwidth, exact, convention)
    else:
        steps, wrong = half_steps(found, wrt, half_step, chosen)
        faults += wrong
        faults += [] if state is None else [_no_state(chosen)]
    refuse(f"cannot differentiate {found.name!r}", faults)
    burn_in = found.n_steps // 2 if burn_in is None else int(burn_in)
    return SensitivityPlan(
        found,
        tuple(of),
        tuple(wrt),
        tuple(each),
        chosen,
        int(replicates),
        Window(found.n_steps, int(measure_every), burn_in),
        convention,
        steps,
        edge_width,
        bandwidth,
        exact,
        state,
    )


def _no_state(method: str) -> Fault:
    rule = f"must be None with method {method!r}: each replicate draws its own"
    return Fault("state", rule, "a state")


def chosen_method(method: str, each: Sequence[str]) -> str:
    """The better way: differences of numbers, the path where every fish is asked after.

    Measured (bench/sensitivity.py): for numbers that all fish share, differences of the plain
    model have the smaller error at equal time from 5 steps to 80, and no bias of smooth edges;
    of every fish's own values there are too many to move one after another.
    """
    if method != "auto":
        return method
    return "pathwise" if each else "differences"


def name_faults(of: Unchecked, wrt: Unchecked, each: Unchecked, method: Unchecked) -> list[Fault]:
    """What is wrong with the names that a study is asked about."""
    faults = list(_list_faults("of", of, NAMES))
    faults += _list_faults("wrt", wrt, PARAMETERS, may_be_empty=True)
    per_fish = [name for name, parameter in PARAMETERS.items() if parameter.per_fish]
    faults += _list_faults("each", each, (*per_fish, *STATE_NAMES), may_be_empty=True)
    if not faults and not wrt and not each:
        faults.append(Fault("wrt", "must name at least one parameter", wrt))
    if not isinstance(method, str) or method not in METHODS:
        faults.append(Fault("method", f"must be one of {', '.join(METHODS)}", method))
    elif each and method not in ("auto", "pathwise"):
        rule = "must be pathwise where each fish's own derivatives are asked for"
        faults.append(Fault("method", rule, method))
    return faults


def _list_faults(
    field: str, names: Any, known: Iterable[str], *, may_be_empty: bool = False
) -> Iterable[Fault]:
    if isinstance(names, str) or not isinstance(names, Sequence):
        yield Fault(field, "must be a list of names", names)
        return
    if not names and not may_be_empty:
        yield Fault(field, "must name at least one", names)
    for name in names:
        if name not in known:
            yield unknown(f"{field} {name}", known, name)
    if len(set(map(str, names))) < len(names):
        yield Fault(field, "must not repeat a name", names)


def number_faults(
    found: Scenario | None,
    replicates: Unchecked,
    measure_every: Unchecked,
    burn_in: Unchecked,
    convention: Unchecked,
) -> list[Fault]:
    """What is wrong with the size and the window of an ensemble."""
    faults = count_faults({"replicates": replicates}, low=2) + convention_faults(convention)
    if found is None:
        return faults + count_faults({"measure_every": measure_every})
    until = found.n_steps // 2 if burn_in is None else burn_in
    return faults + window_faults(found.n_steps, measure_every, until)


def path_faults(
    scenario: Scenario,
    edge_width: Unchecked,
    bandwidth: Unchecked,
    exact: Unchecked,
    convention: Unchecked,
) -> list[Fault]:
    """Why no path of this scenario can be differentiated."""
    values = {name: getattr(scenario, name) for name in PARAMETERS}
    faults = blur_faults(edge_width, exact, values)
    if edge_width is None:
        faults.append(Fault("edge_width", "must be a number: plain steps have no slope", None))
    if convention == REFERENCE:
        rule = "must be corrected: the paper's centroid jumps at the faces of the box"
        return [*faults, Fault("convention", rule, convention)]
    return faults + bandwidth_faults(bandwidth, convention)


def step_faults(given: Unchecked, wrt: Sequence[str]) -> list[Fault]:
    """What is wrong with half-steps that a person gives."""
    if given is None:
        return []
    if not isinstance(given, Mapping):
        return [Fault("half_step", "must map names of wrt to numbers", given)]
    faults = [unknown(f"half_step {name}", wrt, x) for name, x in given.items() if name not in wrt]
    for name, value in given.items():
        number = as_numbers(value)
        if number is None or number.ndim or not (np.isfinite(number) and number > 0):
            faults.append(Fault(f"half_step {name}", "must be one finite number > 0", value))
    return faults


def half_steps(
    scenario: Scenario, wrt: Sequence[str], given: Mapping[str, float] | None, method: str
) -> tuple[dict[str, float], list[Fault]]:
    """How far each parameter is moved to either side, and why one cannot be.

    Steps of radii are cut where they would put the radii out of order.
    """
    values = {name: np.asarray(getattr(scenario, name), float) for name in (*wrt, *RADII)}
    steps = {name: max(SHARE * float(np.min(values[name])), LEAST[name]) for name in wrt}
    steps |= {name: float(step) for name, step in (given or {}).items()}
    reach, faults = REACH if method == "smoothing" else 1.0, []
    for inner, outer in pairwise(RADII):
        gap = float(np.min(values[outer] - values[inner]))
        moved = [name for name in (inner, outer) if name in steps]
        need = reach * sum(steps[name] for name in moved)
        if moved and gap <= 0:
            rule = f"must exceed {inner} for either to be moved both ways"
            faults.append(Fault(outer, rule, float(np.min(values[outer]))))
        elif need > gap:
            steps |= {name: steps[name] * gap / need for name in moved}
    return steps, faults
