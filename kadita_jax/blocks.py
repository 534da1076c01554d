"""Work cut into blocks that a core's cache, or a GPU's memory, can hold."""

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from kadita_jax.numerics import on_cpu

Tree = TypeVar("Tree")
Result = TypeVar("Result")

# Floats kept between two passes over a block: on CPU they fit a core's own cache. What a pair then
# takes at any N is in the table of bench/scaling.py.
CACHED_FLOATS = 2**16
# Elsewhere enough to keep a GPU busy, within bounded memory.
BATCH_FLOATS = 2**27
BATCH_PAIRS = 2**24


def map_rows(function: Callable[[Tree], Result], rows: Tree, floats_per_row: int) -> Result:
    """Apply `function` to the rows (leading axis of every leaf) block by block.

    The function must treat every row alone: its leaves keep the rows as their leading axis.
    """
    most = max(1, round(block_floats() / floats_per_row))
    n_rows = len(jax.tree.leaves(rows)[0])
    size = -(-n_rows // max(1, round(n_rows / most)))
    n_blocks = -(-n_rows // size)
    if n_blocks == 1:
        return function(rows)

    def cut(leaf: Array) -> Array:
        # The last block is filled up with copies of the last row.
        filler = jnp.broadcast_to(leaf[-1:], (n_blocks * size - n_rows, *leaf.shape[1:]))
        return jnp.concatenate([leaf, filler]).reshape(n_blocks, size, *leaf.shape[1:])

    blocks = lax.map(function, jax.tree.map(cut, rows))
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:])[:n_rows], blocks)


def map_frames(function: Callable[[Tree], Result], frames: Tree, pairs_per_frame: int) -> Result:
    """Apply `function` to each entry along the leading axis.

    One at a time on CPU, where batches gained no time and only take memory; in batches of about
    2**24 pairs elsewhere, to give a GPU enough to do within bounded memory.
    """
    if on_cpu():
        return lax.map(function, frames)
    return lax.map(function, frames, batch_size=max(1, BATCH_PAIRS // max(1, pairs_per_frame)))


def block_floats(backend: str | None = None) -> int:
    """How many floats a block keeps on a backend; None is the one that jax computes on here."""
    is_cpu = on_cpu() if backend is None else backend == "cpu"
    return CACHED_FLOATS if is_cpu else BATCH_FLOATS
