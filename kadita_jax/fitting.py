"""Parameters from metrics: a scan, then least squares in ever larger ensembles.

Schools are noisy and their response is rough on the small scale, so every evaluation is the mean
over an ensemble with the same random numbers, its slope that of central differences; metrics vary
together, so they are weighed by the inverse of their covariance over the ensemble.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import least_squares
from scipy.stats import qmc

from kadita_jax.parameters import RADII

Vector = Float[np.ndarray, " parameters"]
# Metrics of ensembles: of points (M, P), each run with R replicates, (M, R, K).
Run = Callable[[Float[np.ndarray, "points parameters"], int], Float[np.ndarray, "points rep k"]]

# The scan: points over the bounds, replicates at each.
SCAN_POINTS, SCAN_REPLICATES = 64, 8
# Nobody starts at the very bounds, from where no slope leads away.
MARGIN = 0.02
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
class Bounds:
    """The box that parameters stay in, radii in order, and free numbers that stand for them.

    Each parameter is low + (high - low) / (1 + exp(-z)); where radii are free the low of an outer
    one is at least the inner one, where they are fixed they bound their neighbours.
    """

    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    fixed: Mapping[str, float]

    def parameters(
        self, free: Float[np.ndarray, "points parameters"]
    ) -> Float[np.ndarray, "points parameters"]:
        """Parameters from free numbers."""
        share, found = 1 / (1 + np.exp(-free)), np.empty_like(free)
        for column in self._order():
            low, high = self._limits(column, found)
            found[:, column] = low + (high - low) * share[:, column]
        return found

    def free(
        self, parameters: Float[np.ndarray, "points parameters"]
    ) -> Float[np.ndarray, "points parameters"]:
        """Free numbers of parameters, which are brought inside the bounds."""
        found = np.array(parameters, float)
        share = np.empty_like(found)
        for column in self._order():
            low, high = self._limits(column, found)
            inside = np.clip((found[:, column] - low) / (high - low), MARGIN, 1 - MARGIN)
            share[:, column] = inside
            found[:, column] = low + (high - low) * inside
        return np.log(share / (1 - share))

    def slope(self, free: Vector) -> Float[np.ndarray, "parameters parameters"]:
        """d parameter / d free number."""
        step = 1e-6 * np.eye(len(free))
        rise = self.parameters(free[None, :] + step) - self.parameters(free[None, :] - step)
        return rise.T / 2e-6

    def _order(self) -> list[int]:
        """Inner radii first: they bound the outer ones."""
        radii = [self.names.index(name) for name in RADII if name in self.names]
        return radii + [i for i, name in enumerate(self.names) if name not in RADII]

    def _limits(
        self, column: int, found: Float[np.ndarray, "points parameters"]
    ) -> tuple[Float[np.ndarray, " points"], float]:
        name, low, high = (
            self.names[column],
            np.full(len(found), self.low[column]),
            self.high[column],
        )
        if name not in RADII:
            return low, high
        place = RADII.index(name)
        for inner in RADII[:place]:
            within = found[:, self.names.index(inner)] if inner in self.names else self.fixed[inner]
            low = np.maximum(low, within)
        beyond = [self.fixed[outer] for outer in RADII[place + 1 :] if outer not in self.names]
        return low, min([high, *beyond])


@dataclass(frozen=True)
class Fitted:
    """Where the fit ended.

    **Attributes:**

    - `parameters`: (P,).
    - `mean`, `covariance`: (K,) and (K, K), of single schools at the end.
    - `information`: (P, P), Fisher's, that the metrics of one school hold of the parameters.
    - `replicates`: schools of the last ensemble.
    - `n_runs`: schools in all.
    """

    parameters: Vector
    mean: Float[np.ndarray, " k"]
    covariance: Float[np.ndarray, "k k"]
    information: Float[np.ndarray, "parameters parameters"]
    replicates: int
    n_runs: int


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
        self.weight = whitening(np.cov(self._found[0].T), stage.with_covariance)

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
    n_runs, ensemble = 0, None
    each = 2 * len(bounds.names) + 1
    for stage in stages:
        ensemble = _Ensemble(run, target, bounds, stage, free)
        found = least_squares(
            ensemble.rest,
            free,
            ensemble.slope,  # type: ignore[arg-type]
            method="trf",
            max_nfev=stage.most_evaluations,
            xtol=1e-3,
            ftol=1e-3,
        )
        n_runs += each * stage.replicates * (found.nfev + 1)
        free = found.x
    assert ensemble is not None
    schools = ensemble.of(free)[0]
    back = np.linalg.inv(bounds.slope(free))
    return Fitted(
        bounds.parameters(free[None, :])[0],
        schools.mean(axis=0),
        np.cov(schools.T),
        back.T @ ensemble.information(free) @ back,
        stages[-1].replicates,
        n_runs,
    )


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
