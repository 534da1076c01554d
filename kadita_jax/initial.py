"""Initial schools: a uniform gas, a uniform ball and a rotating ring."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Float

from kadita_jax.draws import normal, uniform
from kadita_jax.errors import Fault, Unchecked, count_faults, refuse
from kadita_jax.geometry import BoxSize, wrap
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


def uniform_ball(
    key: RandomKey | Unchecked,
    n_fish: int | Unchecked,
    radius: Length,
    box_size: Length | None = None,
) -> State:
    """Positions uniform in a ball about the origin or a box's centre, headings uniform on the
    sphere.

    **Arguments:**

    - `key`: a jax random key; the draw is independent of the noise of `simulate` with this key.
    - `n_fish`: number of fish, >= 1.
    - `radius`: of the ball, bl, > 0.
    - `box_size`: side of the periodic box, bl; None for open water.

    **Raises:** `InvalidInputError` when an argument is out of range.
    """
    box, radius = _checked(key, n_fish, box_size, radius)
    return _uniform_ball(initial_key(key), int(n_fish), box, radius)


@partial(jax.jit, static_argnames="n_fish")
def _uniform_ball(key: RandomKey, n_fish: int, box: BoxSize, radius: Float[Array, ""]) -> State:
    away, heading = normal(fold_in(key, 0), (2, n_fish, 3), radius.dtype)
    # The volume within a distance grows with its cube.
    share = jnp.cbrt(uniform(fold_in(key, 1), (n_fish, 1), radius.dtype))
    return State(_about_centre(radius * share * direction(away), box), direction(heading))


def ring(
    key: RandomKey | Unchecked,
    n_fish: int | Unchecked,
    box_size: Length | None,
    radius: Length,
) -> State:
    """A horizontal ring about the box centre, every fish heading counter-clockwise.

    In open water about the origin.

    Fish i sits at angle 2 pi i / N + 0.1 N(0,1), at distance R + 0.15 R N(0,1) from the axis and
    height centre + 0.3 R N(0,1), wrapped; its heading is the tangent with a vertical part
    0.1 N(0,1), normalised.

    **Arguments:**

    - `key`: a jax random key; the draw is independent of the noise of `simulate` with this key.
    - `n_fish`: number of fish, >= 1.
    - `box_size`: side of the periodic box, bl; None for open water.
    - `radius`: R, bl, > 0.

    **Raises:** `InvalidInputError` when an argument is out of range.
    """
    box, radius = _checked(key, n_fish, box_size, radius)
    return _ring(initial_key(key), int(n_fish), box, radius)


@partial(jax.jit, static_argnames="n_fish")
def _ring(key: RandomKey, n_fish: int, box: BoxSize, radius: Float[Array, ""]) -> State:
    along, across, up, climb = normal(key, (4, n_fish), radius.dtype)
    angle = 2 * jnp.pi * jnp.arange(n_fish) / n_fish + 0.1 * along
    distance = radius * (1 + 0.15 * across)
    around = jnp.stack([jnp.cos(angle), jnp.sin(angle)])
    offset = jnp.stack([*(distance[None, :] * around), 0.3 * radius * up], axis=-1)
    tangent = jnp.stack([-around[1], around[0], 0.1 * climb], axis=-1)
    return State(_about_centre(offset, box), direction(tangent))


def _about_centre(offset: Float[Array, "fish 3"], box: BoxSize) -> Float[Array, "fish 3"]:
    """Places about the box's centre, or in open water about the origin."""
    return offset if box is None else wrap(box / 2 + offset, box)


@dataclass(frozen=True)
class Start:
    """How a school starts, as a hashable value that can be compiled in.

    **Attributes:**

    - `kind`: "uniform_gas", "uniform_ball" or "ring".
    - `n_fish`: number of fish.
    - `radius`: of a ring or a ball, bl; None of a gas.
    """

    kind: str
    n_fish: int
    radius: float | None = None

    def __call__(self, key: RandomKey, box_size: Length | None) -> State:
        """Draw the school at step 0, about the centre of the box if there is one."""
        if self.kind == "ring":
            return ring(key, self.n_fish, box_size, self.radius)
        if self.kind == "uniform_ball":
            return uniform_ball(key, self.n_fish, self.radius, box_size)
        return uniform_gas(key, self.n_fish, box_size)


def _checked(
    key: object, n_fish: object, box_size: Length | None, radius: Length
) -> tuple[BoxSize, Float[Array, ""]]:
    """The lengths of a start about a centre as arrays, once all of its arguments are right."""
    lengths = {"radius": radius} | ({} if box_size is None else {"box_size": box_size})
    refuse("invalid initial state", _faults(key, n_fish, **lengths))
    float_ = jnp.result_type(float)
    box = None if box_size is None else jnp.asarray(box_size, float_)
    return box, jnp.asarray(radius, float_)


def _faults(key: object, n_fish: object, **lengths: Length) -> list[Fault]:
    faults = key_faults(key) + count_faults({"n_fish": n_fish})
    for name, length in lengths.items():
        if length is None:
            faults.append(Fault(name, "must be a number", None))
        elif not isinstance(length, Tracer):
            found = parameter_faults({"box_size": length})
            faults += [Fault(name, fault.rule, fault.value) for fault in found]
    return faults
