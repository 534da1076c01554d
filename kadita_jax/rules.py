"""What one fish wants: its zones, what each neighbour adds, its desired direction.

The rule for one pair stands once, in `pair_terms`; who is summed over is decided in
`kadita_jax.neighbours`. Pairs are written component by component, because XLA fuses sums over
three flat arrays where an array of vectors would be written to memory.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from kadita_jax.geometry import Components
from kadita_jax.model import COUZIN2002, Params, per_fish
from kadita_jax.numerics import (
    NO_WIDTH,
    Blur,
    computed_once,
    direction,
    exceeds,
    norm,
    safe_sqrt,
    tiny_length,
    weighted,
)

# What `pair_terms` keeps of a pair between its passes: offset and nearness, and their like.
FLOATS_PER_PAIR = 8
# A blur is in body lengths; cosines and counts, which are compared too, go from 0 to 1.
NARROW = 0.5


class PairTerms(NamedTuple):
    """What one neighbour adds to a fish's decision; summed over neighbours, the decision.

    **Attributes:**

    - `repulsion`, `n_repulsion`: away from those too close, and how many they are.
    - `social`: orientation and attraction together; of couzin2002 orientation alone.
    - `attraction`: of couzin2002, which makes each sum a unit vector first; else None.
    """

    repulsion: Components
    n_repulsion: Float[Array, "..."]
    social: Components
    attraction: Components | None = None


def visibility_cosine(
    blind_angle: Float[Array, "*fish"], blur: Blur | None = None
) -> Float[Array, "*fish"]:
    """The cosine that a bearing must exceed to be seen: -cos(blind_angle).

    At 0 and below all is seen and at 180 nothing, whatever the rounding: -2 and 2. With a blur of
    width w, -(1 + w) cos(blind_angle), which comes to the same at both ends without a jump.
    """
    cosine = -jnp.cos(jnp.deg2rad(blind_angle))
    plain = jnp.where(blind_angle <= 0, -2.0, jnp.where(blind_angle >= 180, 2.0, cosine))
    if blur is None or blur.exact:
        return plain
    return jnp.where(blur.width > NO_WIDTH, (1 + blur.width) * cosine, plain)


def pair_terms(
    offset: Components, heading: Components, neighbour_heading: Components, params: Params
) -> PairTerms:
    """What each neighbour adds to each fish, in shapes that broadcast against each other.

    With d the shortest offset to the neighbour, r = |d| and u_j its heading, over visible
    neighbours: repulsion -d/r for r < r_repulsion (couzin2002: of the unseen too); u_j for
    r_repulsion <= r < r_orientation and d/r for r_orientation <= r < r_attraction, by the
    reference rules orientation_weight u_j and d/r in one sum. Pairs closer than the tiny length
    add nothing, so a fish is no neighbour of itself. With `params.blur` each of these counts by
    how far it holds.

    **Arguments:**

    - `offset`: (N, M) components from each fish to each neighbour.
    - `heading`: (N, 1) components of the fish's own heading.
    - `neighbour_heading`: (1, M) or (N, M) components.
    - `params`: leaves of shape () or (N,).
    """
    distance, ahead = safe_sqrt(_dot(offset, offset)), _dot(heading, offset)
    nearness, (repels, aligns, attracts) = _zones(distance, ahead, params)
    away, towards = weighted(repels, -nearness), weighted(attracts, nearness)
    count = repels.astype(distance.dtype)
    if params.rules == COUZIN2002:
        along = weighted(aligns, jnp.ones_like(distance))
        x, y, z = (
            (away * d, along * u, towards * d)
            for d, u in zip(offset, neighbour_heading, strict=True)
        )
        return PairTerms((x[0], y[0], z[0]), count, (x[1], y[1], z[1]), (x[2], y[2], z[2]))
    along = weighted(aligns, per_fish(params.orientation_weight))
    x, y, z = (
        (away * d, along * u + towards * d) for d, u in zip(offset, neighbour_heading, strict=True)
    )
    return PairTerms((x[0], y[0], z[0]), count, (x[1], y[1], z[1]))


def _zones(
    distance: Float[Array, "*pairs"], ahead: Float[Array, "*pairs"], params: Params
) -> tuple[Float[Array, "*pairs"], tuple[Array, Array, Array]]:
    """The nearness 1/r, and whether or how far a neighbour is felt in each of the three zones.

    Hard zones are told apart by the nearness, of which the unseen have none: a pass that XLA
    vectorises. A distance within rounding of a radius may so fall on either side of it.
    """
    radii = [per_fish(r) for r in (params.r_repulsion, params.r_orientation, params.r_attraction)]
    narrow = None if params.blur is None else params.blur.at_most(NARROW)
    cosine = per_fish(visibility_cosine(params.blind_angle, narrow))
    is_blind_when_close = params.rules != COUZIN2002
    tiny = tiny_length(distance)
    if params.blur is None:
        is_other, seen = distance >= tiny, ahead > cosine * distance
        felt = is_other & seen if is_blind_when_close else is_other
        nearness = computed_once(felt.astype(distance.dtype) / jnp.maximum(distance, tiny))
        nearest, near, far = (1 / radius for radius in radii)
        aligns = (nearness <= nearest) & (nearness > near)
        attracts = (nearness <= near) & (nearness > far)
        if not is_blind_when_close:
            aligns, attracts = aligns & seen, attracts & seen
        return nearness, (nearness > nearest, aligns, attracts)
    nearness = 1 / jnp.maximum(distance, tiny)
    seen = exceeds(ahead * nearness, cosine, narrow)
    within = [exceeds(radius, distance, params.blur) for radius in radii]
    felt, seen = (jnp.where(distance >= tiny, by, 0.0) for by in (within[0], seen))
    nearest, near, far = (seen * shell for shell in within)
    return nearness, (nearest if is_blind_when_close else felt, near - nearest, far - near)


def desired_direction(
    total: PairTerms, heading: Float[Array, "fish 3"], params: Params
) -> Float[Array, "fish 3"]:
    """Where each fish wants to swim: away if anyone is too close, else with and to the others.

    Its own heading where nobody is felt or the pulls cancel below the tiny length. With a blur
    each of the three holds as far as somebody is too close, and as there is any pull. An informed
    fish that nobody is too close to then heeds where it would rather go.
    """
    repulsion, social, blur = jnp.stack(total.repulsion, -1), _social(total, params), params.blur
    if blur is None:
        crowded = (total.n_repulsion > 0)[:, None]
        wanted = direction(jnp.where(crowded, repulsion, social), heading)
        if params.preferred_direction is None:
            return wanted
        return jnp.where(crowded, wanted, _led(wanted, params))
    crowded = _any(total.n_repulsion, blur)[:, None]
    away, social = _pull(repulsion, heading, blur), _led(_pull(social, heading, blur), params)
    return direction(crowded * away + (1 - crowded) * social, heading)


def _led(wanted: Float[Array, "fish 3"], params: Params) -> Float[Array, "fish 3"]:
    """(d + w g) / |d + w g|, d what the fish wants by the others, g where it prefers to go."""
    if params.preferred_direction is None or params.informed_weight is None:
        return wanted
    preferred = jnp.broadcast_to(params.preferred_direction, wanted.shape)
    return direction(wanted + per_fish(params.informed_weight) * preferred, wanted)


def _social(total: PairTerms, params: Params) -> Float[Array, "fish 3"]:
    """The pull of those not too close; of couzin2002 w D_o/|D_o| + D_a/|D_a|.

    With a blur each of these unit vectors holds as far as its zone is not empty.
    """
    along = jnp.stack(total.social, -1)
    if total.attraction is None:
        return along
    zones, blur = (along, jnp.stack(total.attraction, -1)), params.blur
    along, towards = map(direction, zones)
    if blur is not None and not blur.exact:
        any_along, any_towards = (_any(norm(zone), blur)[:, None] for zone in zones)
        along, towards = any_along * along, any_towards * towards
    return per_fish(params.orientation_weight) * along + towards


def _pull(
    total: Float[Array, "fish 3"], heading: Float[Array, "fish 3"], blur: Blur
) -> Float[Array, "fish 3"]:
    """The direction of a sum, as far as it is one, and for the rest the fish's own heading."""
    if blur.exact:
        return direction(total, heading)
    is_any = _any(norm(total), blur)[:, None]
    return is_any * direction(total, heading) + (1 - is_any) * heading


def _any(count: Float[Array, " fish"], blur: Blur) -> Float[Array, " fish"]:
    """How far a count of fish, or a sum of unit vectors, is any: 0 at 0 and 1 from 1 on."""
    if blur.exact:
        # Counts are whole: only a rise from below 0 to above 1 has a derivative at them.
        return exceeds(count, 0.5, Blur(jnp.ones_like(blur.width), exact=True))
    narrow = blur.at_most(NARROW)
    return exceeds(count, narrow.width, narrow)


def _dot(a: Components, b: Components) -> Float[Array, "..."]:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
