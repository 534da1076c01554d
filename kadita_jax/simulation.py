"""The time loop: one step, and a run of many with frames kept on the way."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.core import Tracer
from jaxtyping import Array, Bool, Float, Int

from kadita_jax.capacity import CellDemand, CellLayout, highest, no_demand
from kadita_jax.errors import Fault, Unchecked, count_faults, refuse
from kadita_jax.geometry import wrap
from kadita_jax.keys import RandomKey, key_faults, noise_stream, step_key
from kadita_jax.model import Params, State, leaves_faults, per_fish
from kadita_jax.neighbours import (
    Neighbours,
    chosen_layout,
    grown,
    neighbours_faults,
    sum_over_all,
    sum_over_near,
    traced_faults,
)
from kadita_jax.pytree import pytree
from kadita_jax.rules import PairTerms, desired_direction, perturb, turn

# Steps are counted in 32 bits.
LAST_STEP = 2**31 - 1


@pytree()
class Trajectory:
    """The frames of a run, and the state after its last step.

    **Attributes:**

    - `time`: (T,) seconds, absolute step times dt.
    - `position`, `heading`: (T, N, 3).
    - `final`: the state after the last step, to go on from.
    - `overflow`: whether a cell list was too small at some step; the frames after it are then
        not to be used. Only ever true inside jit, vmap or grad. None without a cell list.
    - `demand`: the most that a step demanded of the cell list, up to an overflow.
    """

    time: Float[Array, "time"]
    position: Float[Array, "time fish 3"]
    heading: Float[Array, "time fish 3"]
    final: State
    overflow: Bool[Array, "*schools"] | None = None
    demand: CellDemand | None = None


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
    return _move(state, sum_over_all(state, params), params, key)


def _move(state: State, total: PairTerms, params: Params, key: RandomKey) -> State:
    desired = desired_direction(total, state.heading, params.blur)
    heading = perturb(turn(state.heading, desired, params.max_turn), params.noise, key)
    position = state.position + per_fish(params.speed) * params.dt * heading
    return State(wrap(position, params.box_size), heading)


def simulate(
    state: State,
    params: Params,
    key: RandomKey | Unchecked,
    *,
    n_steps: int | Unchecked,
    save_every: int | Unchecked = 1,
    first_step: int | Unchecked = 0,
    neighbours: Neighbours | Unchecked = "auto",
) -> Trajectory:
    """Run a school and keep the frames whose absolute step is a multiple of save_every.

    Frame 0 is always the given state. The noise of a step depends on the key and the step's
    absolute number alone, so a run cut into chunks (each starting from the last one's `final`
    with `first_step` set, its frame 0 dropped) gives the same bits as one run; on a GPU with a
    cell list the same up to rounding.

    **Arguments:**

    - `state`: the school at step `first_step`; positions outside the box are wrapped.
    - `params`: leaves of shape () or (N,).
    - `key`: the run's key; may be the one that drew the initial state.
    - `n_steps`: how many steps to take, >= 1. Compiled in, as is `save_every`.
    - `save_every`: steps between frames, >= 1.
    - `first_step`: absolute number of the given state, >= 0.
    - `neighbours`: who is summed over. "dense" is every pair; "cells" those that a cell list
        holds near, far fewer in a large school; "auto" takes the list where it should be at
        least twice as fast (box_size, r_attraction and N decide). The sums agree to rounding.
        A list too small for where the fish have gone is enlarged and the run computed again. In
        a box of fewer than three attraction radii every pair is summed over. Inside jit, vmap
        and grad "auto" is "dense" and "cells" refused: a `CellLayout` (or the None) that
        `cell_layout` gives is taken as it is, there too.

    **Raises:** `InvalidInputError` naming every argument out of range, or every capacity of the
        given `CellLayout` that was too small, with a size that it must at least have.
    """
    faults = _run_faults(state, params, n_steps, save_every, first_step, neighbours)
    refuse("invalid run", key_faults(key) + faults)
    first_step, n_steps, save_every = map(int, (first_step, n_steps, save_every))
    schedule = _schedule(first_step, n_steps, save_every)
    layout, stream = chosen_layout(neighbours, state, params), noise_stream(key)
    while True:
        trajectory = _simulate(state, params, stream, first_step, schedule, layout)
        if layout is None:
            return trajectory
        if isinstance(trajectory.overflow, Tracer):
            if isinstance(neighbours, CellLayout):
                return trajectory
            # Nobody could see the overflow of a list that jit, vmap or grad holds.
            refuse("invalid run", traced_faults(neighbours))
            layout = None
        elif not trajectory.overflow:
            return trajectory
        elif isinstance(neighbours, CellLayout):
            refuse("the cell list overflowed", trajectory.demand.faults(layout))
        else:
            layout = grown(layout, trajectory.demand)


class _Schedule(NamedTuple):
    """A run as three walks: up to the first frame, from frame to frame, and past the last."""

    lead: int
    n_frames: int
    save_every: int
    rest: int


def _schedule(first_step: int, n_steps: int, save_every: int) -> _Schedule:
    lead = -first_step % save_every
    if lead > n_steps:
        return _Schedule(0, 0, save_every, n_steps)
    n_frames, rest = divmod(n_steps - lead, save_every)
    return _Schedule(lead, n_frames, save_every, rest)


# The schedule is compiled in, first_step is not: all aligned chunks of a run share one program.
@partial(jax.jit, static_argnames=("schedule", "layout"))
def _simulate(
    state: State,
    params: Params,
    stream: RandomKey,
    first_step: int | Int[Array, ""],
    schedule: _Schedule,
    layout: CellLayout | None,
) -> Trajectory:
    def walk(school: _School, start: Int[Array, ""], stride: int, n: int) -> tuple[_School, tuple]:
        starts = start + stride * jnp.arange(n)
        if n == 0:
            return school, (position[:0], heading[:0], starts)
        advance = partial(_advance, params, stream, stride, layout)
        last, frames = _loop(advance, school, starts, stride)
        return last, (frames.state.position, frames.state.heading, starts + stride)

    start, position, heading = jnp.asarray(first_step), state.position[None], state.heading[None]
    lead, n_frames, save_every, rest = schedule
    school = _School(state, None if layout is None else no_demand())
    school, first = walk(school, start, lead, int(lead > 0))
    school, frames = walk(school, start + lead, save_every, n_frames)
    school, _ = walk(school, start + lead + save_every * n_frames, rest, int(rest > 0))
    parts = zip((position, heading, start[None]), first, frames, strict=True)
    position, heading, number = (jnp.concatenate(part) for part in parts)
    state, demand = school
    overflow = None if layout is None or demand is None else demand.exceeds(layout)
    return Trajectory(number * params.dt, position, heading, state, overflow, demand)


class _School(NamedTuple):
    """A school on its way, and the most that it has demanded of its cell list, if it has one."""

    state: State
    demand: CellDemand | None


def _advance(
    params: Params,
    stream: RandomKey,
    n_steps: int,
    layout: CellLayout | None,
    school: _School,
    start: Int[Array, ""],
) -> tuple[_School, _School]:
    def one(school: _School, number: Int[Array, ""]) -> tuple[_School, None]:
        return _next(school, params, step_key(stream, number), layout), None

    after, _ = lax.scan(one, school, start + jnp.arange(n_steps))
    return after, after


def _next(school: _School, params: Params, key: RandomKey, layout: CellLayout | None) -> _School:
    """The school a step later; one whose cell list has overflowed stays as it is."""
    state, before = school
    if layout is None or before is None:
        return _School(step(state, params, key), None)

    def go() -> _School:
        total, demand = sum_over_near(state, params, layout)
        return _School(_move(state, total, params, key), highest(before, demand))

    return lax.cond(before.exceeds(layout), lambda: school, go)


def _loop(
    body: Callable, school: _School, starts: Int[Array, " trips"], steps_per_trip: int
) -> tuple[_School, _School]:
    """`lax.scan` over frames, but never of a single step.

    XLA unrolls a loop of one trip into its surroundings, where it rounds differently: a run of
    one step would not equal the first step of a longer run. Such a run takes a second step, and
    drops it.
    """
    if len(starts) != 1 or steps_per_trip != 1:
        return lax.scan(body, school, starts)
    _, frames = lax.scan(body, school, jnp.concatenate([starts, starts]))
    return jax.tree.map(lambda leaf: leaf[0], frames), jax.tree.map(lambda leaf: leaf[:1], frames)


def _run_faults(
    state: State,
    params: Params,
    n_steps: Any,
    save_every: object,
    first_step: Any,
    neighbours: Any,
) -> list[Fault]:
    faults = count_faults({"n_steps": n_steps, "save_every": save_every})
    faults += count_faults({"first_step": first_step}, low=0)
    if not faults and first_step + n_steps > LAST_STEP:
        rule = f"must be <= {LAST_STEP}"
        faults.append(Fault("first_step + n_steps", rule, first_step + n_steps))
    faults += neighbours_faults(neighbours, state, params)
    return faults + leaves_faults(state, params)
