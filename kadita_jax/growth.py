"""How fast neighbouring schools part: the growth of a small difference, step by step."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from kadita_jax.errors import Unchecked, count_faults, refuse
from kadita_jax.keys import RandomKey, key_faults, noise_stream, step_key, tangent_key
from kadita_jax.model import Params, State, leaves_faults
from kadita_jax.numerics import safe_sqrt
from kadita_jax.stepping import step


def tangent_growth(
    state: State, params: Params, key: RandomKey | Unchecked, *, n_steps: int | Unchecked
) -> Float[Array, " steps"]:
    """The growth, step by step, of a small difference between two schools with the same noise.

    g_t = log(|J_t v_t| / |v_t|), J_t the derivative of step t by positions (bl) and headings, v
    the difference, drawn at random and carried along at unit length. The mean of g over many
    steps, divided by dt, is the leading Lyapunov exponent per second; exp(sum g) is by how much a
    derivative through the whole run is magnified.

    **Arguments:**

    - `state`: the school at step 0.
    - `params`: plain steps or blurred; the jumps of plain ones are not felt.
    - `key`: of the run, as `simulate` takes it: the same noise.
    - `n_steps`: how many steps, >= 1; compiled in.

    **Returns:** g, shape (n_steps,), per step.

    **Raises:** `InvalidInputError` naming every faulty argument.
    """
    faults = key_faults(key) + count_faults({"n_steps": n_steps}) + leaves_faults(state, params)
    refuse("cannot follow a difference", faults)
    return _growth(state, params, key, int(n_steps))


@partial(jax.jit, static_argnames="n_steps")
def _growth(state: State, params: Params, key: RandomKey, n_steps: int) -> Float[Array, " steps"]:
    stream = noise_stream(key)

    def advance(both: tuple[State, State], number: Int[Array, ""]) -> tuple:
        next_step = partial(step, params=params, key=step_key(stream, number))
        state, tangent = jax.jvp(next_step, both[:1], both[1:])
        tangent, length = _to_unit(tangent)
        return (state, tangent), jnp.log(length)

    shape, dtype = state.position.shape, state.position.dtype
    draws = jax.random.normal(tangent_key(key), (2, *shape), dtype)
    tangent, _ = _to_unit(State(*draws))
    return lax.scan(advance, (state, tangent), jnp.arange(n_steps))[1]


def _to_unit(tangent: State) -> tuple[State, Float[Array, ""]]:
    square = sum(jnp.sum(leaf * leaf) for leaf in jax.tree.leaves(tangent))
    length = safe_sqrt(jnp.asarray(square))
    return jax.tree.map(lambda leaf: leaf / length, tangent), length
