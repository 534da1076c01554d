"""The periodic box and open water (box_size None): offsets, wrapping, the school's centre."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kadita_jax.numerics import safe_sqrt, tiny_length

Components = tuple[Float[Array, "..."], Float[Array, "..."], Float[Array, "..."]]
BoxSize = Float[Array, ""] | None


def shortest(offset: Float[Array, "*batch"], box_size: BoxSize) -> Float[Array, "*batch"]:
    """Each component of an offset brought to its nearest periodic image, within +-box_size/2."""
    if box_size is None:
        return offset
    # A product for each offset instead of a division: the inverse is taken once.
    return offset - box_size * jnp.round(offset * (1 / box_size))


def per_component(function: Callable[[Array], Array], vectors: Components) -> Components:
    """The function of each component."""
    x, y, z = map(function, vectors)
    return x, y, z


def nearest_image(
    place: Float[Array, "*batch"], target: Float[Array, "*#batch"], box_size: Float[Array, ""]
) -> Float[Array, "*batch"]:
    """Each component of a place at its periodic image nearest to a target."""
    return place - box_size * jnp.round((place - target) * (1 / box_size))


def pair_offsets(own: Components, others: Components, box_size: BoxSize) -> Components:
    """Components (N, M) of the shortest offset from each own (N,) place to each other (M,)."""
    pairs = zip(own, others, strict=True)
    x, y, z = (shortest(other[None, :] - one[:, None], box_size) for one, other in pairs)
    return x, y, z


def components(vectors: Float[Array, "fish 3"]) -> Components:
    """Three flat arrays (N,), over which XLA fuses sums, for one of vectors."""
    x, y, z = vectors.T
    return x, y, z


def wrap(position: Float[Array, "*batch 3"], box_size: BoxSize) -> Float[Array, "*batch 3"]:
    """Positions in [0, box_size); what rounds to box_size itself becomes 0."""
    if box_size is None:
        return position
    wrapped = jnp.mod(position, box_size)
    return jnp.where(wrapped >= box_size, 0.0, wrapped)


def circular_centre(
    position: Float[Array, "fish 3"],
    box_size: BoxSize,
    member: Bool[Array, " fish"] | None = None,
) -> Float[Array, "3"]:
    """The school's centre, axis by axis the mean angle of 2 pi x / L turned back into a length.

    Of the members alone, or where there is no `member` of all. In open water the plain mean. Along
    an axis on which the fish balance around the box (a mean of unit vectors shorter than the tiny
    length) there is no mean angle; its centre is then 0, with derivative 0.
    """
    where = None if member is None else member[:, None]
    if box_size is None:
        return jnp.mean(position, axis=0, where=where)
    turn = 2 * jnp.pi / box_size
    sine = jnp.mean(jnp.sin(turn * position), axis=0, where=where)
    cosine = jnp.mean(jnp.cos(turn * position), axis=0, where=where)
    length = safe_sqrt(sine * sine + cosine * cosine)
    balanced = length < tiny_length(position)
    angle = jnp.arctan2(jnp.where(balanced, 0.0, sine), jnp.where(balanced, 1.0, cosine))
    return angle / turn


def unwrap(
    position: Float[Array, "fish 3"], centre: Float[Array, "3"], box_size: BoxSize
) -> Float[Array, "fish 3"]:
    """Offsets from the centre to the nearest image of every fish: the school made whole."""
    return shortest(position - centre[None, :], box_size)
