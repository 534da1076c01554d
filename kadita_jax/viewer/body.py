"""The body of a fish in three dimensions, made of the pictures' silhouette."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from kadita_jax.plot.fish import SIDE

# How many corners a body has across, and how wide it is of its height.
CORNERS, WIDTH = 4, 0.62
# Numbers of the corners: the nose is the first, then come those across, then the tail's.
RING, FIRST_END = 1 + np.arange(CORNERS), 1 + CORNERS
# Points of the silhouette's side: the nose, the thickest, where the tail begins, its tip and notch.
NOSE, THICKEST, ROOT, TIP, NOTCH = 0, 3, 5, 7, 8

Faces = Int[np.ndarray, "faces 3"]


class Body(NamedTuple):
    """A fish one unit long that swims along x, z up, of as few triangles as look like one.

    **Attributes:**

    - `normal`: of unit length, outwards.
    - `face`: corners of each triangle, by number.
    - `shadow`: those of the triangles that its shadow is made of, seen from above.
    """

    corner: Float[np.ndarray, "corners 3"]
    normal: Float[np.ndarray, "corners 3"]
    face: Faces
    shadow: Faces

    def about(self) -> dict[str, list]:
        """Flat lists of numbers, short enough for JSON."""
        return {name: np.round(array, 4).ravel().tolist() for name, array in self._asdict().items()}


def fish_body() -> Body:
    """The body of every fish of a page."""
    angle = 2 * np.pi * np.arange(CORNERS) / CORNERS
    along, radius = SIDE[THICKEST]
    across, up = WIDTH * radius * np.cos(angle), radius * np.sin(angle)
    ring = np.column_stack([np.full(CORNERS, along), across, up])
    tip, height = SIDE[TIP]
    # The skin ends in the notch; the tail begins within it, so that no waist is seen.
    ends = [(SIDE[NOTCH, 0], 0, 0), (tip, 0, height), (tip, 0, -height), (SIDE[ROOT, 0], 0, 0)]
    corner = np.array([(SIDE[NOSE, 0], 0, 0), *ring, *ends])
    around = list(zip(RING, np.roll(RING, -1), strict=True))
    skin = [(0, one, other) for one, other in around]
    skin += [(FIRST_END, other, one) for one, other in around]
    tail = [(FIRST_END, FIRST_END + 1, FIRST_END + 3), (FIRST_END, FIRST_END + 3, FIRST_END + 2)]
    # Seen from above a fish is as wide as from its first corner across to its third.
    shadow = [(0, RING[0], RING[2]), (RING[0], FIRST_END, RING[2])]
    normal = _normals(corner, np.array(skin))
    return Body(corner, normal, np.array(skin + tail), np.array(shadow))


def _normals(corner: np.ndarray, skin: Faces) -> np.ndarray:
    """Of every corner the mean direction of the faces about it; the thin tail's is to a side."""
    one, other, third = np.moveaxis(corner[skin], 1, 0)
    across = np.cross(other - one, third - one)
    normal = np.zeros_like(corner)
    for column in skin.T:
        np.add.at(normal, column, across)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    return np.where(length > 0, normal / np.maximum(length, 1e-12), (0.0, 1.0, 0.0))
