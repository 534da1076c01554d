"""One member of a sweep: a school of its own key and parameters, run and measured on the way."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, UInt32

from kadita_jax.geometry import BoxSize
from kadita_jax.keys import RandomKey, member_key, noise_stream, step_key
from kadita_jax.metrics import Metrics, measure, state_label
from kadita_jax.model import Params, State
from kadita_jax.moments import Moments, add_value, no_moments
from kadita_jax.names import NAMES
from kadita_jax.pytree import pytree
from kadita_jax.simulation import step
from kadita_jax.window import Window

Draw: TypeAlias = Callable[[RandomKey, BoxSize], State]
Varied: TypeAlias = Mapping[str, Array | np.ndarray]


@pytree()
class Outcome:
    """What is kept of each member.

    **Attributes:**

    - `mean`, `std` (ddof 0): of each metric over the measuring window; leaves (M,).
    - `final`: each metric after the last step; leaves (M,).
    - `label`: (M,) index into `metrics.STATES` of the state that the means of P and M name.
    - `school`: after the last step, leaves (M, N, 3); None unless asked for.
    """

    mean: Metrics
    std: Metrics
    final: Metrics
    label: Int[Array, "*members"]
    school: State | None


def run_member(
    key: RandomKey,
    params: Params,
    window: Window,
    number: UInt32[Array, ""],
    varied: Varied,
    *,
    start: Draw,
    convention: str,
    keep_final: bool,
) -> Outcome:
    key, params = member_key(key, number), replace(params, **varied)
    visit = partial(_visit, params, key, window, convention)
    nothing = jnp.zeros(len(NAMES), params.dt.dtype)
    seen = _Seen(start(key, params.box_size), no_moments(nothing), nothing)
    n_visits = window.n_frames + jnp.where(window.n_steps % window.every > 0, 1, 0)
    seen = lax.fori_loop(0, n_visits, visit, seen)
    moments, mean = seen.moments, Metrics(*seen.moments.mean)
    label = state_label(mean.polarization, mean.rotation)
    final = Metrics(*seen.last)
    return Outcome(mean, Metrics(*moments.std), final, label, seen.state if keep_final else None)


class _Seen(NamedTuple):
    """A member on its way: its school, the metrics' moments, the metrics as last measured."""

    state: State
    moments: Moments
    last: Float[Array, " metrics"]


def _visit(
    params: Params,
    key: RandomKey,
    window: Window,
    convention: str,
    frame: Int[Array, ""],
    seen: _Seen,
) -> _Seen:
    """Walk to the next step that is measured, and measure.

    The first visit begins at step 0. What follows the window's last step is walked in a visit of
    its own that the moments leave out. So the program holds one copy of the step and of the
    metrics, which take most of the time that it needs to compile.
    """
    after = jnp.minimum(window.first + frame * window.every, window.n_steps)
    before = jnp.where(frame == 0, 0, window.first + (frame - 1) * window.every)
    state = _walk(params, key, seen.state, before, after)
    found = measure(state.position, state.heading, params.box_size, convention=convention)
    values = jnp.stack(jax.tree.leaves(found))
    counted, more = frame < window.n_frames, add_value(seen.moments, values)
    moments = jax.tree.map(lambda new, old: jnp.where(counted, new, old), more, seen.moments)
    return _Seen(state, moments, values)


def _walk(
    params: Params, key: RandomKey, state: State, before: Int[Array, ""], after: Int[Array, ""]
) -> State:
    stream = noise_stream(key)

    def advance(number: Int[Array, ""], state: State) -> State:
        return step(state, params, step_key(stream, number))

    return lax.fori_loop(before, after, advance, state)
