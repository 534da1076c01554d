"""What a person calls to ask which parameter moves a school, and by how much."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from kadita_jax.differences import Design, Fit, all_at_once, fit, in_groups, run_pairs
from kadita_jax.errors import Unchecked
from kadita_jax.growth import tangent_growth
from kadita_jax.keys import RandomKey, member_key
from kadita_jax.model import Params, State
from kadita_jax.names import NAMES
from kadita_jax.numerics import Blur
from kadita_jax.pathwise import Pathwise, pathwise_members
from kadita_jax.scenario import Scenario
from kadita_jax.sensitivity_plan import SensitivityPlan, settled
from kadita_jax.sensitivity_result import MOST_GROWTH, noise_of, result_of
from kadita_jax.sweep_plan import PART_PAIRS

# How many runs the growth of small differences is followed in.
N_FOLLOWED = 8

Progress = Callable[[int], None]


def sensitivity(
    scenario: Scenario | str | Path,
    *,
    of: Sequence[str] | Unchecked = ("polarization", "oceanic_schooling_index"),
    wrt: Sequence[str] | Unchecked = ("r_repulsion", "r_orientation", "r_attraction"),
    each: Sequence[str] | Unchecked = (),
    method: str | Unchecked = "auto",
    replicates: int | Unchecked = 128,
    seed: int | Unchecked | None = None,
    n_steps: int | Unchecked | None = None,
    measure_every: int | Unchecked = 10,
    burn_in: int | Unchecked | None = None,
    convention: str | Unchecked | None = None,
    half_step: Mapping[str, float] | Unchecked | None = None,
    edge_width: float | Unchecked = 0.5,
    bandwidth: float | Unchecked = 0.5,
    exact: bool | Unchecked = False,
    state: State | Unchecked | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Derivatives of an ensemble's mean metrics by parameters, with standard errors.

    d/dp of the mean, over replicates, of each metric's mean over the measuring window. A parameter
    at the end of its range cannot be moved both ways: its derivative is taken a half-step further
    inside, at the `parameter_value` of the result.

    **Arguments:**

    - `scenario`: a Scenario, the name of a shipped one, or the path of a TOML file.
    - `of`: names of metrics.
    - `wrt`: names of parameters, moved for all fish alike.
    - `each`: names of parameters, "position" or "heading", for derivatives by every fish's own
        value, or place at step 0; pathwise only.
    - `method`: "differences" runs the plain model on either side of each parameter with the same
        initial states and noise; beyond six parameters they are moved in groups, so that a
        replicate takes at most 12 runs. "smoothing" moves all of them at once, by Gaussian draws:
        the derivative of the response averaged over that cloud. "pathwise" differentiates through
        the run of the smooth model: for every fish's own values, and for few steps, since it is
        noise beyond the horizon that the result tells. "auto" is "pathwise" where `each` is
        given, else "differences", which had the smaller error at equal time for 6 to 80 steps
        (`bench/sensitivity.py`).
    - `replicates`: schools with keys of their own, >= 2.
    - `seed`, `n_steps`: replace the scenario's own.
    - `measure_every`, `burn_in`: measured are the multiples of measure_every with
        burn_in < step <= n_steps; burn_in None is half of n_steps.
    - `convention`: of the metrics; pathwise needs "corrected".
    - `half_step`: by name, how far a parameter is moved to either side (the standard deviation of
        smoothing). None: 3 % of its value, but at least `sensitivity_steps.LEAST` (0.03 bl of a
        radius), and less where its range or another radius leaves less room. The bias grows with
        its square, the error falls with its inverse.
    - `edge_width`, `bandwidth`, `exact`: of the smooth model and metrics, as `make_params` and
        `metrics.measure` take them; pathwise only.
    - `state`: what all replicates start from; None draws each replicate's own. Pathwise only.
    - `progress`: called with the number of runs done, now and then.

    **Returns:** an `xarray.Dataset` with dimensions `metric` and `parameter`: `derivative`, its
        `standard_error` and `signal_to_noise`; `value`, the mean over all runs (with differences
        those on both sides of every parameter), and its `value_standard_error`;
        for each of `each` a `derivative_NAME` and its standard error with a dimension `fish` (and
        `space`). Attributes tell the method and, of pathwise, the Lyapunov exponent and the
        horizon. Where derivatives are within two standard errors of 0 a warning tells which.

    **Raises:** `InvalidInputError` with every fault before anything runs.
    """
    plan = settled(
        scenario,
        {"seed": seed, "n_steps": n_steps},
        of=of,
        wrt=wrt,
        each=each,
        method=method,
        replicates=replicates,
        measure_every=measure_every,
        burn_in=burn_in,
        convention=convention,
        half_step=half_step,
        edge_width=edge_width,
        bandwidth=bandwidth,
        exact=exact,
        state=state,
    )
    dataset = differentiated(plan, progress)
    for warning in noise_of(dataset):
        warnings.warn(warning, stacklevel=2)
    return dataset


def differentiated(plan: SensitivityPlan, progress: Progress | None = None) -> xr.Dataset:
    """The Dataset of a settled study."""
    return (_along_paths if plan.method == "pathwise" else _by_differences)(plan, progress)


