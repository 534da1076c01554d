"""Checks of the arrays that a person hands in."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from kadita_jax.errors import Fault
from kadita_jax.parameters import as_numbers


def dtype_faults(dtype: Any) -> list[Fault]:
    """The fault of a dtype that schools are not computed in, with jax set as it is."""
    try:
        is_known = np.dtype(dtype).name in ("float32", jnp.result_type(float).name)
    except TypeError:
        is_known = False
    rule = "must be float32, or float64 with jax_enable_x64 set"
    return [] if is_known else [Fault("dtype", rule, dtype)]


def vector_faults(arrays: dict[str, Any], ndim: int, *, finite: bool = True) -> list[Fault]:
    """Faults of arrays of vectors: shape (N, 3) for ndim 2, (T, N, 3) for ndim 3, all alike."""
    expected = "(N, 3)" if ndim == 2 else "(T, N, 3)"
    faults, shapes = [], set()
    for name, value in arrays.items():
        shape = _shape(value)
        shapes.add(shape)
        if shape is None or len(shape) != ndim or shape[-1] != 3 or 0 in shape:
            rule = f"must have shape {expected} with N >= 1"
            faults.append(Fault(name, rule, value if shape in (None, ()) else shape))
        elif not _holds_numbers(value, finite):
            kind = "finite numbers" if finite else "numbers"
            faults.append(Fault(name, f"must hold {kind} only", value))
    if not faults and len(shapes) > 1:
        faults.append(Fault(" and ".join(arrays), "must have the same shape", sorted(shapes)))
    return faults


def _shape(value: Any) -> tuple[int, ...] | None:
    try:
        return np.shape(value)
    except ValueError:  # rows of unlike length
        return None


def _holds_numbers(value: Any, finite: bool) -> bool:
    if isinstance(value, Tracer):
        return True
    numbers = as_numbers(value)
    return numbers is not None and (not finite or bool(np.all(np.isfinite(numbers))))
