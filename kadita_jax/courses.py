"""The schedule of a scenario in the fields of `Params`: widths become the radii that they make."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from kadita_jax.axes import OUTER_RADIUS, SLACK, WIDTHS, radii
from kadita_jax.errors import Fault
from kadita_jax.knots import SCHEDULED, schedule_faults
from kadita_jax.parameters import RADII

# [[step, value], ...] by the name of a parameter.
Written: TypeAlias = Mapping[str, Any]

WRITTEN = {**SCHEDULED, **WIDTHS}
ZONES = (*RADII, *WIDTHS)


def in_parameters(schedule: Written, fixed: Mapping[str, Any]) -> dict[str, list[list]]:
    """The schedule by fields of `Params` alone.

    **Arguments:**

    - `schedule`: without faults; orientation_width moves r_attraction along, as in a sweep.
    - `fixed`: the three radii of the scenario, which those scheduled replace.
    """
    others = {name: list(map(list, pairs)) for name, pairs in schedule.items() if name not in ZONES}
    steps, moved = _moved_radii(schedule, fixed)
    return others | {
        name: [[int(step), float(value)] for step, value in zip(steps, values[:, 0], strict=True)]
        for name, values in moved.items()
    }


def written_faults(schedule: Any, parameters: Mapping[str, Any]) -> list[Fault]:
    """Every rule that a scenario's schedule breaks.

    **Arguments:**

    - `parameters`: the scenario's own values.
    """
    faults = schedule_faults(schedule, WRITTEN)
    if faults:
        return faults
    names = [name for width, name in OUTER_RADIUS.items() if {width, name} <= set(schedule)]
    faults = [Fault("schedule", f"must not name both {n} and its width", n) for n in names]
    # A zone moves all radii outside it along, which then must be one number as well.
    used = RADII if set(ZONES) & set(schedule) else ()
    for name in {*used, *schedule} & set(parameters):
        if np.ndim(parameters[name]) > 0:
            rule = "must be one number: a schedule moves all fish alike"
            faults.append(Fault(name, rule, "one per fish"))
    return faults or _order_faults(schedule, parameters)


def _order_faults(schedule: Written, fixed: Mapping[str, Any]) -> list[Fault]:
    steps, moved = _moved_radii(schedule, fixed)
    for inner, outer in pairwise(RADII):
        low, high = (np.ravel(moved[n] if n in moved else fixed[n]) for n in (inner, outer))
        wrong = np.flatnonzero(low > high * (1 + SLACK))
        if moved and len(wrong):
            rule = f"must keep {inner} <= {outer} at all steps"
            return [Fault("schedule", rule, f"broken at step {int(steps[wrong[0]])}")]
    return []


def _moved_radii(
    schedule: Written, fixed: Mapping[str, Any]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The steps at which any radius bends, and there those that move, (K, 1) each."""
    zones = {name: np.asarray(pairs, float) for name, pairs in schedule.items() if name in ZONES}
    if not zones:
        return np.zeros(0), {}
    steps = np.unique(np.concatenate([knots[:, 0] for knots in zones.values()]))
    point = {name: np.interp(steps, *knots.T)[:, None] for name, knots in zones.items()}
    own = {name: np.atleast_1d(np.asarray(fixed[name], float)) for name in RADII}
    moved = {name: np.broadcast_to(v, (len(steps), 1)) for name, v in radii(point, own).items()}
    return steps, moved
