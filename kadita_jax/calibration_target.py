"""The metrics that a calibration is to match: named numbers, a Dataset, or a file of any kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from kadita_jax.dataset import is_sweep, mean_and_std, open_run, second_half
from kadita_jax.errors import Fault, InvalidInputError, unknown
from kadita_jax.metrics.entropies import FEWEST_FISH
from kadita_jax.names import NAMES
from kadita_jax.parameters import as_numbers
from kadita_jax.tracks import has_tracks, measure_file

# These follow from other metrics: weighed with them they would count twice.
DERIVED = ("order_index", "oceanic_schooling_index")


@dataclass(frozen=True)
class Target:
    """Metrics by name, and of how many schools they are the mean."""

    values: Mapping[str, float]
    schools: int = 1


def read_target(target: Any, convention: Any, faults: list[Fault]) -> Target:
    """What to match; what is wrong joins `faults`, and nothing is then in the Target.

    A file of positions and headings is measured under the convention, unless it was already.
    """
    if isinstance(target, (str, Path)):
        return _of_file(Path(target), convention, faults)
    if isinstance(target, xr.Dataset):
        return _of_dataset(target, convention, faults)
    if isinstance(target, Mapping):
        return _of_numbers(target, faults)
    faults.append(Fault("target", "must map names of metrics to numbers", target))
    return Target({})


def target_faults(target: Target, n_fish: int, n_parameters: int) -> list[Fault]:
    """Why so many parameters of a school of so many fish cannot be fitted to a target."""
    faults = [
        Fault(f"target {name}", f"must be left out, or n_fish >= {fewest}", n_fish)
        for name, fewest in FEWEST_FISH.items()
        if name in target.values and n_fish < fewest
    ]
    if target.values and len(target.values) < n_parameters:
        rule = f"must hold at least as many metrics as parameters are fitted, {n_parameters}"
        faults.append(Fault("target", rule, list(target.values)))
    return faults


def _of_numbers(target: Mapping, faults: list[Fault]) -> Target:
    wrong = []
    for name, value in target.items():
        number = as_numbers(value)
        if name not in NAMES:
            wrong.append(unknown(f"target {name}", NAMES, value))
        elif number is None or number.ndim or not np.isfinite(number):
            wrong.append(Fault(f"target {name}", "must be one finite number", value))
    used = {} if wrong else {n: float(target[n]) for n in NAMES if n in target and n not in DERIVED}
    if not wrong and not used:
        rule = f"must hold a metric that does not follow from others, as {' and '.join(DERIVED)} do"
        wrong.append(Fault("target", rule, list(target)))
    faults += wrong
    return Target(used)


def _of_file(path: Path, convention: Any, faults: list[Fault]) -> Target:
    try:
        with open_run(path) as dataset:
            is_film = has_tracks(dataset) and not is_sweep(dataset)
            if is_film and dataset.attrs.get("convention") != convention:
                dataset = measure_file(path, convention=convention)
            return _of_dataset(dataset.load(), convention, faults)
    except InvalidInputError as error:
        faults += [Fault(f"target {f.field}", f.rule, f.value) for f in error.faults]
        return Target({})


def _of_dataset(dataset: xr.Dataset, convention: Any, faults: list[Fault]) -> Target:
    own = dataset.attrs.get("convention", convention)
    if own != convention:
        faults.append(Fault("convention", f"must be the target's, {own}", convention))
    if is_sweep(dataset):
        return _of_replicates(dataset, faults)
    means = {
        name: mean_and_std(second_half(dataset[name].values.astype(float)))[0]
        for name in NAMES
        if name in dataset and dataset[name].dims == ("time",)
    }
    return _of_means(means, 1, faults)


def _of_replicates(dataset: xr.Dataset, faults: list[Fault]) -> Target:
    no_axes = ("replicate", "fish", "space")
    axes = {str(dim): size for dim, size in dataset.sizes.items() if dim not in no_axes}
    if any(size > 1 for size in axes.values()):
        rule = "must be one point of the sweep, as dataset.isel(AXIS=0) gives"
        faults.append(Fault("target", rule, axes))
        return Target({})
    names = [name for name in NAMES if f"{name}_mean" in dataset]
    means = {name: float(dataset[f"{name}_mean"].mean()) for name in names}
    return _of_means(means, dataset.sizes["replicate"], faults)


def _of_means(means: Mapping[str, float], schools: int, faults: list[Fault]) -> Target:
    """A metric that was undefined for its fish is no target."""
    values = {n: x for n, x in means.items() if n not in DERIVED and np.isfinite(x)}
    if not values:
        rule = "must hold metrics over time, their means over replicates, or positions and headings"
        faults.append(Fault("target", rule, "none of them"))
    return Target(values, schools)
