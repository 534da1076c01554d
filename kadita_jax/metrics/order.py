"""Order parameters of one snapshot, and the state they name.

Arguments as in `kadita_jax.metrics.entropies`: positions inside the box, headings of unit length;
`measure` sees to both, these functions do not.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from kadita_jax.geometry import BoxSize, circular_centre, unwrap
from kadita_jax.metrics.convention import REFERENCE
from kadita_jax.names import STATES
from kadita_jax.numerics import direction, norm, safe_sqrt

Position = Float[Array, "fish 3"]
Heading = Float[Array, "fish 3"]


def from_centroid(
    position: Position, box_size: BoxSize, convention: str = REFERENCE
) -> Float[Array, "fish 3"]:
    """Offsets of the fish from their centroid, bl.

    Under "reference" the plain mean of the wrapped positions, which is not the school's centre
    once it straddles a face of the box; under "corrected" the positions are unwrapped about
    their circular mean first.
    """
    if convention != REFERENCE:
        position = unwrap(position, circular_centre(position, box_size), box_size)
    return position - jnp.mean(position, axis=0, keepdims=True)


def angular_momentum(
    position: Position, heading: Heading, box_size: BoxSize, convention: str = REFERENCE
) -> Float[Array, "fish 3"]:
    """c_i x u_i, c_i the unit vector from the centroid to fish i; zero for a fish on it."""
    return jnp.cross(direction(from_centroid(position, box_size, convention)), heading)


def polarization(heading: Heading) -> Float[Array, ""]:
    """P = |mean_i u_i|, in [0, 1]: 1 when all swim alike. By chance about 0.92 / sqrt(N)."""
    return norm(jnp.mean(heading, axis=0))


def rotation(
    position: Position, heading: Heading, box_size: BoxSize, convention: str = REFERENCE
) -> Float[Array, ""]:
    """M = |mean_i c_i x u_i|, in [0, 1]: 1 when all circle the centroid in one plane."""
    return norm(jnp.mean(angular_momentum(position, heading, box_size, convention), axis=0))


def spread(position: Position, box_size: BoxSize, convention: str = REFERENCE) -> Float[Array, ""]:
    """Root mean square distance of the fish from their centroid, bl."""
    offset = from_centroid(position, box_size, convention)
    return safe_sqrt(jnp.mean(jnp.sum(offset * offset, axis=-1)))


def state_label(
    polarization: float | Float[Array | np.ndarray, "*batch"],
    rotation: float | Float[Array | np.ndarray, "*batch"],
) -> Int[Array | np.ndarray, "*batch"]:
    """Index into `STATES` of the state that P and M name.

    In this order: highly_parallel P > 0.9; dynamic_parallel P > 0.7; torus M > 0.5;
    transitional P > 0.4 or M > 0.3; else swarm. A P or M of nan names no state: -1.

    **Arguments:**

    - `polarization`, `rotation`: P and M, of one shape or one of them a number.

    **Returns:** of that shape; a numpy array unless either is jax's.
    """
    # jax would compile a program for every shape.
    xp = jnp if isinstance(polarization, jax.Array) or isinstance(rotation, jax.Array) else np
    p, m = xp.asarray(polarization), xp.asarray(rotation)
    rules = {
        "highly_parallel": p > 0.9,
        "dynamic_parallel": p > 0.7,
        "torus": m > 0.5,
        "transitional": (p > 0.4) | (m > 0.3),
    }
    labels = [xp.full(p.shape, STATES.index(name)) for name in rules]
    label = xp.select(list(rules.values()), labels, STATES.index("swarm"))
    return xp.where(xp.isnan(p) | xp.isnan(m), -1, label)
