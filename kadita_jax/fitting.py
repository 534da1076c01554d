"""Parameters from metrics: a scan, then least squares in ever larger ensembles.

Schools are noisy and their response is rough on the small scale, so every evaluation is the mean
over an ensemble with the same random numbers, its slope that of central differences; metrics vary
together, so they are weighed by the inverse of their covariance over the ensemble.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import least_squares
from scipy.stats import qmc

from kadita_jax.bounds import MARGIN, Bounds, Vector

# Metrics of ensembles: of points (M, P), each run with R replicates, (M, R, K).
Run = Callable[[Float[np.ndarray, "points parameters"], int], Float[np.ndarray, "points rep k"]]

# The scan: points over the bounds, replicates at each.
SCAN_POINTS, SCAN_REPLICATES = 64, 8
# Free numbers end where a parameter is within 1e-4 of its range from a bound: further out it would
# move no more, and no slope would be left.
FREEST = float(np.log(1e4 - 1))
# The solver starts strictly inside.
INSIDE = 0.999 * FREEST
# Who ends this near to a bound, as a share of the range, is at it.
AT_BOUND = 1e-3
# Keeps a covariance of few replicates invertible: this share of the variances is no covariance.
SHRINKAGE = 0.02


@dataclass(frozen=True)
class Stage:
    """One least-squares fit: how many replicates, how far apart its slopes are taken, how long."""

    replicates: int
    half_step: float
    most_evaluations: int
    with_covariance: bool


@dataclass(frozen=True)
class Fitted:
    """Where the fit ended.

    **Attributes:**

    - `parameters`: (P,).
    - `mean`, `covariance`: (K,) and (K, K), of single schools at the end.
    - `information`: (P, P), Fisher's, that the metrics of one school hold of the parameters.
    - `replicates`: schools of the last ensemble.
    - `at_bound`: names of the parameters that ended at one of their bounds.
    """

    parameters: Vector
    mean: Float[np.ndarray, " k"]
    covariance: Float[np.ndarray, "k k"]
    information: Float[np.ndarray, "parameters parameters"]
    replicates: int
    at_bound: tuple[str, ...]


def scanned(
    run: Run, target: Float[np.ndarray, " k"], bounds: Bounds, start: Vector | None, seed: int
) -> Vector:
    """The best of points spread over the bounds, and of a start, in free numbers."""
    share = qmc.Sobol(len(bounds.names), rng=seed).random(SCAN_POINTS)
    inside = MARGIN + (1 - 2 * MARGIN) * share
    free = np.log(inside / (1 - inside))
    if start is not None:
        free = np.concatenate([bounds.free(start[None, :]), free])
    found = run(bounds.parameters(free), SCAN_REPLICATES)
    spread = np.sqrt(np.mean(np.var(found, axis=1, ddof=1), axis=0)) + 1e-9
    misfit = np.sum(((found.mean(axis=1) - target) / spread) ** 2, axis=1)
    return free[np.argmin(np.where(np.isnan(misfit), np.inf, misfit))]


class _Ensemble:
    """Mean and slope at a point, from one set of runs, kept for the solver's next question."""

    def __init__(
        self, run: Run, target: Float[np.ndarray, " k"], bounds: Bounds, stage: Stage, free: Vector
    ):
        self._run, self._target, self._bounds, self._stage = run, target, bounds, stage
        self._free, self._found = free, self._at(free)
        self.weight = whitening(covariance_of(self._found[0]), stage.with_covariance)

    def _at(self, free: Vector) -> Float[np.ndarray, "points rep k"]:
        step = self._stage.half_step * np.eye(len(free))
        points = np.concatenate([free[None, :], free + step, free - step])
        return self._run(self._bounds.parameters(points), self._stage.replicates)

    def of(self, free: Vector) -> Float[np.ndarray, "points rep k"]:
        if not np.array_equal(free, self._free):
            self._free, self._found = free.copy(), self._at(free)
        return self._found

    def rest(self, free: Vector) -> Float[np.ndarray, " k"]:
        return self.weight @ (self.of(free)[0].mean(axis=0) - self._target)

    def slopes(self, free: Vector) -> Float[np.ndarray, "parameters rep k"]:
        n, found = len(free), self.of(free)
        return (found[1 : n + 1] - found[n + 1 :]) / (2 * self._stage.half_step)

    def slope(self, free: Vector) -> Float[np.ndarray, "k parameters"]:
        return self.weight @ self.slopes(free).mean(axis=1).T

    def information(self, free: Vector) -> Float[np.ndarray, "parameters parameters"]:
        """J'J of the weighted slopes J, less what the noise of their own mean adds to it."""
        each = np.einsum("kl,prl->prk", self.weight, self.slopes(free))
        mean, n_replicates = each.mean(axis=1), each.shape[1]
        rest = each - mean[:, None, :]
        noise = np.einsum("prk,qrk->pq", rest, rest) / (n_replicates * (n_replicates - 1))
        return mean @ mean.T - noise


def fitted(
    run: Run, target: Float[np.ndarray, " k"], bounds: Bounds, free: Vector, stages: Sequence[Stage]
) -> Fitted:
    """Least squares from a point, stage after stage."""
    ensemble = None
    for stage in stages:
        free = np.clip(free, -INSIDE, INSIDE)
        ensemble = _Ensemble(run, target, bounds, stage, free)
        free = _descended(ensemble, free, stage.most_evaluations)
    assert ensemble is not None
    schools, share = ensemble.of(free)[0], 1 / (1 + np.exp(-np.abs(free)))
    back = np.linalg.inv(bounds.slope(free))
    return Fitted(
        bounds.parameters(free[None, :])[0],
        schools.mean(axis=0),
        covariance_of(schools),
        back.T @ ensemble.information(free) @ back,
        stages[-1].replicates,
        tuple(name for name, s in zip(bounds.names, share, strict=True) if s > 1 - AT_BOUND),
    )


def _descended(ensemble: _Ensemble, free: Vector, most_evaluations: int) -> Vector:
    found = least_squares(
        ensemble.rest,
        free,
        ensemble.slope,  # type: ignore[arg-type]
        bounds=(-FREEST, FREEST),
        method="trf",
        max_nfev=most_evaluations,
        xtol=1e-3,
        ftol=1e-3,
    )
    return found.x


def covariance_of(schools: Float[np.ndarray, "rep k"]) -> Float[np.ndarray, "k k"]:
    """The metrics' covariance between schools; (1, 1) of one metric."""
    return np.atleast_2d(np.cov(schools.T))


def whitening(
    covariance: Float[np.ndarray, "k k"], with_covariance: bool
) -> Float[np.ndarray, "k k"]:
    """What turns deviations of this covariance into independent ones of variance 1."""
    spread = np.sqrt(np.diag(covariance)) + 1e-6
    if not with_covariance:
        return np.diag(1 / spread)
    correlation = (1 - SHRINKAGE) * covariance / np.outer(spread, spread)
    correlation += SHRINKAGE * np.eye(len(spread))
    return np.linalg.inv(np.linalg.cholesky(correlation)) / spread
