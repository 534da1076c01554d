"""Mean and standard deviation of a series that is never kept, exact in single precision."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from kadita_jax.numerics import safe_sqrt
from kadita_jax.pytree import pytree


@pytree()
class Moments:
    """Of the values so far: how many, their mean and their sum of squared deviations.

    The last two are unevaluated sums of two floats: in one float the mean's rounding alone would
    cost a standard deviation of 1e-4 beside a mean of 1 half of its digits.
    """

    count: Int[Array, ""]
    mean_high: Float[Array, "*shape"]
    mean_low: Float[Array, "*shape"]
    square_high: Float[Array, "*shape"]
    square_low: Float[Array, "*shape"]

    @property
    def mean(self) -> Float[Array, "*shape"]:
        """The mean; 0 before the first value."""
        return self.mean_high + self.mean_low

    @property
    def std(self) -> Float[Array, "*shape"]:
        """The population standard deviation (ddof 0); 0 before the second value."""
        return safe_sqrt((self.square_high + self.square_low) / jnp.maximum(self.count, 1))


def no_moments(like: Float[Array, "*shape"]) -> Moments:
    """The moments of no values yet, of the shape and dtype of `like`."""
    zero = jnp.zeros_like(like)
    return Moments(jnp.zeros((), int), zero, zero, zero, zero)


def add_value(moments: Moments, value: Float[Array, "*shape"]) -> Moments:
    """The moments with one value more (Welford's update); a value of nan makes both nan."""
    count = moments.count + 1
    before = (value - moments.mean_high) - moments.mean_low
    mean = _add(moments.mean_high, moments.mean_low, before / count)
    after = (value - mean[0]) - mean[1]
    return Moments(count, *mean, *_add(moments.square_high, moments.square_low, before * after))


def _add(
    high: Float[Array, "*shape"], low: Float[Array, "*shape"], term: Float[Array, "*shape"]
) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    """high + low + term as a new pair, by Knuth's exact sum of two floats."""
    term = term + low
    total = high + term
    virtual = total - high
    return total, (high - (total - virtual)) + (term - virtual)
