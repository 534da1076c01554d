"""What the speed benchmarks share: schools of a given density, and clocks that leave compiling out.

Needs the simulator alone, no library for files or pictures.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

import kadita_jax as kj
from kadita_jax.neighbours import Neighbours, cell_layout


class Timing(NamedTuple):
    """Median seconds of a warm call, what the first took beyond that, and what it returned."""

    warm_s: float
    compile_s: float
    result: Any


def clock(call: Callable[[], Any], repeats: int) -> Timing:
    """Time a call until its arrays are there, once cold and some times warm."""
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        result = jax.block_until_ready(call())
        seconds.append(time.perf_counter() - start)
    warm = float(np.median(seconds[1:]))
    return Timing(warm, seconds[0] - warm, result)


def gas(n_fish: int, density: float, **fields: float) -> tuple[kj.State, kj.Params]:
    """Fish spread evenly over a box, so many to a cubic body length.

    Unless a speed is given they turn but stay where they are: a run may then be as long as the
    clock needs, and is of the same school at every step.
    """
    box_size = (n_fish / density) ** (1 / 3)
    state = kj.uniform_gas(jax.random.key(0), n_fish, box_size)
    return state, kj.make_params(**({"speed": 0.0, "box_size": box_size} | fields))


def frames(n_fish: int, n_frames: int, density: float) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Positions and headings of even schools, one after another, and the side of their box."""
    state, params = gas(n_frames * n_fish, density * n_frames)
    shape = n_frames, n_fish, 3
    return state.position.reshape(shape), state.heading.reshape(shape), params.box_size


def time_steps(
    state: kj.State, params: kj.Params, neighbours: Neighbours, n_steps: int, repeats: int
) -> dict[str, float]:
    """Milliseconds a step of `simulate`, no frame kept but the last.

    The size of a cell list, which a run settles once, is settled before.
    """
    chosen = cell_layout(state, params) if neighbours == "cells" else neighbours
    call = run_of(state, params, chosen, n_steps)
    warm_s, compile_s, _ = clock(call, repeats)
    return {
        "n_fish": state.n_fish,
        "n_steps": n_steps,
        "step_ms": warm_s / n_steps * 1e3,
        "compile_s": compile_s,
    }


def run_of(
    state: kj.State, params: kj.Params, neighbours: Neighbours, n_steps: int
) -> Callable[[], kj.Trajectory]:
    """A run, not yet begun."""
    key = jax.random.key(1)
    options = {"n_steps": n_steps, "save_every": n_steps, "neighbours": neighbours}
    return lambda: kj.simulate(state, params, key, **options)
