"""How alike the fish of each pair swim, counted over all pairs or a sample of them."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Num

from kadita_jax.blocks import map_rows
from kadita_jax.geometry import Components, components
from kadita_jax.metrics.histogram import row_histograms
from kadita_jax.numerics import Blur
from kadita_jax.threefry import NAME, random_words

# All pairs of up to so many fish are counted, 2**23 of them; of more fish a sample.
MOST_IN_FULL = 4096
# An entropy told by 2**20 pairs has a standard error below 0.001.
N_SAMPLED = 2**20
SAMPLE_SEED = 0

Heading = Float[Array, "fish 3"]


def pair_counts(
    heading: Heading, n_bins: int, blur: Blur | None = None
) -> Int[Array, " {n_bins}"] | Float[Array, " {n_bins}"]:
    """The histogram of (u_i . u_j + 1) / 2 over [0, 1], over pairs of different fish.

    Over all pairs of up to 4,096 fish. Of more, over 2**20 pairs: each fish as often as the
    others, or where there are more fish than pairs at even distances, with another fish drawn
    from a fixed seed.
    """
    if len(heading) <= MOST_IN_FULL:
        return jnp.sum(_of_all(heading, n_bins, blur), axis=0)
    first, second = sampled_pairs(len(heading))
    cosine = jnp.sum(heading[first] * heading[second], axis=-1).reshape(-1, MOST_IN_FULL)
    in_rows = map_rows(lambda rows: _histograms(rows, n_bins, blur), cosine, MOST_IN_FULL)
    return jnp.sum(in_rows, axis=0)


def sampled_pairs(n_fish: int) -> tuple[Int[Array, " pairs"], Int[Array, " pairs"]]:
    """The numbers of the fish of each sampled pair."""
    number = jnp.arange(N_SAMPLED, dtype=jnp.uint32)
    first = number % n_fish if n_fish <= N_SAMPLED else number * (n_fish // N_SAMPLED)
    key = jax.random.key(SAMPLE_SEED, impl=NAME)
    words = random_words(key, (N_SAMPLED,), 32)
    # The remainder of a 32-bit word favours no fish by more than N / 2**32.
    second = (first + 1 + words % (n_fish - 1)) % n_fish
    return first.astype(jnp.int32), second.astype(jnp.int32)


def _of_all(
    heading: Heading, n_bins: int, blur: Blur | None
) -> Int[Array, "fish {n_bins}"] | Float[Array, "fish {n_bins}"]:
    fish, headings = jnp.arange(len(heading)), components(heading)

    def of(rows: tuple[Int[Array, " rows"], Components]) -> Num[Array, "rows bins"]:
        one, own = rows
        x, y, z = (u[:, None] * other[None, :] for u, other in zip(own, headings, strict=True))
        is_pair = one[:, None] < fish[None, :]
        return _histograms(jnp.where(is_pair, x + y + z, -jnp.inf), n_bins, blur)

    return map_rows(of, (fish, headings), len(heading))


def _histograms(
    cosine: Float[Array, "rows n"], n_bins: int, blur: Blur | None
) -> Int[Array, "rows {n_bins}"] | Float[Array, "rows {n_bins}"]:
    """Of each row's cosines; none of what is minus infinite."""
    correlation = jnp.where(cosine == -jnp.inf, -1.0, jnp.clip((cosine + 1) / 2, 0, 1))
    return row_histograms(correlation, 0.0, 1.0, n_bins, blur)
