"""One member of a sweep: a school of its own key and parameters, run and measured on the way."""

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from functools import partial
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, UInt32

from kadita_jax.geometry import BoxSize
from kadita_jax.keys import RandomKey, member_key, noise_stream
from kadita_jax.metrics import Metrics, state_label
from kadita_jax.model import Params, State
from kadita_jax.moments import Moments, add_value, no_moments
from kadita_jax.names import NAMES
from kadita_jax.observed import Watch, observe, observed_names
from kadita_jax.pytree import pytree
from kadita_jax.schedule import Course, Schedule
from kadita_jax.stepping import step
from kadita_jax.window import Count, Window

Draw: TypeAlias = Callable[[RandomKey, BoxSize], State]
Varied: TypeAlias = Mapping[str, Array | np.ndarray]


@pytree()
class Outcome:
    """What is kept of each member.

    **Attributes:**

    - `mean`, `std` (ddof 0): of each metric over the measuring window; leaves (M,).
    - `final`: each metric after the last step; leaves (M,).
    - `more`: the same three of what else is measured (`names.MORE_NAMES`), each as NAME_mean,
        NAME_std and NAME_final.
    - `label`: (M,) index into `metrics.STATES` of the state that the means of P and M name.
    - `school`: after the last step, leaves (M, N, 3); None unless asked for.
    """

    mean: Metrics
    std: Metrics
    final: Metrics
    label: Int[Array, "*members"]
    school: State | None
    more: Mapping[str, Float[Array, "*members"]] = field(default_factory=dict)


class Task(NamedTuple):
    """What all members of a sweep share.

    **Attributes:**

    - `key`: of the whole sweep.
    - `params`, `schedule`: those that are not varied; what changes with time.
    - `first_step`: the absolute number of the state that members start from.
    - `window`: how long a run is and when it is measured, counted from `first_step`.
    - `watch`: what is measured.
    """

    key: RandomKey
    params: Params
    schedule: Schedule
    first_step: Count
    window: Window
    watch: Watch


def run_member(
    task: Task,
    number: UInt32[Array, ""],
    varied: Varied,
    state: State | None,
    *,
    start: Draw | None,
    keep_final: bool,
) -> Outcome:
    """One member of a task, from a state or, where there is none, from a start of its own."""
    key, params = member_key(task.key, number), replace(task.params, **varied)
    course = Course(params, task.schedule, noise_stream(key))
    state = state if start is None else start(key, params.box_size)
    names = observed_names(params, task.watch)
    nothing = jnp.zeros(len(names), params.dt.dtype)
    n_visits = task.window.n_frames + jnp.where(task.window.n_steps % task.window.every > 0, 1, 0)
    visit, seen = partial(_visit, task, course), _Seen(state, no_moments(nothing), nothing)
    return _outcome(names, lax.fori_loop(0, n_visits, visit, seen), keep_final)


class _Seen(NamedTuple):
    """A member on its way: its school, the metrics' moments, the metrics as last measured."""

    state: State
    moments: Moments
    last: Float[Array, " metrics"]


def _outcome(names: tuple[str, ...], seen: _Seen, keep_final: bool) -> Outcome:
    kinds = {"mean": seen.moments.mean, "std": seen.moments.std, "final": seen.last}
    mean, std, final = (Metrics(*values[: len(NAMES)]) for values in kinds.values())
    more = {
        f"{name}_{kind}": values[number]
        for number, name in enumerate(names)
        for kind, values in kinds.items()
        if name not in NAMES
    }
    label = state_label(mean.polarization, mean.rotation)
    return Outcome(mean, std, final, label, seen.state if keep_final else None, more)


def _visit(task: Task, course: Course, frame: Int[Array, ""], seen: _Seen) -> _Seen:
    """Walk to the next step that is measured, and measure.

    The first visit begins at step 0. What follows the window's last step is walked in a visit of
    its own that the moments leave out. So the program holds one copy of the step and of the
    metrics, which take most of the time that it needs to compile.
    """
    window, first = task.window, task.first_step
    after = jnp.minimum(window.first + frame * window.every, window.n_steps)
    before = jnp.where(frame == 0, 0, window.first + (frame - 1) * window.every)
    state = _walk(course, seen.state, first + before, first + after)
    found = observe(state, course.at_step(first + after)[0], task.watch)
    values = jnp.stack(list(found.values()))
    counted, more = frame < window.n_frames, add_value(seen.moments, values)
    moments = jax.tree.map(lambda new, old: jnp.where(counted, new, old), more, seen.moments)
    return _Seen(state, moments, values)


def _walk(course: Course, state: State, before: Int[Array, ""], after: Int[Array, ""]) -> State:
    def advance(number: Int[Array, ""], state: State) -> State:
        return step(state, *course.at_step(number))

    return lax.fori_loop(before, after, advance, state)
