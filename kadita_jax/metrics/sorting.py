"""Which fish swim where in the school: rank correlations of what they are with their places.

Couzin et al. 2002, J. theor. Biol. 218, 1-11: fish that differ in speed, turning or zones sort
themselves within a school, so that what a fish is tells its place.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

from kadita_jax.arrays import vector_faults
from kadita_jax.errors import Fault, Unchecked, refuse
from kadita_jax.geometry import BoxSize, wrap
from kadita_jax.metrics.convention import CORRECTED
from kadita_jax.metrics.order import Heading, Position, from_centroid
from kadita_jax.numerics import direction, norm, tiny_length
from kadita_jax.parameters import as_numbers, parameter_faults
from kadita_jax.pytree import pytree

PerFish = Float[Array, " fish"]
# Two fish that differ are always in full order, or in full reverse.
FEWEST = 3


@pytree()
class Sorting:
    """Rank correlations of a number of each fish with its place, in [-1, 1]; scalars.

    **Attributes:**

    - `front`: with how far ahead of the centroid it swims, along the mean heading: positive where
        fish of larger values are in front.
    - `centre`: with how close to the centroid it is: positive where they are nearer the centre.
    """

    front: Float[Array, ""]
    centre: Float[Array, ""]


def sorting(
    position: ArrayLike | Unchecked,
    heading: ArrayLike | Unchecked,
    box_size: float | Float[Array, ""] | Unchecked | None,
    value: ArrayLike | Unchecked,
) -> Sorting:
    """How a school is sorted by one number of each fish, such as its speed.

    **Arguments:**

    - `position`: shape (N, 3), bl; wrapped into the box first. The centroid is the corrected
        convention's, which follows a school across the faces of the box.
    - `heading`: shape (N, 3); normalised first, so velocities will do.
    - `box_size`: side of the periodic box, bl; None for open water.
    - `value`: shape (N,), finite. Only its order counts; fish of equal values share the mean of
        their ranks.

    **Returns:** nan where there is nothing to sort: fewer than three fish, one value for all, all
    in one place as far as rounding can tell, or for `front` no mean heading (shorter than the tiny
    length); both nan when any coordinate is not finite. Derivatives are 0.

    **Raises:** `InvalidInputError` naming every faulty argument.
    """
    faults = vector_faults({"position": position, "heading": heading}, 2, finite=False)
    n_fish = None if faults else np.shape(position)[0]
    if not isinstance(box_size, Tracer):
        faults += parameter_faults({"box_size": box_size})
    refuse("cannot tell how the school is sorted", faults + _value_faults(value, n_fish))
    box_size = None if box_size is None else jnp.asarray(box_size, float)
    arrays = (jnp.asarray(array, float) for array in (position, heading, value))
    return _sorting(*arrays, box_size)


def rank_correlation(a: PerFish, b: PerFish) -> Float[Array, ""]:
    """Spearman's rank correlation, in [-1, 1]; equal values share the mean of their ranks.

    nan for fewer than three values, where either's are all equal, and where any is nan. Its
    derivative is 0.
    """
    a_rank, b_rank = _centred_ranks(a), _centred_ranks(b)
    square = jnp.sum(a_rank * a_rank) * jnp.sum(b_rank * b_rank)
    has_nan = jnp.any(jnp.isnan(a) | jnp.isnan(b))
    is_defined = (square > 0) & (len(a) >= FEWEST) & ~has_nan
    cosine = jnp.sum(a_rank * b_rank) / jnp.sqrt(jnp.where(is_defined, square, 1.0))
    return jnp.where(is_defined, jnp.clip(cosine, -1.0, 1.0), jnp.nan)


def _centred_ranks(values: PerFish) -> PerFish:
    """Ranks from their mean on, in units of N; exactly 0 where all values are equal."""
    ascending, n_fish = jnp.sort(values), len(values)
    below = jnp.searchsorted(ascending, values, side="left")
    not_above = jnp.searchsorted(ascending, values, side="right")
    return (below + not_above - n_fish).astype(values.dtype) / (2 * n_fish)


def _value_faults(value: Unchecked, n_fish: int | None) -> list[Fault]:
    numbers = value if isinstance(value, Tracer) else as_numbers(value)
    if numbers is None or numbers.ndim != 1 or n_fish not in (None, len(numbers)):
        got = value if numbers is None else f"shape {numbers.shape}"
        return [Fault("value", "must hold one number for each fish, shape (N,)", got)]
    if isinstance(numbers, Tracer) or np.all(np.isfinite(numbers)):
        return []
    return [Fault("value", "must hold finite numbers only", value)]


@jax.jit
def _sorting(position: Position, heading: Heading, value: PerFish, box_size: BoxSize) -> Sorting:
    # A heading of nan stays one, where it would else count as none.
    position, heading = wrap(position, box_size), direction(heading, 0.0 * heading)
    offset = from_centroid(position, box_size, CORRECTED)
    ahead = jnp.sum(offset * direction(jnp.mean(heading, axis=0))[None, :], axis=-1)
    is_finite = jnp.all(jnp.isfinite(position) & jnp.isfinite(heading))
    # Fish abreast, or all as far from the centroid, differ by rounding: no order to correlate.
    rounding = tiny_length(position) * jnp.max(jnp.abs(position))

    def with_place(place: PerFish) -> Float[Array, ""]:
        is_told = is_finite & (jnp.ptp(place) > rounding)
        return jnp.where(is_told, rank_correlation(value, place), jnp.nan)

    return Sorting(front=with_place(ahead), centre=with_place(-norm(offset)))