def design_of(plan: SensitivityPlan) -> Design:
    """The pairs of runs of a plan."""
    steps, offsets = (
        np.array([by_name[name] for name in plan.wrt]) for by_name in (plan.half_step, plan.offset)
    )
    if plan.method == "smoothing":
        return all_at_once(plan.replicates, steps, offsets, plan.scenario.seed)
    return in_groups(plan.replicates, steps, offsets, plan.group, plan.scenario.seed)


def differences_of(plan: SensitivityPlan, progress: Progress | None = None) -> Fit:
    """Run the pairs of a plan, part after part, and fit all twelve metrics."""
    scenario, design = plan.scenario, design_of(plan)
    n_pairs, n_devices = len(design.replicate), jax.local_device_count()
    most = PART_PAIRS.get(jax.default_backend(), PART_PAIRS["gpu"])
    share = max(1, int(most / (scenario.n_fish**2 * scenario.n_steps)))
    size = min(n_pairs, max(1, share * n_devices // 2))
    sides: list[tuple[np.ndarray, np.ndarray]] = []
    for first in range(0, n_pairs, size):
        sides.append(
            run_pairs(
                jax.random.key(scenario.seed),
                scenario.params,
                plan.values,
                design,
                scenario.start,
                plan.window,
                convention=plan.convention,
                part=slice(first, first + size),
                capacity=-(-2 * size // n_devices),
            )
        )
        if progress is not None:
            progress(2 * min(first + size, n_pairs))
    raised, lowered = (np.concatenate(side).astype(float) for side in zip(*sides, strict=True))
    return fit(design, raised, lowered)


def _by_differences(plan: SensitivityPlan, progress: Progress | None) -> xr.Dataset:
    found = differences_of(plan, progress)
    rows = [NAMES.index(name) for name in plan.of]
    fields = {
        "value": (("metric",), found.value[rows]),
        "value_standard_error": (("metric",), found.value_error[rows]),
        "derivative": (("metric", "parameter"), found.derivative[rows]),
        "standard_error": (("metric", "parameter"), found.error[rows]),
        "half_step": (("parameter",), [plan.half_step[name] for name in plan.wrt]),
    }
    return result_of(plan, fields, {"group_size": plan.group if plan.method != "smoothing" else 0})


def _along_paths(plan: SensitivityPlan, progress: Progress | None) -> xr.Dataset:
    scenario = plan.scenario
    blur = Blur(jnp.asarray(plan.edge_width, scenario.params.dt.dtype), plan.exact)
    params, key = replace(scenario.params, blur=blur), jax.random.key(scenario.seed)
    start = scenario.start if plan.state is None else plan.state
    told = _growth(plan, params, key)
    found = pathwise_members(
        key,
        np.arange(plan.replicates),
        params,
        start,
        plan.window,
        of=plan.of,
        wrt=plan.wrt,
        each=plan.each,
        convention=plan.convention,
        bandwidth=plan.bandwidth,
    )
    if progress is not None:
        progress(plan.replicates)
    return result_of(plan, _path_fields(plan, found), told)


def _path_fields(plan: SensitivityPlan, found: Pathwise) -> dict[str, tuple]:
    value, error = _mean_and_error(found.value)
    fields: dict[str, tuple] = {
        "value": (("metric",), value),
        "value_standard_error": (("metric",), error),
    }
    if plan.wrt:
        stacked = np.stack([found.derivative[name] for name in plan.wrt], axis=-1)
        mean, error = _mean_and_error(stacked)
        fields["derivative"] = (("metric", "parameter"), mean)
        fields["standard_error"] = (("metric", "parameter"), error)
    for name, derivative in found.each.items():
        dims = ("metric", "fish", "space")[: derivative.ndim - 1]
        mean, error = _mean_and_error(derivative)
        fields[f"derivative_{name}"], fields[f"standard_error_{name}"] = (dims, mean), (dims, error)
    return fields


def _mean_and_error(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values = values.astype(float)
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))


def _growth(plan: SensitivityPlan, params: Params, key: RandomKey) -> dict[str, Any]:
    """The Lyapunov exponent, and how long a derivative through a run means anything."""
    scenario, n_steps = plan.scenario, plan.window.n_steps
    logs = []
    for number in range(min(N_FOLLOWED, plan.replicates)):
        own = member_key(key, number)
        state = scenario.initial_state(own) if plan.state is None else plan.state
        logs.append(np.asarray(tangent_growth(state, params, own, n_steps=n_steps), float))
    total = np.cumsum(np.mean(logs, axis=0))
    # Of many runs those that part fastest decide the error: the root mean square.
    growth = np.cumsum(logs, axis=1)
    square = np.logaddexp.reduce(2 * growth, axis=0) - np.log(len(logs))
    beyond = np.flatnonzero(square / 2 > np.log(MOST_GROWTH))
    return {
        "lyapunov_exponent": float(total[-1] / (n_steps * scenario.dt)),
        "lyapunov_exponent_units": "s-1",
        "horizon": int(beyond[0]) if len(beyond) else n_steps,
        "horizon_meaning": f"steps until a small difference has grown {MOST_GROWTH:g}-fold "
        "(root mean square over runs); at most n_steps",
    }
