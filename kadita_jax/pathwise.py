"""Derivatives along each member's own path: automatic differentiation through the whole run.

Exact for the smooth model (`Params.blur`, a bandwidth for the entropies) and one run; but schools
are chaotic, so the derivative of one run grows exponentially with its length.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, UInt32

from kadita_jax.keys import RandomKey, member_key, noise_stream, step_key
from kadita_jax.member import Draw
from kadita_jax.metrics import measure
from kadita_jax.model import Params, State
from kadita_jax.places import Places, over_devices, room_for
from kadita_jax.pytree import pytree
from kadita_jax.stepping import step
from kadita_jax.window import Window

# What of a school at step 0 can be differentiated by.
STATE_NAMES = ("position", "heading")
Leaves: TypeAlias = Mapping[str, Float[Array, "..."]]


@pytree()
class Pathwise:
    """Of each member the window's means, and their derivatives.

    **Attributes:**

    - `value`: (M, K) of K metrics.
    - `derivative`: by a number added to a parameter of all fish, by name; (M, K).
    - `each`: by every fish's own value or place, by name; (M, K, N) or (M, K, N, 3).
    """

    value: Float[Array | np.ndarray, "*members metrics"]
    derivative: dict[str, Any]
    each: dict[str, Any]


def pathwise_members(
    key: RandomKey,
    number: Int[np.ndarray, " members"],
    params: Params,
    start: Draw | State,
    window: Window,
    *,
    of: Sequence[str],
    wrt: Sequence[str],
    each: Sequence[str] = (),
    convention: str,
    bandwidth: float | None,
    devices: Sequence[Any] | None = None,
) -> Pathwise:
    """Differentiate members of an ensemble, those that `sweep_members` runs with these numbers.

    In forward mode, or where `each` asks for every fish in reverse mode, with every step computed
    again on the way back: memory grows with the steps by no more than the states.

    **Arguments:**

    - `key`: of the whole ensemble.
    - `number`: (M,) the members' numbers.
    - `params`: with a `blur`, without which the derivatives by radii are 0.
    - `start`: draws a member's initial state; or the state that all start from.
    - `window`: when a run is measured, in plain numbers: compiled in.
    - `of`: names of metrics.
    - `wrt`: names of fields of `Params`, moved for all fish alike.
    - `each`: names of fields of `Params` that may be one per fish, or of `State`.
    - `convention`, `bandwidth`: of the metrics, as `measure` takes them.
    - `devices`: where to compute; this process's own when None.
    """
    devices = jax.local_devices() if devices is None else devices
    places = Places(len(number), len(devices), room_for(-(-len(number) // len(devices))))
    state, draw = (start, None) if isinstance(start, State) else (None, start)
    found = _pathwise(
        (key, params, state),
        places.filled((np.asarray(number, np.uint32),)),
        places.counts,
        draw=draw,
        window=window,
        of=tuple(of),
        wrt=tuple(wrt),
        each=tuple(each),
        convention=convention,
        bandwidth=bandwidth,
        devices=tuple(devices),
    )
    return places.taken(found)


@partial(
    jax.jit,
    static_argnames=("draw", "window", "of", "wrt", "each", "convention", "bandwidth", "devices"),
)
def _pathwise(
    shared: tuple[RandomKey, Params, State | None],
    members: tuple[Array],
    counts: Int[Array, " devices"],
    *,
    draw: Draw | None,
    window: Window,
    of: tuple[str, ...],
    wrt: tuple[str, ...],
    each: tuple[str, ...],
    convention: str,
    bandwidth: float | None,
    devices: tuple[Any, ...],
) -> Pathwise:
    def measured(state: State, params: Params) -> Float[Array, " metrics"]:
        place = state.position, state.heading, params.box_size
        found = measure(*place, convention=convention, bandwidth=bandwidth)
        return jnp.stack([getattr(found, name) for name in of])

    member = partial(_member, draw=draw, window=window, wrt=wrt, each=each, measured=measured)
    return over_devices(member, 1, devices, shared, members, counts)


def _member(
    key: RandomKey,
    params: Params,
    state: State | None,
    number: UInt32[Array, ""],
    *,
    draw: Draw | None,
    window: Window,
    wrt: tuple[str, ...],
    each: tuple[str, ...],
    measured: Callable,
) -> Pathwise:
    key = member_key(key, number)
    if draw is not None:
        state = draw(key, params.box_size)
    assert state is not None
    tracks = {name: getattr(state, name) for name in each if name in STATE_NAMES}
    own = {
        name: jnp.broadcast_to(getattr(params, name), (state.n_fish,))
        for name in each
        if name not in STATE_NAMES
    }

    def means(moved: Leaves, own: Leaves, tracks: Leaves) -> tuple[Array, Array]:
        how = replace(params, **own)
        how = replace(how, **{name: getattr(how, name) + by for name, by in moved.items()})
        school = replace(state, **tracks)
        found = window_means(school, how, noise_stream(key), window, measured)
        return found, found

    moved = {name: jnp.zeros_like(params.dt) for name in wrt}
    differentiate = jax.jacrev if each else jax.jacfwd
    by, value = differentiate(means, argnums=(0, 1, 2), has_aux=True)(moved, own, tracks)
    return Pathwise(value, by[0], {**by[1], **by[2]})


def window_means(
    state: State, params: Params, stream: RandomKey, window: Window, measured: Callable
) -> Float[Array, " metrics"]:
    """The mean of what is measured over the window of one run, to be differentiated."""

    @partial(jax.checkpoint, prevent_cse=False)
    def advance(state: State, number: Int[Array, ""]) -> tuple[State, None]:
        return step(state, params, step_key(stream, number)), None

    def walk(state: State, first: int | Int[Array, ""], n_steps: int) -> State:
        return lax.scan(advance, state, first + jnp.arange(n_steps))[0]

    def visit(state: State, first: Int[Array, ""]) -> tuple[State, Float[Array, " metrics"]]:
        state = walk(state, first, window.every)
        return state, jax.checkpoint(measured, prevent_cse=False)(state, params)

    before = window.first - window.every
    starts = before + window.every * jnp.arange(window.n_frames)
    _, found = lax.scan(visit, walk(state, 0, before), starts)
    return jnp.mean(found, axis=0)
