"""All twelve metrics of a snapshot or a trajectory, checked at the edge."""

from functools import partial

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

from kadita_jax.arrays import vector_faults
from kadita_jax.blocks import map_frames
from kadita_jax.errors import Unchecked, refuse
from kadita_jax.geometry import BoxSize, wrap
from kadita_jax.metrics import entropies, order
from kadita_jax.metrics.convention import (
    bandwidth_faults,
    chosen_convention,
    convention_faults,
)
from kadita_jax.metrics.nearest import MOST_AMONG_ALL, nearest_distances
from kadita_jax.numerics import Blur, direction
from kadita_jax.parameters import parameter_faults
from kadita_jax.pytree import pytree


@pytree()
class Metrics:
    """The twelve metrics, one field per name; scalars, or (T,) for a trajectory."""

    polarization: Float[Array, "*time"]
    rotation: Float[Array, "*time"]
    spread: Float[Array, "*time"]
    order_index: Float[Array, "*time"]
    school_cohesion_entropy: Float[Array, "*time"]
    polarization_entropy: Float[Array, "*time"]
    depth_stratification_entropy: Float[Array, "*time"]
    angular_momentum_entropy: Float[Array, "*time"]
    nearest_neighbor_entropy: Float[Array, "*time"]
    velocity_correlation_entropy: Float[Array, "*time"]
    school_shape_entropy: Float[Array, "*time"]
    oceanic_schooling_index: Float[Array, "*time"]


def measure(
    position: ArrayLike | Unchecked,
    heading: ArrayLike | Unchecked,
    box_size: float | Float[Array, ""] | Unchecked | None,
    *,
    convention: str | Unchecked | None = None,
    bandwidth: float | Float[Array, ""] | Unchecked | None = None,
) -> Metrics:
    """All twelve metrics of one snapshot.

    **Arguments:**

    - `position`: shape (N, 3), bl; wrapped into the box first.
    - `heading`: shape (N, 3); normalised first, so velocities will do. A fish whose heading is
        shorter than the tiny length counts in N with a zero heading.
    - `box_size`: side of the periodic box, bl; None for open water.
    - `convention`: "reference", the paper's arithmetic, or "corrected"; None is the first in a
        box and the second in open water. There the paper's cohesion and depth entropies and its
        index are nan: their bins are fractions of the box. The corrected ones take the school's
        own extent.
    - `bandwidth`: half-width, in bins, of the rise by which each value moves from one bin of an
        entropy's histogram to the next, so that entropies have derivatives; they go to the exact
        ones with it. Needs "corrected": the paper's centroid and bins jump at the faces of the
        box. None counts every value in its bin; the derivatives of those counts are 0.

    **Returns:** scalars. All of them nan when any coordinate is not finite; with few fish some
    entropies are 0.5 ("reference") or nan ("corrected"). Exact but for the velocity-correlation
    entropy of more than 4,096 fish, which is told from a fixed sample of 2**20 pairs.

    **Raises:** `InvalidInputError` naming every faulty argument.
    """
    chosen = chosen_convention(convention, box_size)
    box_size, blur = _checked(position, heading, box_size, chosen, bandwidth, ndim=2)
    place = jnp.asarray(position, float), jnp.asarray(heading, float), box_size
    return _measure_one(*place, chosen, blur)


def measure_trajectory(
    position: ArrayLike | Unchecked,
    heading: ArrayLike | Unchecked,
    box_size: float | Float[Array, ""] | Unchecked | None,
    *,
    convention: str | Unchecked | None = None,
    bandwidth: float | Float[Array, ""] | Unchecked | None = None,
) -> Metrics:
    """`measure` of every frame: positions and headings (T, N, 3), every field (T,)."""
    chosen = chosen_convention(convention, box_size)
    box_size, blur = _checked(position, heading, box_size, chosen, bandwidth, ndim=3)
    frames = jnp.asarray(position, float), jnp.asarray(heading, float)
    if not _is_large(frames[0]):
        return _measure_frames(*frames, box_size, chosen, blur)
    each = zip(*frames, strict=True)
    found = [_measure_one(*frame, box_size, chosen, blur) for frame in each]
    return jax.tree.map(lambda *values: jnp.stack(values), *found)


