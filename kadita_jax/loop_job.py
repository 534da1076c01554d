"""What `kadita hysteresis` does once its words are parsed."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from rich.table import Table

import kadita_jax
from kadita_jax.devices import use_all_cores
from kadita_jax.errors import Fault, InvalidInputError, count_faults
from kadita_jax.files import picture_path
from kadita_jax.hysteresis_loop import gone_through
from kadita_jax.hysteresis_plan import BRANCHES, Loop, settled_loop
from kadita_jax.job_checks import picture_faults, use_dtype
from kadita_jax.journal import Journal, journal_path
from kadita_jax.parameters import as_numbers
from kadita_jax.sweep_words import read_set_words
from kadita_jax.terminal import SHOWN, progress_bar, show

ELSEWHERE = {
    "n_steps": "an option of its own sets it",
    "seed": "an option of its own sets it",
    "save_every": "no frames are saved",
}


def go_through(
    name: str,
    parameter: str | None,
    course: tuple[Any, Any, Any],
    set_words: list[str],
    changes: dict[str, Any],
    *,
    dtype: str,
    out: Path,
    **options: Any,
) -> None:
    """Lead schools up and down a parameter into a file, with its picture and a table."""
    faults = [*use_dtype(dtype), *picture_faults(out)]
    values = _values(*course, faults)
    if parameter is None:
        faults.append(Fault("parameter", "must be given", None))
    changes = read_set_words(set_words, ELSEWHERE, faults) | changes
    # In a program where jax has already started, its devices stay as they are.
    with suppress(InvalidInputError):
        use_all_cores()
    given = "orientation_width" if parameter is None else parameter
    loop = settled_loop(name, given, values, changes=changes, out=out, known=faults, **options)
    dataset = _told(loop, out)
    kadita_jax.plot.save(kadita_jax.plot.hysteresis(dataset), picture_path(out))
    show(branches_table(dataset))
    print(f"{out}  with {picture_path(out).name}")


def _values(low: Any, high: Any, steps: Any, faults: list[Fault]) -> list[float]:
    """So many equal steps from one number to another; of wrong words two numbers that would do."""
    found = dict(zip(("from", "to"), map(as_numbers, (low, high)), strict=True))
    wrong = [
        Fault(word, "must be a finite number", said)
        for (word, number), said in zip(found.items(), (low, high), strict=True)
        if number is None or not np.isfinite(number)
    ]
    wrong += count_faults({"steps": steps})
    if not wrong and not low < high:
        wrong.append(Fault("to", f"must be above from = {low}: the loop rises first", high))
    faults += wrong
    return [0.0, 1.0] if wrong else np.linspace(low, high, steps + 1).tolist()


def _told(loop: Loop, out: Path) -> xr.Dataset:
    n_stages = len(loop.stages)
    try:
        with progress_bar(loop.plan.grid.scenario.name, n_stages, "values") as progress:
            return gone_through(loop, progress)
    except KeyboardInterrupt:
        saved = len(Journal(journal_path(out), loop.settings).present())
        hint = f"; {saved} of {n_stages} values are saved: the same command goes on"
        raise KeyboardInterrupt(hint if saved else " before any value was saved") from None


def branches_table(dataset: xr.Dataset) -> Table:
    """P, M and OSI of both branches at every value, means over the replicates."""
    parameter = dataset.attrs["parameter"]
    about = f"{dataset.attrs['replicates']} schools, {dataset.attrs['n_steps']} steps at a value"
    table = Table(title=f"{dataset.attrs['title']}", caption=f"mean ± standard error; {about}")
    table.add_column(parameter, justify="right")
    for branch in BRANCHES:
        for label in SHOWN.values():
            table.add_column(f"{label} {branch}", justify="right")
    for value in dataset[parameter].values:
        point = dataset.sel({parameter: value})
        cells = [_cell(point.sel(branch=branch), name) for branch in BRANCHES for name in SHOWN]
        table.add_row(f"{value:.4g}", *cells)
    return table


def _cell(point: xr.Dataset, name: str) -> str:
    mean, error = float(point[f"{name}_mean"].mean()), float(point[f"{name}_standard_error"])
    return f"{mean:.3f} ± {error:.3f}" if np.isfinite(error) else f"{mean:.3f}"
