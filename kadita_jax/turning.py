"""How one fish turns: towards where it wants to swim, as far as it can, with its noise."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from kadita_jax.draws import normal
from kadita_jax.keys import RandomKey
from kadita_jax.model import COUZIN2002, Params, per_fish
from kadita_jax.numerics import angle_between, angle_of, direction, norm


def next_heading(
    heading: Float[Array, "fish 3"],
    desired: Float[Array, "fish 3"],
    params: Params,
    key: RandomKey,
) -> Float[Array, "fish 3"]:
    """The heading after a step: by the reference rules a turn, then noise on the heading turned to;
    of couzin2002 noise on the desired direction, then a turn towards that.

    **Arguments:**

    - `heading`, `desired`: unit vectors.
    - `key`: of this step's noise.
    """
    if params.rules != COUZIN2002:
        return perturb(turn(heading, desired, params.max_turn), params.noise, key)
    draws = normal(key, (4, heading.shape[0]), heading.dtype)
    aside = draws[:3].T
    wanted = scatter(desired, params.noise * draws[3], aside)
    return rotate(heading, wanted, params.max_turn, aside)


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


def rotate(
    heading: Float[Array, "fish 3"],
    desired: Float[Array, "fish 3"],
    max_turn: Float[Array, "*fish"],
    aside: Float[Array, "fish 3"],
) -> Float[Array, "fish 3"]:
    """Rotate towards the desired direction by min(angle between the two, max_turn), exactly.

    cos(a) heading + sin(a) w, w the unit vector across the heading towards the desired direction.
    Where the two are exactly opposed w lies towards `aside`, drawn at random.
    """
    across, along = _parts(desired, heading)
    phi = angle_of(norm(across), along)
    angle = jnp.minimum(phi, max_turn)
    plane = direction(across, direction(_parts(aside, heading)[0]))
    rotated = jnp.cos(angle)[:, None] * heading + jnp.sin(angle)[:, None] * plane
    return jnp.where((phi <= max_turn)[:, None], desired, direction(rotated, heading))


def scatter(
    desired: Float[Array, "fish 3"],
    angle: Float[Array, " fish"],
    aside: Float[Array, "fish 3"],
) -> Float[Array, "fish 3"]:
    """Rotate every direction by an angle (rad), away to where `aside`, N(0, I), lies across it.

    The axis is so uniformly random among those perpendicular to the direction.
    """
    plane = direction(_parts(aside, desired)[0])
    scattered = jnp.cos(angle)[:, None] * desired + jnp.sin(angle)[:, None] * plane
    return direction(scattered, desired)


def _parts(
    vector: Float[Array, "fish 3"], unit: Float[Array, "fish 3"]
) -> tuple[Float[Array, "fish 3"], Float[Array, " fish"]]:
    """The part of a vector perpendicular to a unit vector, and its component along it."""
    along = jnp.sum(vector * unit, axis=-1)
    return vector - along[:, None] * unit, along
