"""The seven entropies of one snapshot: each says which values go into which bins.

All are in [0, 1], 0 is order and 1 disorder; with too few fish 0.5 under "reference" and nan
under "corrected". Published in arXiv 2602.07948; the corrections are told in
`kadita_jax.metrics.convention`. Arguments of all:

- `position`: shape (N, 3), bl, inside the box; `measure` wraps, these do not.
- `heading`: shape (N, 3), unit vectors; `measure` normalises, these do not.
- `nearest`: shape (N, 5), fewer columns for fewer fish: `nearest_distances`, bl.
- `box_size`: side of the periodic box, bl, as an array; None for open water.
- `convention`: "reference" or "corrected".
- `blur`: spreads each value over neighbouring bins, in widths of a bin, so that the entropy has
  derivatives; None counts each value in its bin.
"""

from collections.abc import Mapping
from types import MappingProxyType

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from kadita_jax.geometry import BoxSize, circular_centre, unwrap
from kadita_jax.metrics.convention import REFERENCE, undefined, without_box
from kadita_jax.metrics.histogram import histogram_entropy, membership, normalized_entropy
from kadita_jax.metrics.nearest import N_NEAREST
from kadita_jax.metrics.order import Heading, Position, angular_momentum, from_centroid
from kadita_jax.metrics.pairs import pair_counts
from kadita_jax.numerics import Blur, direction, eigenvalues, entropy_term, norm, safe_sqrt

Nearest = Float[Array, "fish nearest"]

OSI_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "school_cohesion_entropy": 0.18,
        "polarization_entropy": 0.28,
        "depth_stratification_entropy": 0.08,
        "angular_momentum_entropy": 0.08,
        "nearest_neighbor_entropy": 0.10,
        "velocity_correlation_entropy": 0.18,
        "school_shape_entropy": 0.10,
    }
)


# With fewer fish an entropy is undefined.
FEWEST_FISH: Mapping[str, int] = MappingProxyType(
    {
        "school_cohesion_entropy": 2,
        "angular_momentum_entropy": 3,
        "nearest_neighbor_entropy": N_NEAREST + 1,
        "velocity_correlation_entropy": 2,
        "school_shape_entropy": 4,
    }
)


def school_cohesion_entropy(
    nearest: Nearest, box_size: BoxSize, convention: str = REFERENCE, blur: Blur | None = None
) -> Float[Array, ""]:
    """Of the distance to the nearest neighbour; 25 bins, needs 2 fish.

    Over [0, L/2], nan in open water; under "corrected" over [0, sqrt(3) L/2], so that none is
    dropped, and in open water over [0, the school's largest such distance].
    """
    if nearest.shape[0] < FEWEST_FISH["school_cohesion_entropy"]:
        return undefined(convention, nearest)
    distance = nearest[:, 0]
    if convention == REFERENCE:
        if box_size is None:
            return without_box(nearest)
        return histogram_entropy(distance, 0.0, box_size / 2, 25, convention, blur)
    reach = jnp.max(distance) if box_size is None else 0.5 * 3**0.5 * box_size
    # The largest distance possible may round beyond the range that it defines.
    return histogram_entropy(jnp.minimum(distance, reach), 0.0, reach, 25, convention, blur)


def polarization_entropy(
    heading: Heading, convention: str = REFERENCE, blur: Blur | None = None
) -> Float[Array, ""]:
    """Of the headings over the sphere.

    Under "reference" 12 polar x 24 azimuthal bins, counts times the sine of the polar bin's
    centre (an isotropic school scores 0.946, and the value depends on the direction swum). Under
    "corrected" the cosine to the mean heading in 24 equal bins of [-1, 1], equal areas of the
    sphere: invariant under rotation, 1 when isotropic; nan when the mean heading vanishes.
    """
    if convention == REFERENCE:
        return _heading_map_entropy(heading)
    mean = direction(jnp.mean(heading, axis=0))
    cosine = jnp.clip(jnp.sum(heading * mean[None, :], axis=-1), -1, 1)
    entropy = histogram_entropy(cosine, -1.0, 1.0, 24, convention, blur)
    return jnp.where(norm(mean) > 0, entropy, undefined(convention, heading))


def _heading_map_entropy(heading: Heading) -> Float[Array, ""]:
    polar = jnp.arccos(jnp.clip(heading[:, 2], -1, 1))
    azimuth = jnp.arctan2(heading[:, 1], heading[:, 0]) + jnp.pi
    in_polar = membership(polar, 0.0, np.pi, 12).astype(heading.dtype)
    in_azimuth = membership(azimuth, 0.0, 2 * np.pi, 24).astype(heading.dtype)
    counts = jnp.matmul(in_polar, in_azimuth.T, precision="highest")
    centre = (np.arange(12) + 0.5) * (np.pi / 12)
    weights = counts * jnp.asarray(np.sin(centre), heading.dtype)[:, None]
    return normalized_entropy(weights.ravel(), jnp.sum(counts), REFERENCE, heading)


