"""The fixed sizes of a cell list, what a school demands of them, and sizes with room to spare."""

import math
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from kadita_jax.errors import Fault
from kadita_jax.pytree import pytree

MOST_COLUMNS = 2**8
# With fewer columns a side a fish could meet two images of another.
FEWEST_COLUMNS = 3
# The shares of n_candidates that a program is compiled for; each adds to its compile time.
# One holds the fullest block of a layout that keeps its room.
SIZES = (0.35, 0.7, 1.0)
# A school on its way gathers here and there. Blocks that are empty cost time, though little;
# room for candidates none until it is needed, but under vmap, where all sizes are computed.
ROOM_FOR_BLOCKS, ROOM_FOR_CANDIDATES = 1.15, 1.5


class CellLayout(NamedTuple):
    """The capacities of a cell list; static: each compiles a program of its own.

    **Attributes:**

    - `n_columns`: the most columns a side; fewer are used where the radius asks for it.
    - `n_blocks`: of up to 16 fish.
    - `n_candidates`: fish that may be near one of a block.
    """

    n_columns: int
    n_blocks: int
    n_candidates: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of candidates that blocks are computed with, ascending."""
        return tuple(math.ceil(share * self.n_candidates) for share in SIZES)


@pytree()
class CellDemand:
    """What a school demands of a layout.

    **Attributes:**

    - `n_columns`: columns that fit a side; a list needs three.
    - `n_blocks`, `n_candidates`: as in `CellLayout`.
    """

    n_columns: Int[Array, "*schools"]
    n_blocks: Int[Array, "*schools"]
    n_candidates: Int[Array, "*schools"]

    def exceeds(self, layout: CellLayout) -> Bool[Array, "*schools"]:
        """Whether a list of this layout lacks candidates."""
        too_many = (self.n_blocks > layout.n_blocks) | (self.n_candidates > layout.n_candidates)
        return too_many | (self.n_columns < FEWEST_COLUMNS)

    def faults(self, layout: CellLayout) -> list[Fault]:
        """Each capacity of the layout that is too small, with a size that it must at least have."""
        found = []
        for name in ("n_blocks", "n_candidates"):
            needed, given = int(getattr(self, name)), getattr(layout, name)
            if needed > given:
                found.append(Fault(name, f"must be >= {needed}", given))
        if self.n_columns < FEWEST_COLUMNS:
            rule = f"must be >= {FEWEST_COLUMNS} cells a side: the box is too small for the radius"
            found.append(Fault("box_size / r_attraction", rule, int(self.n_columns)))
        return found


def no_demand() -> CellDemand:
    """What every layout serves."""
    return CellDemand(*jnp.array([MOST_COLUMNS, 0, 0], jnp.int32))


def highest(first: CellDemand, second: CellDemand) -> CellDemand:
    """What serves both schools."""
    return CellDemand(
        jnp.minimum(first.n_columns, second.n_columns),
        jnp.maximum(first.n_blocks, second.n_blocks),
        jnp.maximum(first.n_candidates, second.n_candidates),
    )


def roomy(demand: CellDemand, n_columns: int) -> CellLayout:
    """A layout with room to spare, in coarse sizes: like schools then share a program."""
    blocks, candidates = int(demand.n_blocks), int(demand.n_candidates)
    blocks, candidates = (
        _coarse(ROOM_FOR_BLOCKS * blocks),
        _coarse(ROOM_FOR_CANDIDATES * candidates),
    )
    return CellLayout(n_columns, blocks, candidates)


def size_needed(n_candidates: Int[Array, "*blocks"], layout: CellLayout) -> Int[Array, "*blocks"]:
    """Which of the layout's sizes is the first with room for so many; the last if none has."""
    too_small = [n_candidates > size for size in layout.sizes[:-1]]
    return jnp.sum(jnp.stack(too_small), axis=0, dtype=jnp.int32)


def _coarse(size: float) -> int:
    """The next of 8, 9, ..., 15 times a power of two."""
    step = 1
    while size > 15 * step:
        step *= 2
    return -int(-size // step) * step
