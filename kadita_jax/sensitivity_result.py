"""The result of a study of derivatives: its Dataset, and what in it may be noise."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

from kadita_jax import provenance
from kadita_jax.parameters import PARAMETERS
from kadita_jax.plan import default_dtype
from kadita_jax.sensitivity_plan import SensitivityPlan

# Derivatives through a run are told to be noise once a small difference has grown so much: their
# standard error grows with it, and 100 times the replicates would be needed to make up for it.
MOST_GROWTH = 10.0
# A derivative within so many standard errors of 0 may be noise.
FEW_ERRORS = 2.0

MEANINGS: Mapping[str, str] = {
    "value": "mean over all runs, those moved to either side, of the metric's mean over the window",
    "value_standard_error": "standard error of the mean over replicates",
    "derivative": "derivative of the mean by the parameter, in the metric's unit by its unit",
    "standard_error": "standard error of the derivative",
    "signal_to_noise": "size of the derivative in standard errors",
    "half_step": "how far the parameter was moved to either side",
    "parameter_value": "value of the parameter that the derivative is taken at",
    "parameter_unit": "unit of the parameter",
}


def result_of(plan: SensitivityPlan, fields: dict[str, tuple], told: dict[str, Any]) -> xr.Dataset:
    """The result with its coordinates and where it came from."""
    values = [float(np.mean(plan.values[name])) + plan.offset[name] for name in plan.wrt]
    units = [PARAMETERS[name].unit for name in plan.wrt]
    coords = {
        "metric": list(plan.of),
        "parameter": list(plan.wrt),
        "parameter_value": ("parameter", np.array(values, float)),
        "parameter_unit": ("parameter", np.array(units, dtype=str)),
    }
    dataset = xr.Dataset(fields, coords)
    if "derivative" in dataset:
        with np.errstate(divide="ignore", invalid="ignore"):
            noise = np.abs(dataset["derivative"]) / dataset["standard_error"]
        dataset["signal_to_noise"] = noise
    window = {"measure_every": plan.window.every, "burn_in": plan.window.burn_in}
    asked = {"method": plan.method, "replicates": plan.replicates, **window}
    if plan.method == "pathwise":
        asked |= {"edge_width": plan.edge_width, "bandwidth": plan.bandwidth}
        asked |= {"exact": int(plan.exact)}
    about = provenance.attributes(plan.scenario, plan.convention, default_dtype())
    title = f"Derivatives of {', '.join(plan.of)}: {plan.scenario.name}"
    _describe(dataset)
    return dataset.assign_attrs(about | {"title": title} | asked | told)


def _describe(dataset: xr.Dataset) -> None:
    for name in map(str, dataset.variables):
        if name not in dataset.dims:
            meaning = MEANINGS.get(name, f"{name.replace('_', ' ')} of each fish")
            dataset[name].attrs["long_name"] = meaning
        if dataset[name].dtype.kind == "U":
            # The CF checker does not read strings of variable length.
            dataset[name].encoding["dtype"] = "S1"


def noise_of(dataset: xr.Dataset) -> Iterator[str]:
    """Sentences that tell which derivatives may be noise, and of a run beyond its horizon."""
    n_steps, horizon = dataset.attrs["n_steps"], dataset.attrs.get("horizon")
    if horizon is not None and horizon < n_steps:
        yield (
            f"derivatives through {n_steps} steps are noise: small differences have grown "
            f"{MOST_GROWTH:g}-fold after {horizon}; take fewer steps, or method 'differences'"
        )
    if "signal_to_noise" not in dataset:
        return
    weak = [
        f"{metric} by {parameter} ({float(ratio):.1f})"
        for metric, row in zip(dataset["metric"].values, dataset["signal_to_noise"], strict=True)
        for parameter, ratio in zip(dataset["parameter"].values, row.values, strict=True)
        if not ratio > FEW_ERRORS
    ]
    if weak:
        yield (
            f"{len(weak)} of {dataset['derivative'].size} derivatives are within {FEW_ERRORS:g} "
            f"standard errors of 0, and may be noise: {', '.join(weak)}"
        )