def depth_stratification_entropy(
    position: Position, box_size: BoxSize, convention: str = REFERENCE, blur: Blur | None = None
) -> Float[Array, ""]:
    """Of the depth z; 15 bins over [0, L], nan in open water.

    Under "corrected" the depth relative to the school's circular centre, over [-L/2, L/2]; in
    open water relative to its mean, over the school's own extent.
    """
    if convention == REFERENCE:
        if box_size is None:
            return without_box(position)
        return histogram_entropy(position[:, 2], 0.0, box_size, 15, convention, blur)
    depth = unwrap(position, circular_centre(position, box_size), box_size)[:, 2]
    if box_size is None:
        low, high = jnp.min(depth), jnp.max(depth)
    else:
        low, high = -box_size / 2, box_size / 2
    # Where XLA computes a depth twice, the two may round to either side of the end that it sets.
    return histogram_entropy(jnp.clip(depth, low, high), low, high, 15, convention, blur)


def angular_momentum_entropy(
    position: Position,
    heading: Heading,
    box_size: BoxSize,
    convention: str = REFERENCE,
    blur: Blur | None = None,
) -> Float[Array, ""]:
    """Of |c_i x u_i|, c_i the unit vector from the centroid; 20 bins over [0, 1], needs 3 fish."""
    if position.shape[0] < FEWEST_FISH["angular_momentum_entropy"]:
        return undefined(convention, position)
    size = jnp.clip(norm(angular_momentum(position, heading, box_size, convention)), 0, 1)
    return histogram_entropy(size, 0.0, 1.0, 20, convention, blur)


def nearest_neighbor_entropy(
    nearest: Nearest, convention: str = REFERENCE, blur: Blur | None = None
) -> Float[Array, ""]:
    """Of how unevenly spaced each fish's 5 nearest are; 20 bins over [0, 2], needs 6 fish.

    The value is the coefficient of variation, population std / mean, of the 5 distances; its
    largest possible value is sqrt(5 - 1).
    """
    if nearest.shape[0] < FEWEST_FISH["nearest_neighbor_entropy"]:
        return undefined(convention, nearest)
    # The paper's guard against a mean of 0; part of the value, so it stays in both conventions.
    variation = safe_sqrt(jnp.var(nearest, axis=-1)) / (jnp.mean(nearest, axis=-1) + 1e-10)
    return histogram_entropy(jnp.clip(variation, 0, 2), 0.0, 2.0, 20, convention, blur)


def velocity_correlation_entropy(
    heading: Heading, convention: str = REFERENCE, blur: Blur | None = None
) -> Float[Array, ""]:
    """Of (u_i . u_j + 1) / 2 over all pairs; 20 bins over [0, 1], needs 2 fish.

    Of more than 4,096 fish over a fixed sample of 2**20 pairs.
    """
    if heading.shape[0] < FEWEST_FISH["velocity_correlation_entropy"]:
        return undefined(convention, heading)
    counts = pair_counts(heading, 20, blur)
    return normalized_entropy(counts, jnp.sum(counts), convention, heading)


def school_shape_entropy(
    position: Position, box_size: BoxSize, convention: str = REFERENCE
) -> Float[Array, ""]:
    """Of the shares of the covariance's three eigenvalues; 1 for a ball, 0 for a line.

    Sample covariance (N - 1) of the positions, eigenvalues floored at 1e-10, entropy in units of
    log 3; needs 4 fish.
    """
    n_fish = position.shape[0]
    if n_fish < FEWEST_FISH["school_shape_entropy"]:
        return undefined(convention, position)
    offset = from_centroid(position, box_size, convention)
    covariance = jnp.einsum("ni,nj->ij", offset, offset, precision="highest") / (n_fish - 1)
    eigenvalue = jnp.maximum(eigenvalues(covariance), 1e-10)
    return jnp.sum(entropy_term(eigenvalue / jnp.sum(eigenvalue))) / jnp.log(3.0)


def oceanic_schooling_index(entropies: Mapping[str, Float[Array, ""]]) -> Float[Array, ""]:
    """OSI = sum over the seven of `OSI_WEIGHTS` times the entropy; nan when any is nan."""
    return jnp.sum(jnp.stack([w * entropies[name] for name, w in OSI_WEIGHTS.items()]))
