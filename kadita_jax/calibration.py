"""What a person calls to ask which parameters explain measured metrics."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
import xarray as xr

from kadita_jax.calibration_plan import LAST_EVALUATIONS, STAGES, CalibrationPlan, settled
from kadita_jax.errors import Unchecked
from kadita_jax.fitting import Fitted, Stage, fitted, scanned, whitening
from kadita_jax.metrics.convention import REFERENCE
from kadita_jax.scenario import Scenario
from kadita_jax.sweeping import sweep_members

# Slopes are taken so far apart, in free numbers: 0.3 is 7.5 % of the bounds in their middle.
HALF_STEP = 0.3
# A combination of parameters known to no better than this share is not identified.
KNOWN = 0.05
# In place of an infinite error, which could not be turned from combinations into parameters.
UNKNOWN = 1e6

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Calibration:
    """Parameters whose ensemble has the metrics of a target, and how well they are known.

    **Attributes:**

    - `scenario`: the scenario with the fitted parameters.
    - `parameters`, `standard_errors`: by name.
    - `correlation`: of the errors, (P, P), in the order of `parameters`.
    - `metrics`: an `xarray.Dataset` over `metric`: `target`, `fitted` and `deviation`, their
        difference in standard errors.
    - `misfit`: the sum of squared deviations, weighed by the metrics' covariance, divided by the
        metrics less the parameters: about 1 where the model explains the target.
    - `identifiable`: whether every combination of parameters is known to 5 % or better.
    - `weakest`: the combination known least: shares by name (of relative changes, length 1), and
        under "error" its relative standard error; infinite where the metrics do not tell.
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
    n_runs: int

    @property
    def verdict(self) -> str:
        """Whether the parameters can be told together, in a sentence."""
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
    target_schools: int | Unchecked = 1,
    replicates: int | Unchecked = 256,
    seed: int | Unchecked | None = None,
    n_steps: int | Unchecked | None = None,
    measure_every: int | Unchecked = 10,
    burn_in: int | Unchecked | None = None,
    convention: str | Unchecked = REFERENCE,
    progress: Progress | None = None,
) -> Calibration:
    """Find parameters whose ensemble's mean metrics are those of a target.

    A scan of 64 points over the bounds (and the scenario's own), then least squares (scipy's
    trust-region reflective) from the best of them, with slopes by central differences and every
    evaluation on the same random numbers; metrics are weighed by the inverse of their covariance
    between schools.

    **Arguments:**

    - `scenario`: what is not fitted; a Scenario, a canonical name or the path of a TOML file.
    - `target`: metrics by name; or a Dataset, or the path of a file, that holds them: a run or
        measured tracks (means over the second half of the frames), or one point of a sweep
        (means over its replicates). order_index and the OSI, which follow from others, are
        left out.
    - `wrt`: parameters by name, each with its bounds; or a list of names, bounds then being a
        third and three times the scenario's value, inside the range of the model. Radii stay in
        order.
    - `target_schools`: of how many schools the target is the mean; its error is theirs.
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
    run = _counted(plan, progress)
    start = np.array([float(np.mean(getattr(plan.scenario, name))) for name in plan.bounds.names])
    free = scanned(run, plan.values, plan.bounds, start, plan.scenario.seed)
    stages = [Stage(n, HALF_STEP, most, weighed) for n, most, weighed in STAGES]
    last = Stage(plan.replicates, HALF_STEP, LAST_EVALUATIONS, True)
    return _judged(plan, fitted(run, plan.values, plan.bounds, free, [*stages, last]))


def _counted(plan: CalibrationPlan, progress: Progress | None) -> Callable:
    """Runs ensembles of a plan, and tells how many schools there have been."""
    scenario, n_done = plan.scenario, 0
    key = jax.random.key(scenario.seed)

    def run(points: np.ndarray, replicates: int) -> np.ndarray:
        nonlocal n_done
        values = dict(zip(plan.bounds.names, np.repeat(points, replicates, axis=0).T, strict=True))
        number = np.tile(np.arange(replicates), len(points))
        found = sweep_members(
            key,
            number,
            scenario.params,
            values,
            scenario.start,
            plan.window,
            convention=plan.convention,
            capacity=-(-plan.most_at_once // jax.local_device_count()),
        )
        n_done += len(number)
        if progress is not None:
            progress(n_done)
        means = np.stack([getattr(found.mean, name) for name in plan.names], axis=-1)
        return means.astype(float).reshape(len(points), replicates, -1)

    return run


def _judged(plan: CalibrationPlan, found: Fitted) -> Calibration:
    names, values = plan.bounds.names, found.parameters
    share = 1 / found.replicates + 1 / plan.target_schools
    # Of relative changes: combinations of unlike units can be compared.
    information = found.information * np.outer(values, values) / share
    strength, direction = np.linalg.eigh(information)
    known = np.where(strength > 0, 1 / np.sqrt(np.maximum(strength, 1e-300)), np.inf)
    relative = (direction * np.minimum(known, UNKNOWN) ** 2) @ direction.T
    spread = np.sqrt(np.diag(relative))
    spread = np.where(spread < UNKNOWN / 10, spread, np.inf)
    deviation = (found.mean - plan.values) / np.sqrt(np.diag(found.covariance) * share)
    weighed = whitening(found.covariance, True) @ (found.mean - plan.values)
    least = direction[:, 0] * np.sign(direction[np.argmax(np.abs(direction[:, 0])), 0])
    weakest = dict(zip(names, map(float, least), strict=True))
    fields = {"target": plan.values, "fitted": found.mean, "deviation": deviation}
    return Calibration(
        plan.scenario.replaced(**dict(zip(names, map(float, values), strict=True))),
        dict(zip(names, map(float, values), strict=True)),
        dict(zip(names, map(float, spread * values), strict=True)),
        relative / np.sqrt(np.outer(np.diag(relative), np.diag(relative))),
        xr.Dataset({k: ("metric", v) for k, v in fields.items()}, {"metric": list(plan.names)}),
        float(weighed @ weighed / share / max(1, len(plan.names) - len(names))),
        bool(known[0] <= KNOWN),
        weakest | {"error": float(known[0])},
        found.n_runs,
    )
