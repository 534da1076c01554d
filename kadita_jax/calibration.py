"""What a person calls to ask which parameters explain measured metrics."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import xarray as xr
from scipy.stats import chi2

from kadita_jax.calibration_plan import LAST_EVALUATIONS, STAGES, CalibrationPlan, settled
from kadita_jax.errors import Unchecked
from kadita_jax.fitting import Fitted, Stage, fitted, scanned, whitening
from kadita_jax.scenario import Scenario
from kadita_jax.sweeping import sweep_members

# Slopes are taken so far apart, in free numbers: 0.3 is 7.5 % of the bounds in their middle.
HALF_STEP = 0.3
# A combination of parameters known to no better than this share is not identified.
KNOWN = 0.05
# A parameter with no more than this share in a combination that nothing tells is told all the same.
NO_SHARE = 0.01
# A misfit that chance exceeds once in so many fits of a model that does explain the target.
ODDS = 1000

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Calibration:
    """Parameters whose ensemble has the metrics of a target, and how well they are known.

    **Attributes:**

    - `scenario`: the scenario with the fitted parameters.
    - `parameters`, `standard_errors`: by name.
    - `correlation`: of the errors, (P, P), in the order of `parameters`; of what the metrics tell.
    - `metrics`: an `xarray.Dataset` over `metric`: `target`, `fitted` and `deviation`, their
        difference in standard errors.
    - `misfit`: the sum of squared deviations, weighed by the metrics' covariance, divided by the
        metrics less the parameters: about 1 where the model explains the target.
    - `identifiable`: whether every combination of parameters is known to 5 % or better.
    - `weakest`: the combination known least: shares by name (of relative changes, length 1), and
        under "error" its relative standard error; infinite where the metrics do not tell.
    - `at_bound`: names of the parameters that ended at one of their bounds.
    - `n_runs`: schools that were run.
    """

    scenario: Scenario
    parameters: Mapping[str, float]
    standard_errors: Mapping[str, float]
    correlation: np.ndarray
    metrics: xr.Dataset
    misfit: float
    identifiable: bool
    weakest: Mapping[str, float]
    at_bound: tuple[str, ...]
    n_runs: int

    @property
    def explained(self) -> bool:
        """Whether a misfit as large as this comes by chance more often than once in 1,000 fits."""
        freedom = max(1, self.metrics.sizes["metric"] - len(self.parameters))
        return bool(self.misfit <= chi2.isf(1 / ODDS, freedom) / freedom)

    @property
    def verdict(self) -> str:
        """Whether the target is explained and the parameters can be told together, in words."""
        said = (
            []
            if self.explained
            else [f"the model does not explain the target (misfit {self.misfit:.1f})"]
        )
        said += [f"{' and '.join(self.at_bound)} ended at a bound"] if self.at_bound else []
        return "; ".join([*said, self._identified])

    @property
    def _identified(self) -> str:
        error = self.weakest["error"]
        if self.identifiable:
            return f"identified together: the combination known least is known to {error:.1%}"
        shares = [(n, s) for n, s in self.weakest.items() if n != "error" and abs(s) > 0.1]
        words = " ".join(f"{share:+.2f} {name}" for name, share in shares)
        known = "not at all" if np.isinf(error) else f"to {error:.1%} only"
        return f"not identified together: these metrics tell relative changes along {words} {known}"


def calibrate(
    scenario: Scenario | str | Path,
    target: Mapping[str, float] | xr.Dataset | str | Path | Unchecked,
    *,
    wrt: Mapping[str, tuple[float, float]] | Sequence[str] | Unchecked,
    target_schools: int | Unchecked | None = None,
    replicates: int | Unchecked = 256,
    seed: int | Unchecked | None = None,
    n_steps: int | Unchecked | None = None,
    measure_every: int | Unchecked = 10,
    burn_in: int | Unchecked | None = None,
    convention: str | Unchecked | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Find parameters whose ensemble's mean metrics are those of a target.

    A scan of 64 points over the bounds (and the scenario's own), then least squares (scipy's
    trust-region reflective) from the best of them, with slopes by central differences and every
    evaluation on the same random numbers; metrics are weighed by the inverse of their covariance
    between schools.

    **Arguments:**

    - `scenario`: what is not fitted; a Scenario, a shipped name or the path of a TOML file.
    - `target`: metrics by name; or a Dataset, or the path of a file, that holds them: a run
        (means over the second half of the frames) or one point of a sweep (means over its
        replicates); a file of tracks is measured, as `kadita metrics` does. order_index and the
        OSI, which follow from others, are left out.
    - `wrt`: parameters by name, each with its bounds; or a list of names, bounds then being a
        third and three times the scenario's value, inside the range of the model. Radii stay in
        order.
    - `target_schools`: of how many schools the target is the mean; its error is theirs. None:
        the replicates of a sweep, else 1.
    - `replicates`: schools of the last, largest ensemble, >= 32.
    - `seed`, `n_steps`: replace the scenario's own; another seed scans other points.
    - `measure_every`, `burn_in`, `convention`: as in `kadita_jax.sweep`; the convention must be
        the target's.
    - `progress`: called with the number of schools run, now and then.

    **Returns:** a `Calibration`.

    **Raises:** `InvalidInputError` with every fault before anything runs.
    """
    plan = settled(
        scenario,
        target,
        {"seed": seed, "n_steps": n_steps},
        wrt=wrt,
        target_schools=target_schools,
        replicates=replicates,
        measure_every=measure_every,
        burn_in=burn_in,
        convention=convention,
    )
    return calibrated(plan, progress)


