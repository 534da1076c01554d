"""One histogram and one normalised entropy, for all seven."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from kadita_jax.metrics.convention import REFERENCE, undefined
from kadita_jax.numerics import Blur, computed_once, count_true, entropy_term, exceeds

Limit = float | Float[Array, ""]


def histogram(
    values: Float[Array, " n"], low: Limit, high: Limit, n_bins: int, blur: Blur | None = None
) -> Int[Array, " {n_bins}"] | Float[Array, " {n_bins}"]:
    """Counts in equal bins as numpy's: left edge in, the last bin's right edge in, rest dropped.

    With a blur, in widths of a bin, each value counts by how far it lies beyond one inner edge and
    not beyond the next.
    """
    if blur is not None:
        return row_histograms(values[None, :], low, high, n_bins, blur)[0]
    return jnp.sum(membership(values, low, high, n_bins), axis=1, dtype=int)


def row_histograms(
    values: Float[Array, "rows n"],
    low: Limit,
    high: Limit,
    n_bins: int,
    blur: Blur | None = None,
) -> Int[Array, "rows {n_bins}"] | Float[Array, "rows {n_bins}"]:
    """The `histogram` of every row, without an array for each bin."""
    values = computed_once(values)
    edges = _edges(values, low, high, n_bins)[:-1]
    if blur is None:
        beyond = count_true([*(values >= edge for edge in edges), values > high])
        return -jnp.diff(jnp.stack(beyond, axis=-1), axis=-1)
    blur = blur.scaled((high - low) / n_bins)
    inside = ((values >= low) & (values <= high)).astype(values.dtype)
    # In one expression over all edges: one for each would take twenty times as long to compile.
    beyond = exceeds(values[:, None, :], edges[None, 1:, None], blur)
    within = [jnp.sum(inside, axis=-1)[:, None], jnp.sum(inside[:, None, :] * beyond, axis=-1)]
    return -jnp.diff(jnp.concatenate(within, axis=-1), axis=-1, append=0)


def membership(
    values: Float[Array, " n"], low: Limit, high: Limit, n_bins: int
) -> Bool[Array, "{n_bins} n"]:
    """Which bin of `histogram` each value falls into; no bin for a value outside."""
    edges = _edges(values, low, high, n_bins)[:, None]
    is_last = np.arange(n_bins)[:, None] == n_bins - 1
    inside = (values[None, :] < edges[1:]) | (is_last & (values[None, :] == edges[1:]))
    return (values[None, :] >= edges[:-1]) & inside


def _edges(
    values: Float[Array, "*shape"], low: Limit, high: Limit, n_bins: int
) -> Float[Array, " {n_bins}+1"]:
    # Comparing with the edges, as numpy does: floor(x n / range) puts some values elsewhere.
    if isinstance(low, float) and isinstance(high, float):
        # Known while tracing: constants need no kernels, which take most of compiling.
        return jnp.asarray(np.linspace(low, high, n_bins + 1), values.dtype)
    step = (jnp.asarray(high, values.dtype) - low) / n_bins
    inner = low + step * jnp.arange(n_bins, dtype=values.dtype)
    return jnp.append(inner, high)


def normalized_entropy(
    weights: Float[Array, " bins"] | Int[Array, " bins"],
    n_values: Float[Array, ""] | Int[Array, ""],
    convention: str,
    like: Float[Array, "..."],
) -> Float[Array, ""]:
    """Shannon entropy of weights in units of its largest value, in [0, 1].

    -sum p log p / log B over B bins; under "corrected" divided by min(log B, log n) instead,
    since n values cannot fill more than n bins. Undefined (see `undefined`) for an empty
    histogram, and under "corrected" for a single value.

    **Arguments:**

    - `weights`: counts, or weighted counts, of B bins.
    - `n_values`: n, how many values were counted.
    - `convention`: "reference" or "corrected".
    - `like`: an array whose dtype the result takes.
    """
    weights = weights.astype(like.dtype)
    total = jnp.sum(weights)
    entropy = jnp.sum(entropy_term(weights / jnp.where(total > 0, total, 1.0)))
    largest = jnp.log(jnp.asarray(weights.size, like.dtype))
    if convention == REFERENCE:
        is_defined = total > 0
    else:
        is_defined = n_values > 1
        largest = jnp.minimum(largest, jnp.log(jnp.maximum(n_values, 2).astype(like.dtype)))
    return jnp.where(is_defined, jnp.clip(entropy / largest, 0, 1), undefined(convention, like))


def histogram_entropy(
    values: Float[Array, " n"],
    low: Limit,
    high: Limit,
    n_bins: int,
    convention: str,
    blur: Blur | None = None,
) -> Float[Array, ""]:
    """`normalized_entropy` of the `histogram` of some values."""
    counts = histogram(values, low, high, n_bins, blur)
    return normalized_entropy(counts, jnp.sum(counts), convention, values)
