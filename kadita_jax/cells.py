"""A cell list: who may be near whom in a large school, without asking every pair.

The space is cut into columns along x, at least one radius wide; the fish are sorted by column and
within it by x. Sixteen in a row are a block. All that may be near a block's fish stands in nine
runs of the sorted fish, one in its own and in each adjacent column, and is listed once for the
block: gathering a list for every fish would cost more than the pairs themselves.

A compiled program needs fixed sizes, the capacities of a `CellLayout`; what a school demands is
computed with the list. Where it exceeds them candidates are missing and the list must not be used.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from kadita_jax.capacity import (
    FEWEST_COLUMNS,
    MOST_COLUMNS,
    CellDemand,
    CellLayout,
    roomy,
    size_needed,
)
from kadita_jax.geometry import BoxSize, Components, components, wrap
from kadita_jax.numerics import tiny_length
from kadita_jax.shares import WHOLE, Share

FISH_PER_BLOCK = 16
# How finely the fish are sorted by x. One of MOST_COLUMNS squared and a slice of it fit 30 bits.
SLICES = 2**13


class Runs(NamedTuple):
    """The nine runs of the sorted fish that hold each block's candidates, as ranks in a column.

    A rank below 0 or from `total` on is an image on the other side of the box.

    **Attributes:**

    - `rank`: the run's first, less the candidates of the runs before it.
    - `end`: how many candidates there are up to the run's end.
    - `start`, `total`: where its column begins among the sorted fish, and how many it has.
    """

    rank: Int[Array, "blocks 9"]
    end: Int[Array, "blocks 9"]
    start: Int[Array, "blocks 9"]
    total: Int[Array, "blocks 9"]


class Blocks(NamedTuple):
    """Each block's first fish among the sorted, its column's middle (y, z) and its candidates."""

    first: Int[Array, " blocks"]
    middle: Float[Array, "blocks 2"]
    runs: Runs


class Cells(NamedTuple):
    """A school in the order of its cells.

    **Attributes:**

    - `fish`: the number of each sorted fish.
    - `place`: of the sorted fish, inside the box.
    - `slot`: where each fish, unsorted, stands in an array of all blocks' fish.
    - `blocks`: the list itself.
    """

    fish: Int[Array, " fish"]
    place: Components
    slot: Int[Array, " fish"]
    blocks: Blocks


def arrange(
    position: Float[Array, "fish 3"],
    box_size: BoxSize,
    radius: Float[Array, ""],
    layout: CellLayout,
    share: Share = WHOLE,
) -> tuple[Cells, CellDemand]:
    """The cell list of a school for pairs closer than a radius, and what it demands.

    The list is of the share's blocks alone; each fish's slot is that among all blocks' fish.
    """
    position = wrap(position, box_size)
    grid = _grid(position, box_size, radius, layout.n_columns)
    number = jnp.arange(len(position), dtype=jnp.int32)
    key, fish = lax.sort((_keys(position, grid), number), num_keys=1)
    columns = _search(key, SLICES * jnp.arange(layout.n_columns**2 + 1, dtype=jnp.int32))
    blocks = jnp.cumsum(-(-jnp.diff(columns) // FISH_PER_BLOCK), dtype=jnp.int32)
    order = _Order(key, columns, jnp.concatenate([jnp.zeros(1, jnp.int32), blocks]))
    dealt = _blocks(order, grid, share.dealt(layout.n_blocks), box_size)
    blocks, rank = _by_size(dealt, layout)
    slot = _slots(order, share.places(rank))
    slot = jnp.zeros_like(number).at[fish].set(slot, unique_indices=True)
    demand = CellDemand(grid.fitting, order.blocks[-1], share.most(jnp.max(blocks.runs.end)))
    return Cells(fish, components(position[fish]), slot, blocks), demand


def fitting_layout(
    position: Float[Array, "fish 3"],
    box_size: BoxSize,
    radius: Float[Array, ""],
    most_columns: int,
) -> CellLayout | None:
    """A layout for a school as it is, with room to spare; None where a list cannot serve.

    That is in a box of fewer than three radii a side, and where anything is traced.
    """
    provisional = CellLayout(most_columns, len(position) // FISH_PER_BLOCK + most_columns**2, 1)
    with jax.ensure_compile_time_eval():
        demand = _demand(position, box_size, radius, provisional)
        if isinstance(demand.n_columns, Tracer) or demand.n_columns < FEWEST_COLUMNS:
            return None
        return roomy(demand, most_columns)


@partial(jax.jit, static_argnames="layout")
def _demand(
    position: Float[Array, "fish 3"],
    box_size: BoxSize,
    radius: Float[Array, ""],
    layout: CellLayout,
) -> CellDemand:
    return arrange(position, box_size, radius, layout)[1]


class _Grid(NamedTuple):
    """Where the columns are, in y and z; `reach` is the radius in slices."""

    low: Float[Array, "3"]
    size: Float[Array, "3"]
    n_columns: Int[Array, "2"]
    reach: Int[Array, ""]
    fitting: Int[Array, ""]


class _Order(NamedTuple):
    """The sorted keys, where each column begins in them, and how many blocks are before it."""

    key: Int[Array, " fish"]
    columns: Int[Array, " columns"]
    blocks: Int[Array, " columns"]


def _grid(
    position: Float[Array, "fish 3"], box_size: BoxSize, radius: Float[Array, ""], most: int
) -> _Grid:
    radius = jnp.maximum(radius, tiny_length(position))
    if box_size is None:
        # One lost fish must not take the columns from all others.
        finite = jnp.isfinite(position)
        low = jnp.min(position, axis=0, where=finite, initial=jnp.inf)
        high = jnp.max(position, axis=0, where=finite, initial=-jnp.inf)
        size = jnp.maximum(high - low, radius)
    else:
        low, size = jnp.zeros(3, position.dtype), jnp.full(3, box_size)
    # Bounded, or rounding would be more than a column.
    ratio = jnp.minimum(size / radius, 2 * MOST_COLUMNS)
    # Columns are wider than the radius by more than the rounding of a place among them, which
    # could else put the fish of a pair two columns apart.
    fitting = ratio * (1 - 8 * jnp.finfo(ratio.dtype).eps * ratio)
    fitting = jnp.clip(fitting, 1, MOST_COLUMNS).astype(jnp.int32)
    reach = jnp.clip(jnp.ceil(SLICES / ratio[0]), 1, SLICES).astype(jnp.int32) + 1
    fewest = jnp.asarray(FEWEST_COLUMNS, jnp.int32) if box_size is None else jnp.min(fitting)
    return _Grid(low, size, jnp.minimum(fitting[1:], most), reach, fewest)


def _keys(position: Float[Array, "fish 3"], grid: _Grid) -> Int[Array, " fish"]:
    share = (position - grid.low[None, :]) / grid.size[None, :]
    count = jnp.append(SLICES, grid.n_columns)[None, :]
    x, y, z = jnp.clip((share * count).astype(jnp.int32), 0, count - 1).T
    return (y * grid.n_columns[1] + z) * SLICES + x


def _blocks(order: _Order, grid: _Grid, number: Int[Array, " blocks"], box_size: BoxSize) -> Blocks:
    column = jnp.clip(_search(order.blocks, number, "right") - 1, 0, len(order.columns) - 2)
    first = order.columns[column] + (number - order.blocks[column]) * FISH_PER_BLOCK
    last = jnp.minimum(first + FISH_PER_BLOCK, order.columns[column + 1]) - 1
    low = order.key[jnp.minimum(first, len(order.key) - 1)] % SLICES - grid.reach
    high = order.key[last] % SLICES + grid.reach + 1
    y_and_z = jnp.stack([column // grid.n_columns[1], column % grid.n_columns[1]], axis=-1)
    runs = _runs(order, grid, y_and_z, low, high, box_size)
    is_used = number < order.blocks[-1]
    runs = runs._replace(end=jnp.where(is_used[:, None], runs.end, 0))
    share = (y_and_z + 0.5).astype(grid.size.dtype) / grid.n_columns[None, :]
    return Blocks(first, grid.low[None, 1:] + share * grid.size[None, 1:], runs)


def _by_size(blocks: Blocks, layout: CellLayout) -> tuple[Blocks, Int[Array, " blocks"]]:
    """The blocks in the order of the sizes that they need, and where each stands in it.

    Within a size they stay as they are: neighbours in space share what a core's cache holds.
    """
    number = jnp.arange(len(blocks.first), dtype=jnp.int32)
    size = size_needed(blocks.runs.end[:, -1], layout)
    _, order = lax.sort((size, number), num_keys=1)
    rank = jnp.zeros_like(number).at[order].set(number, unique_indices=True)
    return jax.tree.map(lambda leaf: leaf[order], blocks), rank


def _slots(order: _Order, rank: Int[Array, " blocks"]) -> Int[Array, " fish"]:
    """Where each sorted fish stands in an array of all blocks' fish."""
    column = order.key // SLICES
    ahead = jnp.arange(len(order.key), dtype=jnp.int32) - order.columns[column]
    block = order.blocks[column] + ahead // FISH_PER_BLOCK
    return rank[block] * FISH_PER_BLOCK + ahead % FISH_PER_BLOCK


