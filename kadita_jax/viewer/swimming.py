"""What a page shows of every frame beside where the fish are: centre, speed, neighbours, groups."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Int, UInt8
from scipy.spatial import KDTree

from kadita_jax.blocks import map_frames
from kadita_jax.dataset import clock
from kadita_jax.geometry import BoxSize
from kadita_jax.metrics import group_labels
from kadita_jax.motion import as_box, seen, shortest_steps
from kadita_jax.plot.reading import unit_headings, wrapped
from kadita_jax.viewer.checks import as_slice

# Pairs of a whole run that groups are looked for among: a minute or two on two cores.
MOST_PAIRS = 10**10
# Lengths of velocities that are all so near to 1 are headings.
UNIT_LENGTH = 1e-3

Positions = Float[np.ndarray, "time fish 3"]


class Tracks(NamedTuple):
    """A school in motion, as the page shows it.

    **Attributes:**

    - `time`: s; the frames' numbers where no times are known.
    - `position`: bl, wrapped into the box if there is one; nan where a fish is not seen.
    - `heading`: unit vectors, nan where a fish is not seen.
    - `speed`: bl/s; nan where it is not known, None where none is.
    - `is_speed_told`: whether the file tells speeds, and not headings alone.
    - `box_size`: bl; None for open water.
    """

    time: Float[np.ndarray, " time"]
    position: Positions
    heading: Positions
    speed: Float[np.ndarray, "time fish"] | None
    is_speed_told: bool
    box_size: float | None


def shown_tracks(tracks: xr.Dataset, frames: range, box_size: float | None) -> Tracks:
    """What a page shows of a file's tracks, with dims time, fish, space."""
    position = _places(tracks, as_slice(frames), box_size)
    velocity = tracks["heading"].isel(time=as_slice(frames)).values.astype(float)
    length, heading = np.linalg.norm(velocity, axis=-1), unit_headings(velocity)
    is_seen = np.isfinite(position + heading).sum(axis=-1, keepdims=True) == position.shape[-1]
    are_headings = bool(np.all(np.abs(length[is_seen[..., 0]] - 1) < UNIT_LENGTH))
    return Tracks(
        time=clock(tracks).values[as_slice(frames)].astype(float),
        position=np.where(is_seen, position, np.nan),
        heading=np.where(is_seen, heading, np.nan),
        speed=speeds_between(tracks, frames, box_size) if are_headings else length,
        is_speed_told=not are_headings,
        box_size=box_size,
    )


def speeds_between(
    tracks: xr.Dataset, frames: range, box_size: float | None
) -> Float[np.ndarray, "time fish"] | None:
    """How fast each fish swam since the frame before, of the file and not of those shown, bl/s.

    The first frame of all has the speed of the second. nan for a fish that is not seen in both;
    None where there is one frame, or times are not known or do not rise.
    """
    when = clock(tracks)
    if len(when.values) < 2 or not when.has_times:
        return None
    # Each once: files are not read at repeated places.
    later, which = np.unique(np.maximum(frames, 1), return_inverse=True)
    duration = when.values[later] - when.values[later - 1]
    if not (duration > 0).all():
        return None
    there, before = (_places(tracks, at, box_size) for at in (later, later - 1))
    moved = shortest_steps(there - before, box_size)
    return (np.linalg.norm(moved, axis=-1) / duration[:, None])[which]


def _places(tracks: xr.Dataset, frames: slice | np.ndarray, box_size: float | None) -> Positions:
    return wrapped(tracks["position"].isel(time=frames).values.astype(float), box_size)


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
