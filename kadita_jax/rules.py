"""What one fish does: its zones, its desired direction, its turn and its noise.

The rule for one pair stands once, in `pair_terms`; who is summed over is decided in
`kadita_jax.neighbours`. Pairs are written component by component, because XLA fuses sums over
three flat arrays where an array of vectors would be written to memory.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from kadita_jax.draws import normal
from kadita_jax.geometry import Components
from kadita_jax.keys import RandomKey
from kadita_jax.model import Params, per_fish
from kadita_jax.numerics import angle_between, computed_once, direction, safe_sqrt, tiny_length

# What `pair_terms` keeps of a pair between its passes: offset and nearness, and their like.
FLOATS_PER_PAIR = 8


class PairTerms(NamedTuple):
    """What one neighbour adds to a fish's decision; summed over neighbours, the decision."""

    repulsion: Components
    n_repulsion: Float[Array, "..."]
    social: Components


def visibility_cosine(blind_angle: Float[Array, "*fish"]) -> Float[Array, "*fish"]:
    """The cosine that a bearing must exceed to be seen: -cos(blind_angle).

    At 0 and below all is seen and at 180 nothing, whatever the rounding: -2 and 2.
    """
    cosine = -jnp.cos(jnp.deg2rad(blind_angle))
    return jnp.where(blind_angle <= 0, -2.0, jnp.where(blind_angle >= 180, 2.0, cosine))


def pair_terms(
    offset: Components, heading: Components, neighbour_heading: Components, params: Params
) -> PairTerms:
    """What each neighbour adds to each fish, in shapes that broadcast against each other.

    With d the shortest offset to the neighbour, r = |d| and u_j its heading, over visible
    neighbours: repulsion -d/r for r < r_repulsion; social orientation_weight u_j for
    r_repulsion <= r < r_orientation and d/r for r_orientation <= r < r_attraction. Pairs closer
    than the tiny length add nothing, so a fish is no neighbour of itself. The zones are told
    apart by the nearness 1/r, of which the unseen have none, so a distance within rounding of a
    radius may fall on either side of it.

    **Arguments:**

    - `offset`: (N, M) components from each fish to each neighbour.
    - `heading`: (N, 1) components of the fish's own heading.
    - `neighbour_heading`: (1, M) or (N, M) components.
    - `params`: leaves of shape () or (N,).
    """
    distance = safe_sqrt(_dot(offset, offset))
    cosine = per_fish(visibility_cosine(params.blind_angle))
    tiny = tiny_length(distance)
    seen = (distance >= tiny) & (_dot(heading, offset) > cosine * distance)
    nearness = computed_once(seen.astype(distance.dtype) / jnp.maximum(distance, tiny))
    at_repulsion, at_orientation, at_attraction = (
        1 / per_fish(r) for r in (params.r_repulsion, params.r_orientation, params.r_attraction)
    )
    repels = nearness > at_repulsion
    aligns = (nearness <= at_repulsion) & (nearness > at_orientation)
    attracts = (nearness <= at_orientation) & (nearness > at_attraction)
    away, towards = jnp.where(repels, -nearness, 0.0), jnp.where(attracts, nearness, 0.0)
    along = jnp.where(aligns, per_fish(params.orientation_weight), 0.0)
    x, y, z = (
        (away * d, along * u + towards * d) for d, u in zip(offset, neighbour_heading, strict=True)
    )
    return PairTerms((x[0], y[0], z[0]), repels.astype(distance.dtype), (x[1], y[1], z[1]))


def desired_direction(total: PairTerms, heading: Float[Array, "fish 3"]) -> Float[Array, "fish 3"]:
    """Where each fish wants to swim: away if anyone is too close, else with and to the others.

    Its own heading where nobody is seen or the pulls cancel below the tiny length.
    """
    crowded = (total.n_repulsion > 0)[:, None]
    repulsion, social = jnp.stack(total.repulsion, -1), jnp.stack(total.social, -1)
    return direction(jnp.where(crowded, repulsion, social), heading)


def turn(
    heading: Float[Array, "fish 3"],
    desired: Float[Array, "fish 3"],
    max_turn: Float[Array, "*fish"],
) -> Float[Array, "fish 3"]:
    """Turn towards the desired direction, by the paper's normalised linear interpolation.

    With phi the angle between the two: the desired direction itself if phi <= max_turn, else
    (1 - t) heading + t desired, normalised, t = max_turn / phi. The turn stays below max_turn
    without reaching it. Exactly opposed vectors that cancel keep the heading.
    """
    phi = angle_between(heading, desired)
    within_reach = phi <= max_turn
    t = jnp.where(within_reach, 1.0, max_turn / jnp.where(within_reach, 1.0, phi))[:, None]
    partial = direction((1 - t) * heading + t * desired, heading)
    return jnp.where(within_reach[:, None], desired, partial)


def perturb(
    heading: Float[Array, "fish 3"], noise: Float[Array, "*fish"], key: RandomKey
) -> Float[Array, "fish 3"]:
    """Add noise N(0, I) to every heading and normalise; noise 0 leaves unit headings alone."""
    kick = per_fish(noise) * normal(key, heading.shape, heading.dtype)
    return direction(heading + kick, heading)


def _dot(a: Components, b: Components) -> Float[Array, "..."]:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
