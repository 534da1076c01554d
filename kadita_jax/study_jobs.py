"""What `kadita sensitivity` and `kadita calibrate` do once their words are parsed."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import xarray as xr
from rich.table import Table

import kadita_jax
from kadita_jax import calibration_plan
from kadita_jax.calibration import Calibration, calibrated
from kadita_jax.devices import use_all_cores
from kadita_jax.errors import Fault, InvalidInputError
from kadita_jax.files import picture_path, replacing
from kadita_jax.job_checks import picture_faults, use_dtype
from kadita_jax.parameters import PARAMETERS
from kadita_jax.plan import finished_faults, folder_faults
from kadita_jax.sensitivities import differentiated
from kadita_jax.sensitivity_plan import settled
from kadita_jax.sensitivity_result import noise_of
from kadita_jax.sweep_words import read_bound_words, read_set_words
from kadita_jax.terminal import progress_bar, show

TOLD = "{}  with {}.png"
OPTION_OF = "an option of its own sets it"


def differentiate(
    name: str,
    set_words: list[str],
    changes: dict[str, Any],
    *,
    dtype: str,
    out: Path,
    overwrite: bool,
    of: list[str] | None,
    wrt: list[str] | None,
    **options: Any,
) -> None:
    """Print the derivatives of a scenario's metrics, and write them to a file."""
    faults = [*use_dtype(dtype), *result_faults(out, overwrite)]
    changes = _changes(set_words, changes, faults)
    _use_cores()
    plan = settled(
        name,
        changes,
        of=of or ("polarization", "oceanic_schooling_index"),
        wrt=wrt or ("r_repulsion", "r_orientation", "r_attraction"),
        each=(),
        half_step=None,
        exact=False,
        state=None,
        known=faults,
        **options,
    )
    with progress_bar(plan.scenario.name, plan.n_runs, "runs") as progress:
        dataset = differentiated(plan, progress)
    with replacing(out) as partial:
        dataset.to_netcdf(partial, engine="netcdf4")
    kadita_jax.plot.save(kadita_jax.plot.sensitivities(dataset), picture_path(out))
    show(derivatives_table(dataset))
    for warning in noise_of(dataset):
        print(f"kadita: {warning}", file=sys.stderr)
    print(TOLD.format(out, out.stem))


def derivatives_table(dataset: xr.Dataset) -> Table:
    """Every derivative with its standard error, a row a parameter and a column a metric."""
    size = f"{dataset.attrs['replicates']} replicates of {dataset.attrs['n_fish']} fish"
    about = f"{dataset.attrs['method']}, {size}, {dataset.attrs['n_steps']} steps"
    table = Table(title=f"d metric / d parameter: {dataset.attrs['scenario_name']}", caption=about)
    table.add_column("parameter", no_wrap=True)
    for metric, value in zip(dataset["metric"].values, dataset["value"].values, strict=True):
        table.add_column(f"{metric}\n{value:.3f}", justify="right")
    for parameter in dataset["parameter"].values:
        row = dataset.sel(parameter=parameter)
        unit, value = row["parameter_unit"].item(), float(row["parameter_value"])
        cells = [
            f"{slope:.3g} ± {error:.1g}"
            for slope, error in zip(row["derivative"], row["standard_error"], strict=True)
        ]
        table.add_row(f"{parameter} = {value:.4g} {unit}", *cells)
    return table


def fit_to(
    target: Path,
    name: str,
    wrt_words: list[str],
    set_words: list[str],
    changes: dict[str, Any],
    *,
    dtype: str,
    out: Path,
    overwrite: bool,
    **options: Any,
) -> None:
    """Print the parameters that explain a file's metrics, and write the scenario that has them."""
    faults = [*use_dtype(dtype), *result_faults(out, overwrite)]
    changes = _changes(set_words, changes, faults)
    bounds = read_bound_words(wrt_words, faults)
    _use_cores()
    plan = calibration_plan.settled(name, target, changes, wrt=bounds, known=faults, **options)
    with progress_bar(plan.scenario.name, plan.most_runs, "runs") as progress:
        found = calibrated(plan, progress)
    with replacing(out) as partial:
        partial.write_text(found.scenario.to_toml(with_name=False), "utf-8")
    kadita_jax.plot.save(kadita_jax.plot.calibration(found), picture_path(out))
    show(parameters_table(found))
    show(fit_table(found))
    print(found.verdict)
    print(TOLD.format(out, out.stem))


def parameters_table(found: Calibration) -> Table:
    """Each fitted parameter with its standard error."""
    table = Table(title="fitted", caption=f"{found.n_runs:,} schools, misfit {found.misfit:.2f}")
    table.add_column("parameter", no_wrap=True)
    table.add_column("value", justify="right")
    for name, value in found.parameters.items():
        error, unit = found.standard_errors[name], PARAMETERS[name].unit
        table.add_row(name, f"{value:.4g} ± {error:.2g} {unit}")
    return table


def fit_table(found: Calibration) -> Table:
    """Each metric of the target beside the fitted ensemble's."""
    table = Table(title="metrics", caption="deviation: in standard errors")
    table.add_column("metric", no_wrap=True)
    for heading in ("target", "fitted", "deviation"):
        table.add_column(heading, justify="right")
    for name in found.metrics["metric"].values:
        row = found.metrics.sel(metric=name)
        forms = {"target": ".4f", "fitted": ".4f", "deviation": ".1f"}
        table.add_row(name, *(f"{float(row[key]):{form}}" for key, form in forms.items()))
    return table


def result_faults(out: Path, overwrite: bool) -> list[Fault]:
    """Why a result may not be written to this path."""
    return (
        picture_faults(out)
        or folder_faults(out)
        or finished_faults(out, "choose another", overwrite=overwrite)
    )


def _changes(set_words: list[str], changes: dict[str, Any], faults: list[Fault]) -> dict[str, Any]:
    given = {field: value for field, value in changes.items() if value is not None}
    elsewhere = dict.fromkeys(given, OPTION_OF) | {"save_every": "no frames are saved"}
    return read_set_words(set_words, elsewhere, faults) | given


def _use_cores() -> None:
    # In a program where jax has already started, its devices stay as they are.
    with suppress(InvalidInputError):
        use_all_cores()
