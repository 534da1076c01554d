"""The box that fitted parameters stay in, and free numbers that stand for them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from kadita_jax.parameters import RADII

Vector = Float[np.ndarray, " parameters"]
# Nobody starts at the very bounds, from where no slope leads away.
MARGIN = 0.02


@dataclass(frozen=True)
class Bounds:
    """The box that parameters stay in, radii in order, and free numbers that stand for them.

    Each parameter is low + (high - low) / (1 + exp(-z)); where radii are free the low of an outer
    one is at least the inner one, where they are fixed they bound their neighbours. `fixed` holds
    the least and the greatest value over the fish.
    """

    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    fixed: Mapping[str, tuple[float, float]]

    def parameters(
        self, free: Float[np.ndarray, "points parameters"]
    ) -> Float[np.ndarray, "points parameters"]:
        """Parameters from free numbers."""
        share, found = 1 / (1 + np.exp(-free)), np.empty_like(free)
        for column in self._order():
            low, high = self._limits(column, found)
            found[:, column] = low + (high - low) * share[:, column]
        return found

    def free(
        self, parameters: Float[np.ndarray, "points parameters"]
    ) -> Float[np.ndarray, "points parameters"]:
        """Free numbers of parameters, which are brought inside the bounds."""
        found = np.array(parameters, float)
        share = np.empty_like(found)
        for column in self._order():
            low, high = self._limits(column, found)
            inside = np.clip((found[:, column] - low) / (high - low), MARGIN, 1 - MARGIN)
            share[:, column] = inside
            found[:, column] = low + (high - low) * inside
        return np.log(share / (1 - share))

    def slope(self, free: Vector) -> Float[np.ndarray, "parameters parameters"]:
        """d parameter / d free number."""
        # Half the digits of a difference are left at the ends, where a parameter moves by 1e-10.
        step = 1e-6 * np.eye(len(free))
        rise = self.parameters(free[None, :] + step) - self.parameters(free[None, :] - step)
        return rise.T / 2e-6

    def _order(self) -> list[int]:
        """Inner radii first: they bound the outer ones."""
        radii = [self.names.index(name) for name in RADII if name in self.names]
        return radii + [i for i, name in enumerate(self.names) if name not in RADII]

    def _limits(
        self, column: int, found: Float[np.ndarray, "points parameters"]
    ) -> tuple[Float[np.ndarray, " points"], float]:
        name, high = self.names[column], self.high[column]
        low = np.full(len(found), self.low[column])
        if name not in RADII:
            return low, high
        place = RADII.index(name)
        for inner in RADII[:place]:
            is_free = inner in self.names
            low = np.maximum(
                low, found[:, self.names.index(inner)] if is_free else self.most(inner)
            )
        return low, min([high, *(self.least(o) for o in RADII[place + 1 :] if o in self.fixed)])

    def least(self, radius: str) -> float:
        """The least that a radius, which is fixed or free, can be for any fish."""
        return self._range(radius)[0]

    def most(self, radius: str) -> float:
        """The most that it can be."""
        return self._range(radius)[1]

    def _range(self, radius: str) -> tuple[float, float]:
        if radius in self.fixed:
            return self.fixed[radius]
        place = self.names.index(radius)
        return self.low[place], self.high[place]