def calibrated(plan: CalibrationPlan, progress: Progress | None = None) -> Calibration:
    """The result of a settled calibration."""
    ensembles = _Ensembles(plan, progress)
    start = np.array([float(np.mean(getattr(plan.scenario, name))) for name in plan.bounds.names])
    free = scanned(ensembles, plan.values, plan.bounds, start, plan.scenario.seed)
    stages = [Stage(n, HALF_STEP, most, weighed) for n, most, weighed in STAGES]
    last = Stage(plan.replicates, HALF_STEP, LAST_EVALUATIONS, True)
    found = fitted(ensembles, plan.values, plan.bounds, free, [*stages, last])
    return _judged(plan, found, ensembles.n_done)


class _Ensembles:
    """Runs ensembles of a plan, and tells how many schools there have been."""

    def __init__(self, plan: CalibrationPlan, progress: Progress | None):
        self._plan, self._progress, self.n_done = plan, progress, 0
        self._key = jax.random.key(plan.scenario.seed)

    def __call__(self, points: np.ndarray, replicates: int) -> np.ndarray:
        plan, number = self._plan, np.tile(np.arange(replicates), len(points))
        values = np.repeat(points, replicates, axis=0).T
        found = sweep_members(
            self._key,
            number,
            plan.scenario.params,
            dict(zip(plan.bounds.names, values, strict=True)),
            plan.scenario.start,
            plan.window,
            convention=plan.convention,
            capacity=-(-plan.most_at_once // jax.local_device_count()),
        )
        self.n_done += len(number)
        if self._progress is not None:
            self._progress(self.n_done)
        means = np.stack([getattr(found.mean, name) for name in plan.names], axis=-1)
        return means.astype(float).reshape(len(points), replicates, -1)


def _judged(plan: CalibrationPlan, found: Fitted, n_runs: int) -> Calibration:
    names, share = plan.bounds.names, 1 / found.replicates + 1 / plan.target_schools
    parameters = dict(zip(names, map(float, found.parameters), strict=True))
    known = _known(found, share)
    deviation = (found.mean - plan.values) / np.sqrt(np.diag(found.covariance) * share)
    weighed = whitening(found.covariance, True) @ (found.mean - plan.values)
    fields = {"target": plan.values, "fitted": found.mean, "deviation": deviation}
    errors = dict(zip(names, map(float, known.errors * found.parameters), strict=True))
    weakest = dict(zip(names, map(float, known.weakest), strict=True))
    return Calibration(
        plan.scenario.replaced(**parameters, save_every=plan.save_every),
        parameters,
        errors,
        known.correlation,
        xr.Dataset({k: ("metric", v) for k, v in fields.items()}, {"metric": list(plan.names)}),
        float(weighed @ weighed / share / max(1, len(plan.names) - len(names))),
        known.least <= KNOWN,
        weakest | {"error": known.least},
        found.at_bound,
        n_runs,
    )


class _Known(NamedTuple):
    """How well relative changes of the parameters are known: errors, and the weakest direction."""

    errors: np.ndarray
    correlation: np.ndarray
    weakest: np.ndarray
    least: float


def _known(found: Fitted, share: float) -> _Known:
    """From the information of one school, and by how much the errors of the means are smaller."""
    # Of relative changes: combinations of unlike units can be compared.
    information = found.information * np.outer(found.parameters, found.parameters) / share
    strength, direction = np.linalg.eigh(information)
    is_known = strength > 0
    errors = np.where(is_known, 1 / np.sqrt(np.where(is_known, strength, 1.0)), np.inf)
    relative = (direction[:, is_known] / strength[is_known]) @ direction[:, is_known].T
    spread = np.sqrt(np.diag(relative))
    with np.errstate(invalid="ignore"):
        correlation = relative / np.outer(spread, spread)
    is_lost = np.any(np.abs(direction[:, ~is_known]) > NO_SHARE, axis=1)
    largest = direction[np.argmax(np.abs(direction[:, 0])), 0]
    weakest = direction[:, 0] * np.sign(largest)
    return _Known(np.where(is_lost, np.inf, spread), correlation, weakest, float(errors[0]))