def _checked(
    position: Unchecked,
    heading: Unchecked,
    box_size: Unchecked,
    convention: Unchecked,
    bandwidth: Unchecked,
    ndim: int,
) -> tuple[BoxSize, Blur | None]:
    arrays = {"position": position, "heading": heading}
    faults = vector_faults(arrays, ndim, finite=False) + convention_faults(convention)
    faults += bandwidth_faults(bandwidth, convention)
    if not isinstance(box_size, Tracer):
        faults += parameter_faults({"box_size": box_size})
    refuse("cannot measure", faults)
    box_size = None if box_size is None else jnp.asarray(box_size, float)
    return box_size, None if bandwidth is None else Blur(jnp.asarray(bandwidth, float))


def _is_large(position: Float[Array, "*frame 3"]) -> bool:
    """Whether the nearest are better looked for in cells, whose capacities must be known."""
    return position.shape[-2] > MOST_AMONG_ALL and not isinstance(position, Tracer)


def _measure_one(
    position: Float[Array, "fish 3"],
    heading: Float[Array, "fish 3"],
    box_size: BoxSize,
    convention: str,
    blur: Blur | None,
) -> Metrics:
    nearest = None
    if _is_large(position):
        # A fish without a place makes all metrics nan; looking for those near it takes long.
        somewhere = jnp.where(jnp.isfinite(position), position, 0.0)
        nearest = nearest_distances(somewhere, box_size)
    return _measure(position, heading, box_size, convention, blur, nearest)


@partial(jax.jit, static_argnames="convention")
def _measure_frames(
    position: Float[Array, "time fish 3"],
    heading: Float[Array, "time fish 3"],
    box_size: BoxSize,
    convention: str,
    blur: Blur | None,
) -> Metrics:
    def one(frame: tuple[Array, Array]) -> Metrics:
        return _measure(*frame, box_size, convention, blur)

    return map_frames(one, (position, heading), position.shape[1] ** 2)


@partial(jax.jit, static_argnames="convention")
def _measure(
    position: Float[Array, "fish 3"],
    heading: Float[Array, "fish 3"],
    box_size: BoxSize,
    convention: str,
    blur: Blur | None,
    nearest: Float[Array, "fish nearest"] | None = None,
) -> Metrics:
    # What is no number stays so, where `direction` would make it a fish without heading.
    position, heading = wrap(position, box_size), direction(heading, 0.0 * heading)
    place, swim = (position, box_size, convention), (position, heading, box_size, convention)
    polarization, rotation = order.polarization(heading), order.rotation(*swim)
    if nearest is None:
        nearest = nearest_distances(position, box_size)
    seven = {
        "school_cohesion_entropy": entropies.school_cohesion_entropy(
            nearest, box_size, convention, blur
        ),
        "polarization_entropy": entropies.polarization_entropy(heading, convention, blur),
        "depth_stratification_entropy": entropies.depth_stratification_entropy(*place, blur),
        "angular_momentum_entropy": entropies.angular_momentum_entropy(*swim, blur),
        "nearest_neighbor_entropy": entropies.nearest_neighbor_entropy(nearest, convention, blur),
        "velocity_correlation_entropy": entropies.velocity_correlation_entropy(
            heading, convention, blur
        ),
        "school_shape_entropy": entropies.school_shape_entropy(*place),
    }
    found = Metrics(
        polarization=polarization,
        rotation=rotation,
        spread=order.spread(*place),
        order_index=jnp.maximum(polarization, rotation),
        **seven,
        oceanic_schooling_index=entropies.oceanic_schooling_index(seven),
    )
    is_finite = jnp.all(jnp.isfinite(position) & jnp.isfinite(heading))
    return jax.tree.map(lambda metric: jnp.where(is_finite, metric, jnp.nan), found)
