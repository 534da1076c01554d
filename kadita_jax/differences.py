"""Derivatives of ensemble means from runs on either side, with the same random numbers.

The model is run as it is, with its plain steps: nothing is smoothed but over the distance between
the two sides. Each replicate gives one pair of runs for each direction in parameter space, and a
linear fit over all pairs gives the derivatives and their standard errors.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from kadita_jax.keys import RandomKey
from kadita_jax.member import Draw
from kadita_jax.model import Params
from kadita_jax.names import NAMES
from kadita_jax.sweeping import sweep_members
from kadita_jax.window import Window

# Gaussian directions are drawn anew beyond so many standard deviations.
REACH = 2.0


@dataclass(frozen=True)
class Design:
    """Which pairs of runs are made.

    **Attributes:**

    - `replicate`: (D,) the member whose initial state and noise both runs of a pair have.
    - `shift`: (D, P) by how much each parameter is raised in one, and lowered in the other.
    - `offset`: (D, P) what is added in both: a parameter too near to the end of its range to be
        moved both ways is moved about a place further inside, by the pairs that move it alone.
    """

    replicate: Int[np.ndarray, " pairs"]
    shift: Float[np.ndarray, "pairs parameters"]
    offset: Float[np.ndarray, "pairs parameters"]


@dataclass(frozen=True)
class Fit:
    """Of K metrics by P parameters.

    **Attributes:**

    - `value`, `value_error`: (K,) the ensemble's mean and its standard error.
    - `derivative`, `error`: (K, P) and its standard error.
    """

    value: Float[np.ndarray, " metrics"]
    value_error: Float[np.ndarray, " metrics"]
    derivative: Float[np.ndarray, "metrics parameters"]
    error: Float[np.ndarray, "metrics parameters"]


def in_groups(
    n_replicates: int,
    half_step: Float[np.ndarray, " parameters"],
    offset: Float[np.ndarray, " parameters"],
    group: int,
    seed: int,
) -> Design:
    """Central differences: every replicate with each parameter moved, a group of them at a time.

    In groups of one these are the plain differences. A larger group needs fewer runs; who is
    moved together, and which against which, is drawn anew for each replicate. What one parameter
    does then depends on where others in its group are, which adds to the bias of the half_step.
    """
    random = np.random.default_rng(seed)
    n = len(half_step)
    order = np.argsort(random.random((n_replicates, n)), axis=1)
    sign = random.choice([-1.0, 1.0], (n_replicates, n)) if group > 1 else 1.0
    n_groups = -(-n // group)
    shift = np.zeros((n_replicates, n_groups, n))
    place = np.arange(n_replicates)[:, None], np.arange(n)[None, :] // group, order
    shift[place] = sign * half_step[order]
    shift = shift.reshape(-1, n)
    offsets = np.where(shift != 0, offset, 0.0)
    return Design(np.repeat(np.arange(n_replicates), n_groups), shift, offsets)


def all_at_once(
    n_replicates: int,
    half_step: Float[np.ndarray, " parameters"],
    offset: Float[np.ndarray, " parameters"],
    seed: int,
) -> Design:
    """Antithetic Gaussian smoothing: every replicate with all parameters moved at random.

    Each pair of runs tells of every parameter. The answer is the derivative of the response
    averaged over a Gaussian cloud in parameter space, of standard deviations half_step, none
    beyond `REACH` of them: flatter than the response where that bends within the cloud.
    """
    random = np.random.default_rng(seed)
    draws = random.standard_normal((n_replicates, len(half_step)))
    while np.any(far := np.abs(draws) > REACH):
        draws[far] = random.standard_normal(far.sum())
    offsets = np.broadcast_to(offset, draws.shape)
    return Design(np.arange(n_replicates), draws * half_step, offsets)


def run_pairs(
    key: RandomKey,
    params: Params,
    values: Mapping[str, Any],
    design: Design,
    start: Draw,
    window: Window,
    *,
    convention: str,
    part: slice = slice(None),
    capacity: int | None = None,
) -> tuple[Float[np.ndarray, "pairs metrics"], Float[np.ndarray, "pairs metrics"]]:
    """The window's means of all metrics, where parameters are raised and where they are lowered.

    **Arguments:**

    - `key`: of the whole ensemble.
    - `params`: what is not varied.
    - `values`: by name what is varied, () or (N,): all fish alike are moved.
    - `design`: the pairs, of which those in `part` are run.
    - `start`, `window`, `convention`, `capacity`: as `sweep_members` takes them.
    """
    number, varied = design.replicate[part], {}
    columns = zip(values, design.offset[part].T, design.shift[part].T, strict=True)
    for name, offset, shift in columns:
        value = np.asarray(values[name])
        middle, by = (each.reshape(-1, *[1] * value.ndim) for each in (offset, shift))
        varied[name] = np.concatenate([value + middle + by, value + middle - by])
    found = sweep_members(
        key,
        np.concatenate([number, number]),
        params,
        varied,
        start,
        window,
        convention=convention,
        capacity=capacity,
    )
    means = np.stack([getattr(found.mean, name) for name in NAMES], axis=-1)
    return means[: len(number)], means[len(number) :]


def fit(
    design: Design,
    raised: Float[np.ndarray, "pairs metrics"],
    lowered: Float[np.ndarray, "pairs metrics"],
) -> Fit:
    """Derivatives by least squares of half the differences on the shifts.

    Standard errors are those that allow each pair a variance of its own (White's).
    """
    shift, half = design.shift, (raised - lowered) / 2
    n_pairs, n_parameters = shift.shape
    inverse = np.linalg.inv(shift.T @ shift)
    derivative = inverse @ shift.T @ half
    rest = half - shift @ derivative
    spread = np.einsum("dp,dk,dq->kpq", shift, rest**2, shift)
    variance = np.einsum("pr,krs,sq->kpq", inverse, spread, inverse)
    freedom = n_pairs / max(1, n_pairs - n_parameters)
    error = np.sqrt(freedom * np.diagonal(variance, axis1=1, axis2=2))
    middle = (raised + lowered) / 2
    # Pairs of one replicate share their random numbers: its mean is one draw.
    own = [middle[design.replicate == r].mean(axis=0) for r in np.unique(design.replicate)]
    value_error = np.std(own, axis=0, ddof=1) / np.sqrt(len(own))
    return Fit(np.mean(own, axis=0), value_error, derivative.T, error)
