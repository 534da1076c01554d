"""Work cut into blocks that a core's cache, or a GPU's memory, can hold."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

Tree = TypeVar("Tree")
Result = TypeVar("Result")

# Pairs worked on at a time on CPU: what is kept of them between two passes (offsets, nearness)
# then fits a core's own cache. Measured in bench/scaling.py: 1.1 ns a pair of 4,000 fish, 18 for
# all of them at once.
CACHED_PAIRS = 2**13
# Elsewhere enough to keep a GPU busy, within bounded memory.
BATCH_PAIRS = 2**24


def map_rows(function: Callable[[Tree], Result], rows: Tree, pairs_per_row: int) -> Result:
    """Apply `function` to the rows (leading axis of every leaf) block by block.

    The function must treat every row alone: its leaves keep the rows as their leading axis.
    """
    return lax.platform_dependent(
        rows,
        cpu=partial(_map_blocks, function, most=max(1, round(CACHED_PAIRS / pairs_per_row))),
        default=partial(_map_blocks, function, most=max(1, BATCH_PAIRS // pairs_per_row)),
    )


def map_frames(function: Callable[[Tree], Result], frames: Tree, pairs_per_frame: int) -> Result:
    """Apply `function` to each entry along the leading axis.

    One at a time on CPU, where batches gained no time and only take memory; in batches of about
    2**24 pairs elsewhere, to give a GPU enough to do within bounded memory.
    """
    batch = max(1, BATCH_PAIRS // max(1, pairs_per_frame))
    return lax.platform_dependent(
        frames,
        cpu=lambda xs: lax.map(function, xs),
        default=lambda xs: lax.map(function, xs, batch_size=batch),
    )


def _map_blocks(function: Callable[[Tree], Result], rows: Tree, *, most: int) -> Result:
    """In equal blocks of about `most` rows, the last filled up with copies of the last row."""
    n_rows = len(jax.tree.leaves(rows)[0])
    size = -(-n_rows // max(1, round(n_rows / most)))
    n_blocks = -(-n_rows // size)
    if n_blocks == 1:
        return function(rows)

    def cut(leaf: Array) -> Array:
        filler = jnp.broadcast_to(leaf[-1:], (n_blocks * size - n_rows, *leaf.shape[1:]))
        return jnp.concatenate([leaf, filler]).reshape(n_blocks, size, *leaf.shape[1:])

    blocks = lax.map(function, jax.tree.map(cut, rows))
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:])[:n_rows], blocks)
