"""What a study of derivatives may be asked, settled before anything runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kadita_jax.errors import Fault, InvalidInputError, Unchecked
from kadita_jax.metrics.convention import chosen_convention
from kadita_jax.model import State
from kadita_jax.scenario import Scenario, loaded
from kadita_jax.sensitivity_checks import (
    MOST_RUNS,
    chosen_method,
    known_names,
    mixing_faults,
    name_faults,
    number_faults,
    smooth_faults,
    state_faults,
    step_faults,
)
from kadita_jax.sensitivity_steps import half_steps, inward, reach_of
from kadita_jax.window import Window, window_of


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
    def values(self) -> dict[str, np.ndarray]:
        """The scenario's values of what is moved, () or (N,)."""
        return {name: np.asarray(getattr(self.scenario, name), float) for name in self.wrt}

    @property
    def offset(self) -> dict[str, float]:
        """How far inside each parameter's range it is moved about: 0 but near its ends."""
        if self.method == "pathwise":
            return dict.fromkeys(self.wrt, 0.0)
        reach = reach_of(self.method)
        return {
            name: inward(name, value, reach * self.half_step[name])
            for name, value in self.values.items()
        }


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
    convention: str | Unchecked | None,
    half_step: Mapping[str, float] | Unchecked | None,
    edge_width: float | Unchecked,
    bandwidth: float | Unchecked,
    exact: bool | Unchecked,
    state: State | Unchecked | None,
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
    chosen, names = chosen_method(method, each), known_names(wrt)
    faults += mixing_faults(chosen, names, replicates)
    faults += step_faults(half_step, names, chosen)
    faults += smooth_faults(found, chosen, edge_width, bandwidth, exact, convention)
    faults += state_faults(state, found, chosen)
    steps = {}
    if found is not None and chosen != "pathwise":
        steps, wrong = half_steps(found, names, half_step, chosen)
        faults += wrong
    if found is None or faults:
        raise InvalidInputError("cannot differentiate", faults)
    return SensitivityPlan(
        found,
        tuple(of),
        names,
        tuple(each),
        chosen,
        int(replicates),
        window_of(found.n_steps, measure_every, burn_in),
        chosen_convention(convention, found.box_size),
        steps,
        edge_width,
        bandwidth,
        exact,
        state,
    )
