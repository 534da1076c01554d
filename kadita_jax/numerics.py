"""Norms and angles with finite gradients at zero, the one threshold, and sums over pairs."""

from collections.abc import Sequence
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Num

from kadita_jax.pytree import pytree

Tree = TypeVar("Tree")

# float32 cannot tell opposed neighbours apart from cancelling ones below its own rounding of a
# sum of unit vectors: 1e-6 is eight units in the last place of 1, where 1e-10 is none.
TINY_LENGTH = {"float64": 1e-10, "float32": 1e-6}
# Less is no width: dividing by it must not overflow in float32.
NO_WIDTH = 1e-30


def tiny_length(like: Float[Array, "..."]) -> float:
    """The length below which a vector of this dtype has no direction."""
    return TINY_LENGTH[like.dtype.name]


def safe_sqrt(square: Float[Array, "..."]) -> Float[Array, "..."]:
    """Square root whose derivative at 0 is 0 instead of infinite."""
    is_zero = square <= 0
    return jnp.where(is_zero, 0.0, jnp.sqrt(jnp.where(is_zero, 1.0, square)))


def entropy_term(share: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    """-p log p; 0 with derivative 0 where p is 0, or by rounding below."""
    is_positive = share > 0
    p = jnp.where(is_positive, share, 1.0)
    return jnp.where(is_positive, -p * jnp.log(p), 0.0)


@jax.custom_jvp
def eigenvalues(matrix: Float[Array, "3 3"]) -> Float[Array, "3"]:
    """Eigenvalues of a symmetric matrix, ascending.

    Their derivative v . dA v is finite, and right for every function that treats them alike, also
    where some are equal.
    """
    return jnp.linalg.eigvalsh(matrix)


@eigenvalues.defjvp
def _(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    value, vector = jnp.linalg.eigh(primals[0])
    change = jnp.einsum("ik,ij,jk->k", vector, tangents[0], vector, precision="highest")
    return value, change


def norm(vector: Float[Array, "*batch 3"]) -> Float[Array, "*batch"]:
    """Euclidean length; 0 with derivative 0 for the zero vector."""
    return safe_sqrt(jnp.sum(vector * vector, axis=-1))


def direction(
    vector: Float[Array, "*batch 3"], otherwise: Float[Array, "*batch 3"] | float = 0.0
) -> Float[Array, "*batch 3"]:
    """The unit vector along `vector`; `otherwise` where it is shorter than the tiny length."""
    length = norm(vector)[..., None]
    has_direction = length >= tiny_length(vector)
    return jnp.where(has_direction, vector / jnp.where(has_direction, length, 1.0), otherwise)


def angle_between(
    a: Float[Array, "*batch 3"], b: Float[Array, "*batch 3"]
) -> Float[Array, "*batch"]:
    """Angle in [0, pi], exact to rounding also near 0 and pi, where arccos loses half its digits.

    0 where either vector is zero, with a finite derivative everywhere.
    """
    return angle_of(norm(jnp.cross(a, b)), jnp.sum(a * b, axis=-1))


def angle_of(
    sine: Float[Array, "*batch"], cosine: Float[Array, "*batch"]
) -> Float[Array, "*batch"]:
    """The angle in [0, pi] of a sine >= 0 and a cosine, in any common scale; 0 where both are 0."""
    is_null = (sine == 0) & (cosine == 0)
    return jnp.where(is_null, 0.0, jnp.arctan2(sine, jnp.where(is_null, 1.0, cosine)))


@pytree(static=("exact",))
class Blur:
    """How every threshold of a computation is made smooth.

    **Attributes:**

    - `width`: half-width of the rise from 0 to 1; at 0 the threshold is the plain step.
    - `exact`: static; whether values stay those of the plain step, so that only derivatives are
        those of the rise.
    """

    width: Float[Array, ""]
    exact: bool = False

    def scaled(self, scale: float | Float[Array, ""]) -> "Blur":
        """The same with another width, in the unit of what is compared."""
        return Blur(self.width * scale, self.exact)

    def at_most(self, limit: float) -> "Blur":
        """The same, no wider than a limit."""
        return Blur(jnp.minimum(self.width, limit), self.exact)


def exceeds(
    value: Float[Array, "*#batch"], edge: float | Float[Array, "*#batch"], blur: Blur | None
) -> Bool[Array, "*batch"] | Float[Array, "*batch"]:
    """Whether a value lies above an edge: True or False, or with a blur how far, from 0 to 1.

    The rise is 6 t^5 - 15 t^4 + 10 t^3 with t from 0 at edge - width to 1 at edge + width: twice
    differentiable, and beyond the width exactly the step.
    """
    if blur is None:
        return value > edge
    is_blurred = blur.width > NO_WIDTH
    width = jnp.where(is_blurred, blur.width, 1.0)
    t = jnp.clip(((value - edge) / width + 1) / 2, 0.0, 1.0)
    rise = t**3 * (10 + t * (6 * t - 15))
    above = (value > edge).astype(rise.dtype)
    rise = jnp.where(is_blurred, rise, above)
    return _with_derivative_of(rise, above) if blur.exact else rise


@jax.custom_jvp
def _with_derivative_of(rise: Array, value: Array) -> Array:
    del rise
    return value


@_with_derivative_of.defjvp
def _(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    return primals[1], tangents[0]


def weighted(
    weight: Bool[Array, "*#batch"] | Float[Array, "*#batch"], value: Float[Array, "*#batch"]
) -> Float[Array, "*batch"]:
    """The value where a weight, as `exceeds` tells, is True, 0 elsewhere; else their product."""
    return jnp.where(weight, value, 0.0) if weight.dtype == bool else weight * value


def fused_sum(terms: Tree) -> Tree:
    """Sum every leaf over its last axis, all leaves in one pass.

    Separate `jnp.sum` calls make XLA's CPU backend compute the terms again for each of them or
    write them to memory (5 to 10 ns a pair against 2 here).
    """
    leaves, treedef = jax.tree.flatten(terms)
    return jax.tree.unflatten(treedef, _sum_together(*leaves))


def computed_once(values: Num[Array, "*shape"]) -> Num[Array, "*shape"]:
    """The values, on CPU in a pass of their own before they are used.

    XLA's CPU backend vectorises such a pass, but not a reduction: roots and divisions inside one
    are made one by one. On a GPU the pass would only cost memory traffic.
    """
    return lax.optimization_barrier(values) if on_cpu() else values


def on_cpu() -> bool:
    """Whether jax computes on CPU unless told otherwise.

    Asked while tracing: `lax.platform_dependent` would trace a program for every kind of device.
    """
    return jax.default_backend() == "cpu"


def count_true(masks: Sequence[Bool[Array, "*rows n"]]) -> tuple[Int[Array, "*rows"], ...]:
    """How many entries of each mask hold along its last axis, seven masks in a pass.

    In whole numbers, whose sums XLA's CPU backend vectorises (those of floats it must add in
    order), and in sevens, whose counters it keeps in registers.
    """
    counters = [mask.astype(jnp.int32) for mask in masks]
    sevens = (tuple(counters[i : i + 7]) for i in range(0, len(counters), 7))
    return tuple(count for seven in sevens for count in _sum_last_axis(seven))


@jax.custom_jvp
def _sum_together(*leaves: Array) -> tuple[Array, ...]:
    return _sum_last_axis(leaves)


@_sum_together.defjvp
def _(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[tuple, tuple]:
    return _sum_together(*primals), tuple(jnp.sum(tangent, axis=-1) for tangent in tangents)


def _sum_last_axis(leaves: tuple[Array, ...]) -> tuple[Array, ...]:
    zeros = tuple(jnp.zeros((), leaf.dtype) for leaf in leaves)
    return tuple(lax.reduce(leaves, zeros, _add_all, (leaves[0].ndim - 1,)))


def _add_all(a: tuple[Array, ...], b: tuple[Array, ...]) -> tuple[Array, ...]:
    return tuple(x + y for x, y in zip(a, b, strict=True))
