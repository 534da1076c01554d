"""The fish that a film draws, frame after frame, and nothing that it does not draw."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import xarray

from kadita_jax.errors import Fault
from kadita_jax.plot.fish import MAX_DRAWN, selection
from kadita_jax.plot.reading import number, seen_fish, unit_headings, wrapped
from kadita_jax.plot.school import Cube, cube_about

# About so many fish times frames are read at once, so that a long file is never held whole.
READ_AT_ONCE = 2**18


class Swimmers(NamedTuple):
    """Fish of every frame in single precision, which is far finer than a pixel.

    **Attributes:**

    - `position`, `heading`: (T, D, 3) of the D fish that are drawn; in a box positions are in it,
        headings are unit vectors.
    - `centre`: the school's (T, 3) where the camera follows it, else None.
    - `box_size`: None in open water.
    """

    position: np.ndarray
    heading: np.ndarray
    centre: np.ndarray | None
    box_size: float | None

    def place(self, frame: int) -> np.ndarray:
        """Where the fish (D, 3) are shown: as saved, or as offsets from the school's centre."""
        from kadita_jax.motion import shortest_steps

        position = self.position[frame].astype(float)
        if self.centre is None:
            return position
        return shortest_steps(position - self.centre[frame], self.box_size)

    def steps(self, first: int, last: int) -> np.ndarray:
        """How far each fish came (last - first, D, 3) between frames, across the box's faces."""
        from kadita_jax.motion import shortest_steps

        position = self.position[first : last + 1].astype(float)
        return shortest_steps(np.diff(position, axis=0), self.box_size)


def swimmers(dataset: xarray.Dataset, *, follow: bool) -> Swimmers:
    """The fish of a run that are drawn, and where the centre of all is if that is followed."""
    box_size = number(dataset, "box_size")
    drawn = _drawn(dataset)
    position = _joined(wrapped(block[:, drawn], box_size) for block in _blocks(dataset, "position"))
    heading = _joined(unit_headings(block[:, drawn]) for block in _blocks(dataset, "heading"))
    centre = _centre(dataset, box_size) if follow else None
    return Swimmers(position, heading, centre, box_size)


def unseen_faults(dataset: xarray.Dataset) -> list[Fault]:
    """The fault of frames in which no fish can be drawn, so that a picture of them were empty."""
    blocks = zip(_blocks(dataset, "position"), _blocks(dataset, "heading"), strict=True)
    # Most often the first block has one, and no more is read.
    if any(np.isfinite(np.concatenate(both, axis=-1)).all(axis=-1).any() for both in blocks):
        return []
    rule = "must have a fish with a finite position and heading in a frame"
    return [Fault("dataset", rule, f"none in {dataset.sizes['time']:,} frames")]


def _drawn(dataset: xarray.Dataset) -> np.ndarray:
    """Indices of fish of which no frame shows more than can be drawn.

    A tracker that loses its fish gives them new numbers: many fish, of which few are there at once.
    """
    n_fish = dataset.sizes["fish"]
    if n_fish <= MAX_DRAWN:
        return selection(n_fish)
    blocks = _blocks(dataset, "position")
    at_once = max(int(np.isfinite(block).all(axis=2).sum(axis=1).max()) for block in blocks)
    return selection(n_fish, MAX_DRAWN * n_fish // max(1, at_once))


def _centre(dataset: xarray.Dataset, box_size: float | None) -> np.ndarray:
    # Not above: the process that draws the pictures of runs starts without jax.
    from kadita_jax.motion import centres_of

    return centres_of(_blocks(dataset, "position"), box_size)


def _blocks(dataset: xarray.Dataset, name: str) -> Iterator[np.ndarray]:
    """A variable (T, N, 3), some frames at a time."""
    n_frames, n_fish = dataset.sizes["time"], dataset.sizes["fish"]
    n_blocks = -(-n_frames * max(1, n_fish) // READ_AT_ONCE)
    size = -(-n_frames // n_blocks)
    for first in range(0, n_frames, size):
        yield dataset[name].isel(time=slice(first, first + size)).values


def _joined(blocks: Iterator[np.ndarray]) -> np.ndarray:
    return np.concatenate([block.astype(np.float32) for block in blocks])


def cube_of(swim: Swimmers) -> Cube:
    """The cube in which every frame is shown."""
    if swim.centre is not None and swim.box_size is not None:
        return Cube(np.full(3, -swim.box_size / 2), swim.box_size, dashed=True)
    return cube_about(np.array(list(_corners(swim))).reshape(-1, 3), swim.box_size)


def _corners(swim: Swimmers) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for frame in range(len(swim.position)):
        place, _ = seen_fish(swim.place(frame), swim.heading[frame])
        if len(place):
            yield place.min(axis=0), place.max(axis=0)
