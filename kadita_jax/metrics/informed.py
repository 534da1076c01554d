"""How well a school keeps to the direction that some of its fish prefer.

Couzin et al. 2005, Nature 433, 513-516: a few informed fish lead the others.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

from kadita_jax.arrays import vector_faults
from kadita_jax.errors import Fault, Unchecked, refuse
from kadita_jax.metrics.order import Heading
from kadita_jax.numerics import direction, norm, tiny_length
from kadita_jax.parameters import as_numbers


def accuracy(
    heading: ArrayLike | Unchecked, preferred_direction: ArrayLike | Unchecked
) -> Float[Array, ""]:
    """The cosine between the school's mean heading and a preferred direction.

    Its mean over replicates is the component of the mean group direction along the preferred one:
    1 when every school swims there, 0 by chance.

    **Arguments:**

    - `heading`: shape (N, 3); normalised first, so velocities will do. Of the naive fish alone it
        tells whether they are led.
    - `preferred_direction`: shape (3,), of any length but 0; normalised first.

    **Returns:** in [-1, 1]; nan where the mean heading or the preferred direction is shorter than
    the tiny length, and where any coordinate is not finite.

    **Raises:** `InvalidInputError` naming every faulty argument.
    """
    faults = vector_faults({"heading": heading}, 2, finite=False)
    refuse("cannot tell the accuracy", faults + _direction_faults(preferred_direction))
    return _accuracy(jnp.asarray(heading, float), jnp.asarray(preferred_direction, float))


def _direction_faults(preferred: Unchecked) -> list[Fault]:
    numbers = preferred if isinstance(preferred, Tracer) else as_numbers(preferred)
    if numbers is None or numbers.shape != (3,):
        got = preferred if numbers is None else f"shape {numbers.shape}"
        return [Fault("preferred_direction", "must hold three numbers, shape (3,)", got)]
    if isinstance(numbers, Tracer) or (np.all(np.isfinite(numbers)) and np.any(numbers)):
        return []
    return [Fault("preferred_direction", "must be finite and not 0", preferred)]


@jax.jit
def _accuracy(heading: Heading, preferred: Float[Array, "3"]) -> Float[Array, ""]:
    # A heading of nan stays one, where it would else count as none.
    mean = jnp.mean(direction(heading, 0.0 * heading), axis=0)
    has_direction = jnp.minimum(norm(mean), norm(preferred)) >= tiny_length(heading)
    cosine = jnp.sum(direction(mean) * direction(preferred))
    return jnp.where(has_direction, jnp.clip(cosine, -1.0, 1.0), jnp.nan)
