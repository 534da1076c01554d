"""What the entropies need of pairs of fish: who is nearest, who swims alike."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from kadita_jax.blocks import map_rows
from kadita_jax.geometry import BoxSize, Components, components, pair_offsets
from kadita_jax.metrics.histogram import row_histograms
from kadita_jax.numerics import computed_once, count_true, safe_sqrt

N_NEAREST = 5

# Which fish, and its place or heading.
Rows = tuple[Int[Array, " rows"], Components]


def nearest_distances(
    position: Float[Array, "fish 3"], box_size: BoxSize, n_nearest: int = N_NEAREST
) -> Float[Array, "fish nearest"]:
    """Each fish's distances to its nearest fish, ascending; fewer columns when N is small."""
    n_fish, places = len(position), components(position)
    fish = jnp.arange(n_fish)
    n_nearest = min(n_nearest, n_fish - 1)
    if n_nearest == 0:
        return position[:, :0]

    def of(rows: Rows) -> Float[Array, "rows nearest"]:
        one, place = rows
        x, y, z = pair_offsets(place, places, box_size)
        square = jnp.where(fish[None, :] == one[:, None], jnp.inf, x * x + y * y + z * z)
        return smallest(computed_once(square), n_nearest)

    return safe_sqrt(map_rows(of, (fish, places), n_fish))


def smallest(values: Float[Array, "rows n"], n_smallest: int) -> Float[Array, "rows smallest"]:
    """The smallest values of each row, ascending, as often as they occur.

    Found as distinct values, each with how many lie within it. `top_k` sorts whole rows, several
    times the cost.
    """
    distinct = [jnp.min(values, axis=1)]
    for _ in range(n_smallest - 1):
        beyond = values > distinct[-1][:, None]
        distinct.append(jnp.min(jnp.where(beyond, values, jnp.inf), axis=1))
    within = jnp.stack(count_true([values <= value[:, None] for value in distinct]))
    ranked = [
        jnp.min(jnp.where(within > rank, jnp.stack(distinct), jnp.inf), axis=0)
        for rank in range(n_smallest)
    ]
    return jnp.stack(ranked, axis=-1)


def pair_counts(heading: Float[Array, "fish 3"], n_bins: int) -> Int[Array, " {n_bins}"]:
    """The histogram of (u_i . u_j + 1) / 2 over all pairs of fish, over [0, 1]."""
    n_fish, headings = len(heading), components(heading)
    fish = jnp.arange(n_fish)

    def of(rows: Rows) -> Int[Array, "rows bins"]:
        one, own = rows
        cosine = sum(u[:, None] * other[None, :] for u, other in zip(own, headings, strict=True))
        correlation = jnp.clip((cosine + 1) / 2, 0, 1)
        is_pair = one[:, None] < fish[None, :]
        return row_histograms(jnp.where(is_pair, correlation, -1.0), 0.0, 1.0, n_bins)

    return jnp.sum(map_rows(of, (fish, headings), n_fish), axis=0)
