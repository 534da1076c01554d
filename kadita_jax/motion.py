"""How a school moves between frames, across the faces of its box."""

from collections.abc import Iterable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from kadita_jax.blocks import map_frames
from kadita_jax.geometry import BoxSize, circular_centre


def shortest_steps(step: np.ndarray, box_size: float | None) -> np.ndarray:
    """Steps (..., 3) to the nearest periodic image: without the jumps across the box's faces."""
    return step if box_size is None else step - box_size * np.round(step / box_size)


def centres(
    position: Float[np.ndarray, "time fish 3"], box_size: float | None
) -> Float[np.ndarray, "time 3"]:
    """The school's centre in every frame, followed across the faces of the box, bl.

    Fish that are not seen (not finite) count for nothing; in a frame without any the centre stays
    where it was, before the first known one it is where it is then, and with none at all 0.
    """
    return centres_of([position], box_size)


def centres_of(
    blocks: Iterable[Float[np.ndarray, "_time fish 3"]], box_size: float | None
) -> Float[np.ndarray, "all_time 3"]:
    """`centres` of frames that come in blocks, one after the other."""
    box = as_box(box_size)
    centre = np.concatenate([np.asarray(_centres(block, box), float) for block in blocks])
    known = np.isfinite(centre).all(axis=1)
    if not known.any():
        return np.zeros_like(centre)
    latest = np.maximum.accumulate(np.where(known, np.arange(len(centre)), known.argmax()))
    centre = centre[latest]
    moved = shortest_steps(np.diff(centre, axis=0), box_size)
    return np.cumsum(np.concatenate([centre[:1], moved]), axis=0)


def as_box(box_size: float | None) -> BoxSize:
    """A box's side as the functions of `geometry` take it."""
    return None if box_size is None else jnp.asarray(box_size, float)


def seen(place: Float[Array, "fish 3"]) -> Bool[Array, " fish"]:
    """Which fish have a place."""
    return jnp.all(jnp.isfinite(place), axis=1)


@jax.jit
def _centres(position: Float[Array, "time fish 3"], box_size: BoxSize) -> Float[Array, "time 3"]:
    def one(place: Float[Array, "fish 3"]) -> Float[Array, "3"]:
        return circular_centre(place, box_size, seen(place))

    return map_frames(one, jnp.asarray(position, float), position.shape[1])
