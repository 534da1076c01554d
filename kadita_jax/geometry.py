"""The periodic box and open water (box_size None): offsets, wrapping, the school's centre."""

import jax.numpy as jnp
from jaxtyping import Array, Float

BoxSize = Float[Array, ""] | None


def shortest(offset: Float[Array, "*batch"], box_size: BoxSize) -> Float[Array, "*batch"]:
    """Each component of an offset brought to its nearest periodic image, within +-box_size/2."""
    if box_size is None:
        return offset
    return offset - box_size * jnp.round(offset / box_size)


def wrap(position: Float[Array, "*batch 3"], box_size: BoxSize) -> Float[Array, "*batch 3"]:
    """Positions in [0, box_size); what rounds to box_size itself becomes 0."""
    if box_size is None:
        return position
    wrapped = jnp.mod(position, box_size)
    return jnp.where(wrapped >= box_size, 0.0, wrapped)


def circular_centre(position: Float[Array, "fish 3"], box_size: BoxSize) -> Float[Array, "3"]:
    """The school's centre, axis by axis the mean angle of 2 pi x / L turned back into a length.

    In open water the plain mean. An axis along which the fish balance exactly around the box has
    no mean angle; its centre is then 0, with derivative 0.
    """
    if box_size is None:
        return jnp.mean(position, axis=0)
    turn = 2 * jnp.pi / box_size
    sine = jnp.mean(jnp.sin(turn * position), axis=0)
    cosine = jnp.mean(jnp.cos(turn * position), axis=0)
    balanced = (sine == 0) & (cosine == 0)
    return jnp.arctan2(sine, jnp.where(balanced, 1.0, cosine)) / turn


def unwrap(
    position: Float[Array, "fish 3"], centre: Float[Array, "3"], box_size: BoxSize
) -> Float[Array, "fish 3"]:
    """Offsets from the centre to the nearest image of every fish: the school made whole."""
    return shortest(position - centre[None, :], box_size)
