"""Initial schools: a uniform gas and a rotating ring."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Float

from kadita_jax.draws import normal, uniform
from kadita_jax.errors import Fault, Unchecked, count_faults, refuse
from kadita_jax.geometry import wrap
from kadita_jax.keys import RandomKey, initial_key, key_faults
from kadita_jax.model import State
from kadita_jax.numerics import direction
from kadita_jax.parameters import parameter_faults
from kadita_jax.threefry import fold_in

Length = float | Float[Array, ""] | Unchecked


def uniform_gas(key: RandomKey | Unchecked, n_fish: int | Unchecked, box_size: Length) -> State:
    """Positions uniform in the box, headings uniform on the sphere.

    **Arguments:**

    - `key`: a jax random key; the draw is independent of the noise of `simulate` with this key.
    - `n_fish`: number of fish, >= 1.
    - `box_size`: side of the periodic box, bl.

    **Raises:** `InvalidInputError` when n_fish or box_size is out of range.
    """
    refuse("invalid initial state", _faults(key, n_fish, box_size=box_size))
    keys = [fold_in(initial_key(key), number) for number in range(2)]
    return _uniform_gas(keys, int(n_fish), jnp.asarray(box_size, jnp.result_type(float)))


# Compiled, here as inside a sweep, so that both give the same bits: XLA fuses operations that
# round one by one outside of jit.
@partial(jax.jit, static_argnames="n_fish")
def _uniform_gas(keys: list[RandomKey], n_fish: int, box: Float[Array, ""]) -> State:
    position_key, heading_key = keys
    position = box * uniform(position_key, (n_fish, 3), box.dtype)
    return State(wrap(position, box), direction(normal(heading_key, (n_fish, 3), box.dtype)))


def ring(
    key: RandomKey | Unchecked,
    n_fish: int | Unchecked,
    box_size: Length,
    radius: Length,
) -> State:
    """A horizontal ring about the box centre, every fish heading counter-clockwise.

    Fish i sits at angle 2 pi i / N + 0.1 N(0,1), at distance R + 0.15 R N(0,1) from the axis and
    height centre + 0.3 R N(0,1), wrapped; its heading is the tangent with a vertical part
    0.1 N(0,1), normalised.

    **Arguments:**

    - `key`: a jax random key; the draw is independent of the noise of `simulate` with this key.
    - `n_fish`: number of fish, >= 1.
    - `box_size`: side of the periodic box, bl.
    - `radius`: R, bl, > 0.

    **Raises:** `InvalidInputError` when an argument is out of range.
    """
    refuse("invalid initial state", _faults(key, n_fish, box_size=box_size, radius=radius))
    box, radius = (jnp.asarray(length, jnp.result_type(float)) for length in (box_size, radius))
    return _ring(initial_key(key), int(n_fish), box, radius)


@partial(jax.jit, static_argnames="n_fish")
def _ring(key: RandomKey, n_fish: int, box: Float[Array, ""], radius: Float[Array, ""]) -> State:
    along, across, up, climb = normal(key, (4, n_fish), box.dtype)
    angle = 2 * jnp.pi * jnp.arange(n_fish) / n_fish + 0.1 * along
    distance = radius * (1 + 0.15 * across)
    around = jnp.stack([jnp.cos(angle), jnp.sin(angle)])
    position = box / 2 + jnp.stack([*(distance[None, :] * around), 0.3 * radius * up], axis=-1)
    tangent = jnp.stack([-around[1], around[0], 0.1 * climb], axis=-1)
    return State(wrap(position, box), direction(tangent))


@dataclass(frozen=True)
class Start:
    """How a school starts, as a hashable value that can be compiled in.

    **Attributes:**

    - `kind`: "uniform_gas" or "ring".
    - `n_fish`: number of fish.
    - `ring_radius`: of a ring, bl.
    """

    kind: str
    n_fish: int
    ring_radius: float | None = None

    def __call__(self, key: RandomKey, box_size: Length) -> State:
        """Draw the school at step 0."""
        if self.kind == "ring":
            return ring(key, self.n_fish, box_size, self.ring_radius)
        return uniform_gas(key, self.n_fish, box_size)


def _faults(key: object, n_fish: object, **lengths: Length) -> list[Fault]:
    faults = key_faults(key) + count_faults({"n_fish": n_fish})
    for name, length in lengths.items():
        if length is None:
            faults.append(Fault(name, "must be a number", None))
        elif not isinstance(length, Tracer):
            found = parameter_faults({"box_size": length})
            faults += [Fault(name, fault.rule, fault.value) for fault in found]
    return faults
