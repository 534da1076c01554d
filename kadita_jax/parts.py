"""A run's parts, computed: from a plan to the arrays that a file takes."""

from collections.abc import Callable, Hashable

import jax
import numpy as np
from jaxtyping import ArrayLike

from kadita_jax.metrics import measure_groups_trajectory, measure_trajectory, state_label
from kadita_jax.metrics.nearest import MOST_AMONG_ALL
from kadita_jax.model import State
from kadita_jax.names import ACCURACY_NAMES, GROUP_NAMES, NAMES
from kadita_jax.observed import accuracies
from kadita_jax.parameters import PARAMETERS
from kadita_jax.plan import Plan
from kadita_jax.simulation import Trajectory, simulate

TRACKS = ("position", "heading")


def programs(plan: Plan) -> list[Callable[[], object]]:
    """Calls that have jax compile what a run of this plan needs; in any order, or at once.

    Each computes a first part and drops it: jax keeps the program, and the run finds it. Long
    and large runs, whose first part takes more than compiling does, have none.
    """
    if not plan.is_quick:
        return []

    def simulate_first() -> object:
        return simulated(plan, initial_state(plan), 0)

    # How a large school is measured depends on where its fish are.
    if plan.scenario.n_fish > MOST_AMONG_ALL:
        return [simulate_first]
    frames = np.zeros((plan.frames_per_part + 1, plan.scenario.n_fish, 3), plan.dtype)
    # The one that takes longer by itself is begun first.
    return [simulate_first, lambda: measured(plan, frames, frames)]


def shape(plan: Plan) -> Hashable:
    """What the programs of a plan depend on: those of plans of one shape are the same."""
    scenario = plan.scenario
    per_fish = tuple(isinstance(getattr(scenario, name), tuple) for name in PARAMETERS)
    compiled_in = plan.frames_per_part, scenario.save_every, plan.dtype, plan.convention
    # A cell list is as large as the box and the sight ask. It may differ between schools all
    # the same: the run then compiles what it finds missing.
    listed = scenario.neighbours, scenario.box_size, scenario.farthest
    knots = tuple((name, len(pairs)) for name, pairs in scenario.courses.items())
    rule = scenario.rules, np.shape(scenario.preferred_direction or ()), knots, plan.more_names
    return plan.is_quick, scenario.n_fish, scenario.initial, per_fish, compiled_in, listed, rule


def initial_state(plan: Plan) -> State:
    """The school at step 0."""
    return plan.scenario.initial_state(jax.random.key(plan.scenario.seed))


def simulated(plan: Plan, state: State, frame: int) -> Trajectory:
    """The part from this frame on."""
    scenario, n_part = plan.scenario, plan.frames_per_part
    # The last part computes frames beyond the end and drops them: one program serves all.
    return simulate(
        state,
        scenario.params,
        jax.random.key(scenario.seed),
        n_steps=n_part * scenario.save_every,
        save_every=scenario.save_every,
        first_step=frame * scenario.save_every,
        neighbours=scenario.neighbours,
        schedule=scenario.courses,
    )


def measured(plan: Plan, position: ArrayLike, heading: ArrayLike) -> dict[str, np.ndarray]:
    """Everything that is saved of some frames, by its name in the file."""
    box_size = plan.scenario.box_size
    metrics = measure_trajectory(position, heading, box_size, convention=plan.convention)
    series = {name: np.asarray(getattr(metrics, name)) for name in NAMES}
    label = np.asarray(state_label(series["polarization"], series["rotation"]))
    tracks = map(np.asarray, (position, heading))
    more = _more(plan, position, heading)
    return series | {"state": label} | more | dict(zip(TRACKS, tracks, strict=True))


def _more(plan: Plan, position: ArrayLike, heading: ArrayLike) -> dict[str, np.ndarray]:
    """What is told beside the twelve metrics: groups, and how well informed fish lead."""
    more: dict[str, np.ndarray] = {}
    if plan.group_distance is not None:
        place = position, heading, plan.scenario.box_size
        found = measure_groups_trajectory(*place, plan.group_distance)
        more = {name: np.asarray(getattr(found, name), plan.dtype) for name in GROUP_NAMES}
    if plan.scenario.preferred_direction is not None:
        told = accuracies(heading, plan.scenario.params)
        more |= dict.fromkeys(ACCURACY_NAMES, np.asarray(told))
    return more
