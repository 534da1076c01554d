"""The knots that a person writes for a parameter that changes with time, checked; without jax."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from kadita_jax.axes import WIDTHS
from kadita_jax.errors import Fault, unknown
from kadita_jax.parameters import PARAMETERS, Parameter, as_numbers

# A frame's time is its step times dt, and one box holds all of a run's frames.
FIXED = ("dt", "box_size")
SCHEDULED: Mapping[str, Parameter] = {
    name: parameter for name, parameter in PARAMETERS.items() if name not in FIXED
}
# Steps are counted in 32 bits.
LAST_STEP = 2**31 - 1


def schedule_faults(given: Any, known: Mapping[str, Parameter] = SCHEDULED) -> list[Fault]:
    """Every rule that the names, steps and values of a schedule break, each by itself.

    **Arguments:**

    - `given`: {name: [[step, value], ...]}.
    - `known`: what may be scheduled.
    """
    if not isinstance(given, Mapping):
        return [Fault("schedule", "must map names of parameters to [[step, value], ...]", given)]
    return [fault for name, pairs in given.items() for fault in _knot_faults(name, pairs, known)]


def _knot_faults(name: Any, pairs: Any, known: Mapping[str, Parameter]) -> list[Fault]:
    field = f"schedule {name}"
    if name in FIXED:
        return [Fault(field, "must not be scheduled: a run has one for all of its frames", pairs)]
    if name not in known and name in WIDTHS:
        return [Fault(field, "must be scheduled in a scenario, which knows its radii", pairs)]
    if name not in known:
        return [replace(unknown(str(name), known, pairs), field=field)]
    numbers = as_numbers(pairs)
    if numbers is None or numbers.ndim != 2 or numbers.shape[1] != 2 or len(numbers) == 0:
        return [Fault(field, "must be [[step, value], ...]", pairs)]
    step, value = numbers.T
    is_step = (step >= 0) & (step <= LAST_STEP) & (step == np.floor(step))
    if not np.all(is_step) or np.any(np.diff(step) <= 0):
        return [Fault(field, "must have whole, ascending steps >= 0", step.tolist())]
    rule = known[name]
    if not rule.admits(value):
        return [Fault(field, f"every value {rule.rule} ({rule.unit})", value.tolist())]
    return []
