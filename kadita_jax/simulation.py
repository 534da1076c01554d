"""A run of many steps, with frames kept on the way."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jax.sharding import Mesh
from jaxtyping import Array, Bool, Float, Int

from kadita_jax.capacity import CellDemand, CellLayout, no_demand
from kadita_jax.errors import Fault, Unchecked, count_faults, refuse
from kadita_jax.keys import RandomKey, key_faults, noise_stream
from kadita_jax.knots import LAST_STEP
from kadita_jax.model import Params, State, leaves_faults
from kadita_jax.neighbours import (
    Neighbours,
    chosen_layout,
    grown,
    neighbours_faults,
    traced_faults,
)
from kadita_jax.pytree import pytree
from kadita_jax.schedule import Course, as_schedule, course_faults
from kadita_jax.shares import Share, handed_back, mesh_faults, share_of
from kadita_jax.stepping import School, walked
from kadita_jax.walks import Walks, walks_of


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


def simulate(
    state: State,
    params: Params,
    key: RandomKey | Unchecked,
    *,
    n_steps: int | Unchecked,
    save_every: int | Unchecked = 1,
    first_step: int | Unchecked = 0,
    neighbours: Neighbours | Unchecked = "auto",
    schedule: Mapping[str, Any] | Unchecked | None = None,
    mesh: Mesh | Unchecked | None = None,
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
    - `schedule`: parameters that change with time, {name: [(step, value), ...]}: at absolute steps,
        ascending, linear between them and constant outside; in place of those of `params`. Any
        field but dt and box_size. The step from state n to n + 1 takes the values at n.
    - `mesh`: a `jax.sharding.Mesh` of one axis, over whose devices the sums over neighbours are
        shared; None is one device. Each device has the whole state, and `final` is on all; frames
        are spread over them by fish where their number divides N, else all have all. With
        `jax.distributed` every process calls with the same arguments, which is checked outside of
        jit; frames that are spread are then in no process whole, and
        `jax.experimental.multihost_utils.process_allgather(run.position, tiled=True)`, called in
        every process, gives them whole in both cases. On CPU the bits are one
        device's, but of every pair in schools of up to some 1,400 fish, which agree to rounding:
        one device's XLA compiles a loop so small as one function. Inside jit, vmap and grad too.

    **Raises:** `InvalidInputError` naming every argument out of range, or every capacity of the
        given `CellLayout` that was too small, with a size that it must at least have.
    """
    faults = _run_faults(state, params, n_steps, save_every, first_step, neighbours)
    faults += [] if schedule is None else course_faults(schedule, params)
    refuse("invalid run", key_faults(key) + faults + mesh_faults(mesh))
    first_step, n_steps, save_every = map(int, (first_step, n_steps, save_every))
    course = Course(params, as_schedule(schedule or {}, params), noise_stream(key))
    share = share_of(mesh, state.n_fish)
    walks = walks_of(first_step, n_steps, save_every)
    given = {"state": state, "params": params, "key": key, "schedule": course.schedule}
    counts = {"first_step": first_step, "n_steps": n_steps, "save_every": save_every}
    with share.within():
        share.refuse_unlike(given | counts)
        state, course = share.everywhere((state, course))
        trajectory = _roomy(state, course, first_step, walks, neighbours, share)
    return handed_back(trajectory, mesh)


def _roomy(
    state: State,
    course: Course,
    first_step: int,
    walks: Walks,
    neighbours: Neighbours,
    share: Share,
) -> Trajectory:
    """The run, computed again with a larger cell list as long as the list overflows."""
    layout = chosen_layout(neighbours, state, course.widest)
    while True:
        trajectory = _simulate(state, course, first_step, walks, layout, share)
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


# The walks are compiled in, first_step is not: all aligned chunks of a run share one program.
@partial(jax.jit, static_argnames=("walks", "layout", "share"))
def _simulate(
    state: State,
    course: Course,
    first_step: int | Int[Array, ""],
    walks: Walks,
    layout: CellLayout | None,
    share: Share,
) -> Trajectory:
    run = partial(_run, walks, layout, share)
    (number, school), (position, heading) = share.spread(run, state, course, first_step)
    state, demand = school
    overflow = None if layout is None or demand is None else demand.exceeds(layout)
    return Trajectory(number * course.params.dt, position, heading, state, overflow, demand)


def _run(
    walks: Walks,
    layout: CellLayout | None,
    share: Share,
    state: State,
    course: Course,
    first_step: int | Int[Array, ""],
) -> tuple[tuple, tuple]:
    """The absolute steps of the frames and the school after the last; the own fish's frames."""

    def walk(school: School, start: Int[Array, ""], stride: int, n: int) -> tuple[School, tuple]:
        starts = start + stride * jnp.arange(n)
        if n == 0:
            return school, (position[:0], heading[:0], starts)
        last, frames = walked(school, starts, stride, course, layout, share)
        return last, (frames.state.position, frames.state.heading, starts + stride)

    start, own = jnp.asarray(first_step), share.own(state)
    position, heading = own.position[None], own.heading[None]
    lead, n_frames, save_every, rest = walks
    school = School(state, None if layout is None else no_demand())
    school, first = walk(school, start, lead, int(lead > 0))
    school, frames = walk(school, start + lead, save_every, n_frames)
    school, _ = walk(school, start + lead + save_every * n_frames, rest, int(rest > 0))
    parts = zip((position, heading, start[None]), first, frames, strict=True)
    position, heading, number = (jnp.concatenate(part) for part in parts)
    return (number, school), (position, heading)


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
