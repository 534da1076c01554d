"""What each command does once its words are parsed: check all, then work, write and show."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import xarray as xr
from matplotlib.figure import Figure

from kadita_jax import plot, study
from kadita_jax.dataset import holds_float64, is_sweep, open_run, reading, unreadable
from kadita_jax.errors import Fault, InvalidInputError, refuse
from kadita_jax.files import final_path, partial_path
from kadita_jax.metrics.convention import convention_faults
from kadita_jax.plan import existing_faults, plan_faults, settle
from kadita_jax.runfile import best_source
from kadita_jax.scenario import Scenario, load_scenario, scenario_names
from kadita_jax.tables import write_tables
from kadita_jax.terminal import metrics_table, paper_table, progress_bar, show
from kadita_jax.tracks import measure_file, measured_or_measure

DTYPES = ("float32", "float64")


def run_all(
    names: list[str] | None,
    changes: dict[str, Any],
    *,
    out: Path,
    dtype: str,
    convention: str,
    overwrite: bool,
) -> None:
    """Run scenarios into a folder, each with its tables and picture, and show the paper's table."""
    faults = use_dtype(dtype) + convention_faults(convention) + _folder_faults(out)

    def load(name: str) -> Scenario:
        return load_scenario(name).replaced(**changes)

    scenarios = _of_each(names or scenario_names(), load, faults)
    targets = {scenario.name: out / f"{scenario.name}.nc" for scenario in scenarios}
    faults += _repeat_faults("NAME", [scenario.name for scenario in scenarios])
    for scenario in scenarios:
        faults += plan_faults(settle(scenario, convention))
        faults += existing_faults(targets[scenario.name], overwrite=overwrite)
    refuse("cannot run", faults)
    out.mkdir(parents=True, exist_ok=True)
    finished = {}
    for scenario in scenarios:
        target = targets[scenario.name]
        run = partial(study.run, scenario, out=target, convention=convention, overwrite=overwrite)
        with progress_bar(scenario.name, scenario.n_steps) as progress:
            finished[scenario.name] = _or_how_to_resume(target, partial(run, progress=progress))
        _write_results(finished[scenario.name], target)
    show(paper_table(finished))


def continue_run(path: Path, n_steps: Any, others: dict[str, Any]) -> None:
    """Continue the run of a file, and write its tables and picture anew.

    Any of the `others`, options that only a new run can have, is refused.
    """
    rule = "must not be given with --resume: the file says it"
    given = {name: value for name, value in others.items() if value is not None}
    refuse("cannot resume", [Fault(n, rule, _shown(value)) for n, value in given.items()])
    path = final_path(path)
    use_dtype(_widest_dtype([best_source(path)]))
    with progress_bar(path.stem, study.steps_planned(path, n_steps)) as progress:
        dataset = _or_how_to_resume(
            path, lambda: study.resume(path, n_steps=n_steps, progress=progress)
        )
    _write_results(dataset, path)
    show(paper_table({path.stem: dataset}))


def measure_all(
    paths: list[Path], *, box_size: Any, convention: str, dtype: str | None, out: Path | None
) -> None:
    """Show the summary of each file's metrics; write their tables into a folder if given."""
    faults = use_dtype(dtype or _widest_dtype(paths))
    if out is not None:
        faults += _folder_faults(out) + _repeat_faults("FILE.nc", [path.stem for path in paths])
    measure = partial(measure_file, box_size=box_size, convention=convention)
    datasets = _of_each(paths, measure, faults)
    refuse("cannot measure", faults)
    for path, dataset in zip(paths, datasets, strict=True):
        show(metrics_table(f"{path} ({convention})", dataset))
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            write_tables(dataset, out, f"{path.stem}_{convention}")


def plot_all(paths: list[Path], *, box_size: Any, convention: str | None, out: Path | None) -> None:
    """Draw the summary picture of each file, beside it or in a folder."""
    targets = [(path.parent if out is None else out) / f"{path.stem}.png" for path in paths]
    faults = use_dtype(_widest_dtype(paths)) + _repeat_faults("FILE.nc", targets)
    faults += [] if out is None else _folder_faults(out)
    draw = partial(_picture, box_size=box_size, convention=convention)
    pictures = _of_each(paths, draw, faults)
    refuse("cannot plot", faults)
    for path, target, picture in zip(paths, targets, pictures, strict=True):
        target.parent.mkdir(parents=True, exist_ok=True)
        with reading(path):
            plot.save(picture(), target)
        print(target)


def _picture(path: Path, *, box_size: Any, convention: str | None) -> Callable[[], Figure]:
    """How to draw the one picture that says what a file holds: a run, tracks, or a sweep."""
    if not unreadable(path) and is_sweep(dataset := open_run(path)):
        given = {"box_size": box_size, "convention": convention}
        rule = "must not be given for a sweep: the file says it"
        wrong = [Fault(n, rule, value) for n, value in given.items() if value is not None]
        refuse("cannot plot", wrong)
        # Drawn at once: only drawing tells whether a file has all that a sweep's has.
        with reading(path):
            figure = plot.sweep_summary(dataset)
        return lambda: figure
    dataset = measured_or_measure(path, box_size=box_size, convention=convention)
    return partial(plot.summary, dataset)


def _shown(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def _or_how_to_resume(path: Path, work: Callable[[], xr.Dataset]) -> xr.Dataset:
    try:
        return work()
    except KeyboardInterrupt:
        saved = partial_path(path).exists()
        hint = f"; continue with: kadita run --resume {path}" if saved else " before any frame"
        raise KeyboardInterrupt(hint) from None


def _write_results(dataset: xr.Dataset, path: Path) -> None:
    write_tables(dataset, path.parent, path.stem)
    plot.save(plot.summary(dataset), path.with_suffix(".png"))
    print(f"{path}  with {path.stem}.png and CSV tables")


def _of_each(names: Iterable[Any], make: Callable, faults: list[Fault]) -> list[Any]:
    """What `make` makes of each name; the faults of those it refuses are added to `faults`."""
    made = []
    for name in names:
        try:
            made.append(make(name))
        except InvalidInputError as error:
            faults += [Fault(f"{name}: {f.field}", f.rule, f.value) for f in error.faults]
    return made


def _folder_faults(folder: Path) -> list[Fault]:
    nearest = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    if nearest.exists() and not nearest.is_dir():
        return [Fault("out", "must be a folder, not a file", str(nearest))]
    return []


def _repeat_faults(field: str, targets: list[Any]) -> list[Fault]:
    if len(set(targets)) == len(targets):
        return []
    return [Fault(field, "must not repeat: results would be overwritten", list(map(str, targets)))]


def _widest_dtype(paths: list[Path]) -> str:
    """float64 if any of the files holds it: nothing a file says is rounded."""
    readable = [path for path in paths if not unreadable(path)]
    return "float64" if any(map(holds_float64, readable)) else "float32"


def use_dtype(dtype: str) -> list[Fault]:
    """Compute in this dtype from now on; the fault of one that does not exist."""
    if dtype not in DTYPES:
        return [Fault("dtype", f"must be {' or '.join(DTYPES)}", dtype)]
    jax.config.update("jax_enable_x64", dtype == "float64")
    return []
