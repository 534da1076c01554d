"""Parameters that change with time, piecewise linear between knots."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from kadita_jax.courses import written_faults
from kadita_jax.errors import Fault
from kadita_jax.keys import RandomKey, step_key
from kadita_jax.knots import schedule_faults
from kadita_jax.model import Params
from kadita_jax.parameters import PARAMETERS, preference_faults


class Knots(NamedTuple):
    """Where a parameter's course bends: absolute steps, ascending, and the values there."""

    step: Int[Array | np.ndarray, " knots"]
    value: Float[Array | np.ndarray, " knots"]


Schedule: TypeAlias = Mapping[str, Knots]


def as_schedule(given: Mapping[str, Any], params: Params) -> Schedule:
    """The schedule that a person writes as {name: [(step, value), ...]}, already checked."""
    return {
        name: Knots(
            np.asarray([step for step, _ in pairs], np.int32),
            jnp.asarray([value for _, value in pairs], params.dt.dtype),
        )
        for name, pairs in given.items()
    }


def course_faults(given: Any, params: Params) -> list[Fault]:
    """Every rule that a schedule of these parameters breaks; traced values pass."""
    try:
        concrete = {
            name: [(step, _untraced(name, value)) for step, value in pairs]
            for name, pairs in given.items()
        }
    except (AttributeError, TypeError, ValueError):
        concrete = given
    faults = schedule_faults(concrete)
    leaves = {name: getattr(params, name) for name in PARAMETERS}
    if faults or any(isinstance(leaf, Tracer) for leaf in leaves.values()):
        return faults
    known = {name: np.asarray(leaf) for name, leaf in leaves.items() if leaf is not None}
    weighs = {"informed_weight": 1.0} if "informed_weight" in concrete else {}
    preferred = None if params.preferred_direction is None else (1.0, 0.0, 0.0)
    return written_faults(concrete, known) + preference_faults(preferred, weighs)


class Course(NamedTuple):
    """What guides a school from step to step.

    **Attributes:**

    - `params`: what does not change with time.
    - `schedule`: what does, in place of the same fields of `params`.
    - `stream`: what all steps' noise is drawn from.
    """

    params: Params
    schedule: Schedule
    stream: RandomKey

    def at_step(self, number: Int[Array, ""] | int) -> tuple[Params, RandomKey]:
        """The parameters and the key of the step from the state of this number to the next."""
        now = {name: _value(knots, number) for name, knots in self.schedule.items()}
        return replace(self.params, **now), step_key(self.stream, number)

    @property
    def widest(self) -> Params:
        """The parameters with the largest r_attraction that the schedule comes to."""
        if "r_attraction" not in self.schedule:
            return self.params
        most = jnp.max(jnp.asarray(self.schedule["r_attraction"].value))
        return replace(self.params, r_attraction=most)


def _value(knots: Knots, number: Int[Array, ""] | int) -> Float[Array, ""]:
    """The value at a step: before the first knot the first, after the last the last."""
    step, value = jnp.asarray(knots.step), jnp.asarray(knots.value)
    n_begun = jnp.searchsorted(step, number, side="right")
    before, after = jnp.maximum(n_begun - 1, 0), jnp.minimum(n_begun, len(step) - 1)
    # Steps are subtracted as whole numbers: single precision holds them only up to 2**24.
    gap = jnp.maximum(step[after] - step[before], 1)
    share = (number - step[before]).astype(value.dtype) / gap.astype(value.dtype)
    return value[before] + share * (value[after] - value[before])


def _untraced(name: str, value: Any) -> Any:
    return PARAMETERS[name].default if isinstance(value, Tracer) and name in PARAMETERS else value
