"""What a study of derivatives may be asked, settled before anything runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from kadita_jax.differences import REACH
from kadita_jax.errors import Fault, InvalidInputError, Unchecked, refuse
from kadita_jax.model import State
from kadita_jax.parameters import PARAMETERS, RADII
from kadita_jax.scenario import Scenario, loaded
from kadita_jax.sensitivity_checks import name_faults, number_faults, path_faults, step_faults
from kadita_jax.window import Window

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
