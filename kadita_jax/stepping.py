"""One step of a school, and the loop over many."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int

from kadita_jax.capacity import CellDemand, CellLayout, highest
from kadita_jax.errors import refuse
from kadita_jax.geometry import wrap
from kadita_jax.keys import RandomKey
from kadita_jax.model import Params, State, leaves_faults, per_fish, reach
from kadita_jax.neighbours import sum_over_all, sum_over_near
from kadita_jax.rules import PairTerms, desired_direction
from kadita_jax.schedule import Course
from kadita_jax.shares import Share
from kadita_jax.turning import next_heading


def step(state: State, params: Params, key: RandomKey) -> State:
    """One time step over every pair: everyone looks, turns, wavers and swims at once.

    **Arguments:**

    - `state`: N fish; positions outside the box are taken by their periodic image.
    - `params`: leaves of shape () or (N,).
    - `key`: used as it is: one step, one key.

    **Returns:** the next state, positions wrapped into the box, headings of unit length.

    **Raises:** `InvalidInputError` naming every parameter whose shape or dtype is not the state's.
    """
    refuse("invalid step", leaves_faults(state, params))
    return _moved(state, sum_over_all(state, params), params, key)


def _moved(state: State, total: PairTerms, params: Params, key: RandomKey) -> State:
    """The school after everyone has turned towards what they wanted, and swum."""
    desired = desired_direction(total, state.heading, params)
    heading = next_heading(state.heading, desired, params, key)
    position = state.position + per_fish(params.speed) * params.dt * heading
    return State(wrap(position, params.box_size), heading)


class School(NamedTuple):
    """A school on its way, and the most that it has demanded of its cell list, if it has one."""

    state: State
    demand: CellDemand | None


def walked(
    school: School,
    starts: Int[Array, " trips"],
    steps_per_trip: int,
    course: Course,
    layout: CellLayout | None,
    share: Share,
) -> tuple[School, School]:
    """The school after the last trip, and the own fish after each: `lax.scan`, but of two steps.

    XLA unrolls a loop of one trip into its surroundings, where it rounds differently: a run of
    one step would not equal the first step of a longer run. Such a run takes a second step, and
    drops it.
    """
    trip = partial(_trip, course, steps_per_trip, layout, share)
    if len(starts) != 1 or steps_per_trip != 1:
        return lax.scan(trip, school, starts)
    _, frames = lax.scan(trip, school, jnp.concatenate([starts, starts]))
    first = jax.tree.map(lambda leaf: leaf[0], frames)
    last = first._replace(state=share.gathered(first.state))
    return last, jax.tree.map(lambda leaf: leaf[:1], frames)


def _trip(
    course: Course,
    n_steps: int,
    layout: CellLayout | None,
    share: Share,
    school: School,
    start: Int[Array, ""],
) -> tuple[School, School]:
    def one(school: School, number: Int[Array, ""]) -> tuple[School, None]:
        return _next(school, course, number, layout, share), None

    after, _ = lax.scan(one, school, start + jnp.arange(n_steps))
    return after, after._replace(state=share.own(after.state))


def _next(
    school: School,
    course: Course,
    number: Int[Array, ""],
    layout: CellLayout | None,
    share: Share,
) -> School:
    """The school a step later; one whose cell list has overflowed stays as it is."""
    state, before = school
    params, key = course.at_step(number)
    if layout is None or before is None:
        return School(_moved(state, sum_over_all(state, params, share), params, key), None)

    def go() -> School:
        # Cells as wide as the fish ever see: those of a narrower sight may be too many.
        total, demand = sum_over_near(state, params, layout, reach(course.widest), share)
        return School(_moved(state, total, params, key), highest(before, demand))

    return lax.cond(before.exceeds(layout), lambda: school, go)