def _runs(
    order: _Order,
    grid: _Grid,
    y_and_z: Int[Array, "blocks 2"],
    low: Int[Array, " blocks"],
    high: Int[Array, " blocks"],
    box_size: BoxSize,
) -> Runs:
    """All between two slices, in the column itself and in the eight around it."""
    step = jnp.stack(jnp.meshgrid(jnp.arange(-1, 2), jnp.arange(-1, 2)), axis=-1).reshape(1, 9, 2)
    beside = y_and_z[:, None, :] + step.astype(jnp.int32)
    exists = jnp.all((beside >= 0) & (beside < grid.n_columns[None, None, :]), axis=-1)
    beside = beside % grid.n_columns[None, None, :]
    column = beside[..., 0] * grid.n_columns[1] + beside[..., 1]
    start, total = order.columns[column], order.columns[column + 1] - order.columns[column]
    if box_size is None:
        low, high = jnp.maximum(low, 0), jnp.minimum(high, SLICES)

    def rank(slice: Int[Array, " blocks"]) -> Int[Array, "blocks 9"]:
        turn = (slice // SLICES)[:, None]
        key = column * SLICES + slice[:, None] - turn * SLICES
        return turn * total + _search(order.key, key) - start

    begin, length = rank(low), rank(high) - rank(low)
    if box_size is None:
        length = jnp.where(exists, length, 0)
    end = jnp.cumsum(length, axis=1, dtype=jnp.int32)
    return Runs(begin - (end - length), end, start, total)


def _search(
    ordered: Int[Array, " n"], values: Int[Array, "*shape"], side: str = "left"
) -> Int[Array, "*shape"]:
    return jnp.searchsorted(ordered, values, side=side).astype(jnp.int32)
