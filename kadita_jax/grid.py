"""The members of a sweep: a grid of points times replicates, numbered."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from kadita_jax.axes import SLACK, Axis, radii
from kadita_jax.parameters import PARAMETERS, RADII
from kadita_jax.scenario import Scenario


@dataclass(frozen=True)
class Grid:
    """All points of a sweep in C order of its axes, each with its replicates.

    Member m is replicate m % replicates of point m // replicates.
    """

    scenario: Scenario
    axes: tuple[Axis, ...]
    replicates: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes, then the number of replicates."""
        return (*map(len, self.axes), self.replicates)

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the axes, then "replicate"."""
        return (*(axis.dim for axis in self.axes), "replicate")

    @property
    def n_points(self) -> int:
        """How many points the axes span."""
        return prod(map(len, self.axes))

    @property
    def n_members(self) -> int:
        """How many schools the sweep has."""
        return self.n_points * self.replicates

    def swept(self, points: np.ndarray) -> dict[str, np.ndarray]:
        """The values of all swept names at some points."""
        places = np.unravel_index(points, self.shape[:-1])
        return {
            name: values[place]
            for axis, place in zip(self.axes, places, strict=True)
            for name, values in zip(axis.names, axis.values, strict=True)
        }

    def n_fish(self, points: np.ndarray) -> np.ndarray:
        """The number of fish at some points."""
        fixed = np.full(len(points), self.scenario.n_fish)
        return self.swept(points).get("n_fish", fixed).astype(int)

    def parameters(self, points: np.ndarray) -> dict[str, np.ndarray]:
        """The fields of Params that differ from the scenario's: (M,), or (M, N) of unlike fish."""
        columns = {name: values[:, None] for name, values in self.swept(points).items()}
        own = {name: v for name, v in columns.items() if name in PARAMETERS and name not in RADII}
        moved = own | radii(columns, self._radii())
        return {k: v[:, 0] if v.shape[1] == 1 else v for k, v in moved.items()}

    def in_order(self, points: np.ndarray) -> np.ndarray:
        """Whether r_repulsion <= r_orientation <= r_attraction for every fish, up to rounding."""
        columns = {name: values[:, None] for name, values in self.swept(points).items()}
        found: Mapping[str, np.ndarray] = self._radii() | radii(columns, self._radii())
        most = {name: radius * (1 + SLACK) for name, radius in found.items()}
        order = [np.all(found[low] <= most[high], axis=-1) for low, high in pairwise(RADII)]
        return np.broadcast_to(np.logical_and(*order), points.shape)

    def _radii(self) -> dict[str, np.ndarray]:
        return {name: np.atleast_1d(getattr(self.scenario, name)) for name in RADII}
