"""What a page shows of every frame beside where the fish are: centre, speed, neighbours, groups."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt8
from scipy.spatial import KDTree

from kadita_jax.blocks import map_frames
from kadita_jax.geometry import BoxSize
from kadita_jax.metrics import group_labels
from kadita_jax.motion import as_box, seen, shortest_steps

# Pairs of a whole run that groups are looked for among: a minute or two on two cores.
MOST_PAIRS = 10**10

Positions = Float[np.ndarray, "time fish 3"]


class Tracks(NamedTuple):
    """A school in motion, as the page shows it.

    **Attributes:**

    - `time`: s.
    - `position`: bl, wrapped into the box if there is one; nan where a fish is not seen.
    - `heading`: unit vectors, nan where a fish is not seen.
    - `speed`: bl/s as the file says it; None where it gives headings alone.
    - `box_size`: bl; None for open water.
    """

    time: Float[np.ndarray, " time"]
    position: Positions
    heading: Positions
    speed: Float[np.ndarray, "time fish"] | None
    box_size: float | None


def speeds(tracks: Tracks) -> Float[np.ndarray, "time fish"] | None:
    """How fast each fish swims, bl/s: as the file says, or else what it moved since the last frame.

    The first frame has the speed of the second. None where there is one frame.
    """
    if tracks.speed is not None:
        return tracks.speed
    duration = np.diff(tracks.time)
    if not len(duration) or not (duration > 0).all():
        return None
    moved = shortest_steps(np.diff(tracks.position, axis=0), tracks.box_size)
    speed = np.linalg.norm(moved, axis=-1) / duration[:, None]
    return np.concatenate([speed[:1], speed])


def nearest_neighbours(tracks: Tracks) -> Float[np.ndarray, "time fish"] | None:
    """Distance of each fish to its nearest, bl, nan where none is seen; None for one fish."""
    if tracks.position.shape[1] < 2:
        return None
    found = np.full(tracks.position.shape[:2], np.nan)
    for frame, place in enumerate(tracks.position):
        is_seen = np.isfinite(place).all(axis=1)
        if is_seen.sum() > 1:
            # The tree of a box wants no boundary itself, which is its other side.
            tree = KDTree(place[is_seen], boxsize=tracks.box_size)
            found[frame, is_seen] = tree.query(place[is_seen], k=2)[0][:, 1]
    return found


def group_ranks(tracks: Tracks, distance: float, n_ranks: int) -> UInt8[np.ndarray, "time fish"]:
    """Which group each fish is in: 0 the largest, 1 the next, at most n_ranks - 1 the smallest.

    **Arguments:**

    - `distance`: two fish nearer than that are of one group, bl.
    """
    ranks = _ranks(tracks.position, as_box(tracks.box_size), jnp.asarray(distance, float))
    return np.minimum(np.asarray(ranks), n_ranks - 1).astype(np.uint8)


@jax.jit
def _ranks(
    position: Float[Array, "time fish 3"], box_size: BoxSize, distance: Float[Array, ""]
) -> Int[Array, "time fish"]:
    def one(place: Float[Array, "fish 3"]) -> Int[Array, " fish"]:
        label = group_labels(place, box_size, distance)
        # Fish that are not seen are alone, and no group.
        size = jnp.zeros_like(label).at[label].add(jnp.where(seen(place), 1, 0))
        rank = jnp.argsort(jnp.argsort(-size))
        return rank[label]

    return map_frames(one, jnp.asarray(position, float), position.shape[1] ** 2)
