"""The pairs of a cell list: the fish of each block against the block's candidates.

Blocks differ much in how many candidates they have, and a compiled program has one size for all.
So it has several: the blocks are sorted by the size that they need, and a group of them is
computed with the size that its fullest needs.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from kadita_jax.blocks import map_rows
from kadita_jax.capacity import CellLayout, size_needed
from kadita_jax.cells import FISH_PER_BLOCK, Blocks, Runs
from kadita_jax.geometry import BoxSize, Components, nearest_image
from kadita_jax.numerics import computed_once

# Where a block has fewer candidates than there is room for: no zone reaches so far.
FAR = 1e18

Result = TypeVar("Result")


class Pairs(NamedTuple):
    """Some blocks' fish (`own`) against their candidates (`other`), numbered as sorted."""

    own: Int[Array, "blocks own"]
    other: Int[Array, "blocks others"]
    offset: Components


def map_blocks(
    function: Callable[[int, Blocks], Result],
    blocks: Blocks,
    layout: CellLayout,
    floats_per_pair: int,
) -> Result:
    """Apply `function` to all blocks, in groups, with a number of candidates that has room.

    The leaves of its result keep the blocks as their leading axis.
    """

    def of(group: Blocks) -> Result:
        fullest = jnp.max(group.runs.end[:, -1])
        ways = [partial(function, size) for size in layout.sizes]
        return lax.switch(size_needed(fullest, layout), ways, group)

    usual = layout.sizes[1]
    return map_rows(of, blocks, floats_per_pair * FISH_PER_BLOCK * usual)


def pairs(place: Components, blocks: Blocks, box_size: BoxSize, n_candidates: int) -> Pairs:
    """Every fish of some blocks against every candidate; where there is none, one far away."""
    number = jnp.arange(n_candidates, dtype=jnp.int32)[None, :]
    rank, start, total = _candidates(blocks.runs, number)
    image = (rank >= total).astype(jnp.int32) - (rank < 0).astype(jnp.int32)
    is_there = number < blocks.runs.end[:, -1:]
    other = computed_once(jnp.where(is_there, start + rank - image * total, 0))
    x, y, z = (component[other] for component in place)
    if box_size is not None:
        x = x + image * box_size
        y, z = (
            nearest_image(c, blocks.middle[:, i : i + 1], box_size) for i, c in ((0, y), (1, z))
        )
    there = jnp.where(is_there, x, FAR), y, z
    own = blocks.first[:, None] + jnp.arange(FISH_PER_BLOCK, dtype=jnp.int32)[None, :]
    own = jnp.minimum(own, len(place[0]) - 1)
    here = (component[own] for component in place)
    x, y, z = (_differences(a, b) for a, b in zip(here, there, strict=True))
    return Pairs(own, other, (x, y, z))


def _candidates(
    runs: Runs, number: Int[Array, "1 others"]
) -> tuple[Int[Array, "blocks others"], ...]:
    """Each candidate's rank, and the start and total of its column, by the run it is in."""

    def of_run(values: Int[Array, "blocks 9"]) -> Int[Array, "blocks others"]:
        found = values[:, :1]
        for run in range(1, 9):
            found = jnp.where(number >= runs.end[:, run - 1 : run], values[:, run : run + 1], found)
        return found

    return number + of_run(runs.rank), of_run(runs.start), of_run(runs.total)


def _differences(
    here: Float[Array, "blocks own"], there: Float[Array, "blocks others"]
) -> Float[Array, "blocks own others"]:
    return computed_once(there)[:, None, :] - computed_once(here)[:, :, None]
