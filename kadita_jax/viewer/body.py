"""The body of a fish in three dimensions, made of the pictures' silhouette."""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from kadita_jax.plot.fish import SIDE

# How many corners a body has across, and how wide it is of its height.
CORNERS, WIDTH = 4, 0.62
# Points of the silhouette's side: the nose, the thickest, the root of the tail, its tip and notch.
NOSE, THICKEST, ROOT, TIP, NOTCH = 0, 3, 6, 7, 8

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
    (tip, height), (notch, _) = SIDE[TIP], SIDE[NOTCH]
    nose = [(SIDE[NOSE, 0], 0, 0)]
    tail = [(notch, 0, 0), (tip, 0, height), (tip, 0, -height)]
    corner = np.array([*nose, *_ring(THICKEST), *_ring(ROOT), *tail])
    thick, root = 1 + np.arange(CORNERS), 1 + CORNERS + np.arange(CORNERS)
    skin = [*_cone(0, thick), *_tube(thick, root)]
    tail_faces = _tail(root, first=1 + 2 * CORNERS)
    # A fish seen from above is as wide as its first and third corner across.
    left, right, end = thick[0], thick[2], root[0]
    shadow = np.array([(0, left, right), (left, end, right)])
    return Body(corner, _normals(corner, np.array(skin)), np.array(skin + tail_faces), shadow)


def _ring(point: int) -> Float[np.ndarray, "corners 3"]:
    along, radius = SIDE[point]
    angle = 2 * np.pi * np.arange(CORNERS) / CORNERS
    across, up = WIDTH * radius * np.cos(angle), radius * np.sin(angle)
    return np.column_stack([np.full(CORNERS, along), across, up])


def _cone(tip: int, ring: np.ndarray) -> list[tuple]:
    return [(tip, one, other) for one, other in _neighbours(ring)]


def _tube(near: np.ndarray, far: np.ndarray) -> list[tuple]:
    pairs = zip(_neighbours(near), _neighbours(far), strict=True)
    return list(itertools.chain(*(((a, c, d), (a, d, b)) for (a, b), (c, d) in pairs)))


def _tail(root: np.ndarray, first: int) -> list[tuple]:
    # Upper lobe from the root's upper corner, lower lobe from its lower one.
    return [(root[1], first, first + 1), (root[3], first, first + 2), (root[1], root[3], first)]


def _neighbours(ring: np.ndarray) -> list[tuple]:
    return list(zip(ring, np.roll(ring, -1), strict=True))


def _normals(corner: np.ndarray, skin: Faces) -> np.ndarray:
    """Of every corner the mean direction of the faces about it; the thin tail's is to a side."""
    one, other, third = np.moveaxis(corner[skin], 1, 0)
    across = np.cross(other - one, third - one)
    normal = np.zeros_like(corner)
    for column in skin.T:
        np.add.at(normal, column, across)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    return np.where(length > 0, normal / np.maximum(length, 1e-12), (0.0, 1.0, 0.0))
