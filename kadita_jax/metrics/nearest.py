"""How far the nearest fish are: among all or, in a large school, among those in near cells."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from kadita_jax.blocks import map_rows
from kadita_jax.candidates import map_blocks, pairs
from kadita_jax.capacity import MOST_COLUMNS, CellLayout
from kadita_jax.cells import FISH_PER_BLOCK, Blocks, arrange, fitting_layout
from kadita_jax.geometry import BoxSize, Components, components, pair_offsets
from kadita_jax.numerics import computed_once, count_true, safe_sqrt

N_NEAREST = 5
# In larger schools cells find the nearest sooner, though they must be told how far to look.
MOST_AMONG_ALL = 4096
# How far: the distance within which nearly all of so many fish have their nearest, and some more.
N_ASKED, NEARLY_ALL, SOME_MORE = 256, 0.98, 1.3

Position = Float[Array, "fish 3"]
# Which fish, and its place.
Rows = tuple[Int[Array, " rows"], Components]


def nearest_distances(
    position: Position, box_size: BoxSize, n_nearest: int = N_NEAREST
) -> Float[Array, "fish nearest"]:
    """Each fish's distances to its nearest fish, ascending; fewer columns when N is small.

    Exact for any N. Outside jit, vmap and grad more than 4,096 fish are looked for in cells, in
    time proportional to N; inside all pairs are measured.
    """
    n_nearest = min(n_nearest, len(position) - 1)
    if len(position) <= MOST_AMONG_ALL or isinstance(position, Tracer) or n_nearest == 0:
        return _among(position, jnp.arange(len(position)), position, box_size, n_nearest)
    radius = _far_enough(position, box_size, n_nearest)
    layout = fitting_layout(position, box_size, radius, MOST_COLUMNS // 4)
    if layout is None:
        return _among(position, jnp.arange(len(position)), position, box_size, n_nearest)
    return _in_cells(position, box_size, radius, layout, n_nearest)


def smallest(values: Float[Array, "*rows n"], n_smallest: int) -> Float[Array, "*rows smallest"]:
    """The smallest values of each row, ascending, as often as they occur.

    Found as distinct values, each with how many lie within it. `top_k` sorts whole rows, several
    times the cost.
    """
    distinct = [jnp.min(values, axis=-1)]
    for _ in range(n_smallest - 1):
        beyond = values > distinct[-1][..., None]
        distinct.append(jnp.min(jnp.where(beyond, values, jnp.inf), axis=-1))
    within = jnp.stack(count_true([values <= value[..., None] for value in distinct]))
    ranked = [
        jnp.min(jnp.where(within > rank, jnp.stack(distinct), jnp.inf), axis=0)
        for rank in range(n_smallest)
    ]
    return jnp.stack(ranked, axis=-1)


@partial(jax.jit, static_argnames="n_nearest")
def _among(
    position: Position,
    fish: Int[Array, " rows"],
    of: Float[Array, "rows 3"],
    box_size: BoxSize,
    n_nearest: int,
) -> Float[Array, "rows nearest"]:
    """Of some fish, by number and place, among all."""
    if n_nearest == 0:
        return of[:, :0]
    places, numbers = components(position), jnp.arange(len(position))

    def of_rows(rows: Rows) -> Float[Array, "rows nearest"]:
        one, place = rows
        x, y, z = pair_offsets(place, places, box_size)
        square = jnp.where(numbers[None, :] == one[:, None], jnp.inf, x * x + y * y + z * z)
        return smallest(computed_once(square), n_nearest)

    return safe_sqrt(map_rows(of_rows, (fish, components(of)), len(position)))


@partial(jax.jit, static_argnames="n_nearest")
def _far_enough(position: Position, box_size: BoxSize, n_nearest: int) -> Float[Array, ""]:
    asked = jnp.arange(0, len(position), len(position) // N_ASKED)
    distance = _among(position, asked, position[asked], box_size, n_nearest)
    return SOME_MORE * jnp.quantile(distance[:, -1], NEARLY_ALL)


@partial(jax.jit, static_argnames=("layout", "n_nearest"))
def _in_cells(
    position: Position,
    box_size: BoxSize,
    radius: Float[Array, ""],
    layout: CellLayout,
    n_nearest: int,
) -> Float[Array, "fish nearest"]:
    cells, _ = arrange(position, box_size, radius, layout)

    def of(n_candidates: int, blocks: Blocks) -> Float[Array, "blocks own nearest"]:
        own, other, (x, y, z) = pairs(cells.place, blocks, box_size, n_candidates)
        is_self = own[:, :, None] == other[:, None, :]
        square = jnp.where(is_self, jnp.inf, x * x + y * y + z * z)
        return smallest(computed_once(square), n_nearest)

    found = map_blocks(of, cells.blocks, layout, 1).reshape(-1, n_nearest)
    return _with_the_lonely(position, box_size, radius, safe_sqrt(found[cells.slot]))


def _with_the_lonely(
    position: Position,
    box_size: BoxSize,
    radius: Float[Array, ""],
    found: Float[Array, "fish nearest"],
) -> Float[Array, "fish nearest"]:
    """Those whose nearest are not all within the radius are measured against everyone."""
    is_lonely = ~(found[:, -1] <= radius)
    lonely = jnp.nonzero(is_lonely, size=len(position) + FISH_PER_BLOCK, fill_value=len(position))
    n_blocks = -(-jnp.sum(is_lonely) // FISH_PER_BLOCK)

    def measured(number: Int[Array, ""], found: Array) -> Array:
        fish = lax.dynamic_slice_in_dim(lonely[0], number * FISH_PER_BLOCK, FISH_PER_BLOCK)
        nearest = _among(position, fish, position[fish], box_size, found.shape[1])
        return found.at[fish].set(nearest, mode="drop")

    return lax.fori_loop(0, n_blocks, measured, found)
