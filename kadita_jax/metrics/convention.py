"""The two conventions, and what a quantity that is undefined returns under each.

"reference" is the paper's own arithmetic. "corrected" mends its known faults under the same
names: a centre that follows the school across the faces of a periodic box, equal-area heading
bins about the mean heading, a normaliser that a finite number of values can reach, ranges that
drop nothing, and nan where the reference returns 0.5.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from kadita_jax.errors import Fault, Unchecked
from kadita_jax.parameters import as_numbers

REFERENCE = "reference"
CORRECTED = "corrected"
CONVENTIONS = (REFERENCE, CORRECTED)


def chosen_convention(convention: Unchecked | None, box_size: object) -> Unchecked:
    """The convention asked for, or where none is (None) the one that suits the water.

    "reference" in a periodic box; "corrected" in open water (no box_size), where three of the
    paper's metrics do not exist.
    """
    if convention is not None:
        return convention
    return CORRECTED if box_size is None else REFERENCE


def convention_faults(convention: object) -> list[Fault]:
    """The fault of a convention that does not exist; None is the one that suits the water."""
    if convention is None or convention in CONVENTIONS:
        return []
    return [Fault("convention", f"must be one of {', '.join(CONVENTIONS)}", convention)]


def undefined(convention: str, like: Float[Array, "..."]) -> Float[Array, ""]:
    """What an entropy of too few values is: 0.5 in the paper, nan when corrected."""
    return jnp.asarray(0.5 if convention == REFERENCE else jnp.nan, like.dtype)


def without_box(like: Float[Array, "..."]) -> Float[Array, ""]:
    """What the paper's entropy over a fraction of the box is in open water: nan, no bin has edges.

    The corrected ones take the school's own extent instead.
    """
    return jnp.asarray(jnp.nan, like.dtype)


def bandwidth_faults(bandwidth: Any, convention: object) -> list[Fault]:
    """Why histograms cannot be smoothed so."""
    if bandwidth is None:
        return []
    faults = []
    if convention == REFERENCE:
        rule = "must be None under the reference convention, which jumps at the box's faces"
        faults.append(Fault("bandwidth", rule, bandwidth))
    if not isinstance(bandwidth, Tracer):
        number = as_numbers(bandwidth)
        if number is None or number.ndim or not (np.isfinite(number) and number >= 0):
            faults.append(Fault("bandwidth", "must be one finite number >= 0 (bins)", bandwidth))
    return faults
