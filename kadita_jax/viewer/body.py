"""The body of a fish in three dimensions, made of the pictures' silhouette."""

import itertools

import numpy as np

from kadita_jax.plot.school import SIDE

# How many sides a body has across, and how wide it is of its height.
CORNERS, WIDTH = 4, 0.62
# Points of the silhouette's side: the nose, the body, and the root, tip and notch of the tail.
NOSE, RINGS, ROOT, TIP, NOTCH = 0, (2, 4), 6, 7, 8


def fish_body() -> list[list[float]]:
    """Triangles of a fish one unit long that swims along x, z up: corners, then their normals.

    Corners are not shared, so that every face has one normal.
    """
    faces = np.array([*_skin(), *_tail()])
    normal = np.cross(faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    corners = faces.reshape(-1, 3)
    normals = np.repeat(normal, 3, axis=0)
    return [np.round(array, 4).ravel().tolist() for array in (corners, normals)]


def _skin() -> list[np.ndarray]:
    rings = [_ring(*SIDE[point]) for point in (NOSE, *RINGS, ROOT)]
    faces = []
    for near, far in itertools.pairwise(rings):
        for one in range(CORNERS):
            other = (one + 1) % CORNERS
            faces += [(near[one], far[one], far[other]), (near[one], far[other], near[other])]
    # The ring of the nose is a point, of which half of the faces have no area.
    return [np.array(face) for face in faces if not np.array_equal(face[0], face[2])]


def _ring(along: float, radius: float) -> np.ndarray:
    angle = 2 * np.pi * np.arange(CORNERS) / CORNERS
    across, up = WIDTH * radius * np.cos(angle), radius * np.sin(angle)
    return np.column_stack([np.full(CORNERS, along), across, up])


def _tail() -> list[np.ndarray]:
    (root, _), (tip, height), (notch, _) = SIDE[ROOT], SIDE[TIP], SIDE[NOTCH]
    lobes = [[(root, 0, 0), (notch, 0, 0), (tip, 0, sign * height)] for sign in (1, -1)]
    return [np.array(lobe) for lobe in lobes]
