"""What each command does once its words are parsed: check all, then work, write and show."""

import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import jax
import xarray as xr
from matplotlib.figure import Figure

from kadita_jax import plot, study, sweeps
from kadita_jax.dataset import holds_float64, is_sweep, open_run, reading, unreadable
from kadita_jax.devices import join_processes, process_faults, use_all_cores
from kadita_jax.errors import Fault, InvalidInputError, count_faults, refuse
from kadita_jax.files import final_path, partial_path
from kadita_jax.journal import journal_path
from kadita_jax.metrics.convention import convention_faults
from kadita_jax.plan import existing_faults, plan_faults, settle
from kadita_jax.prepare import Prepared, described, prepare
from kadita_jax.runfile import best_source
from kadita_jax.scenario import Scenario, load_scenario, scenario_names
from kadita_jax.sweep_words import read_axis_words, read_set_words
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
    faults = _use_dtype(dtype) + convention_faults(convention) + _folder_faults(out)

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
    _use_dtype(_widest_dtype([best_source(path)]))
    with progress_bar(path.stem, study.steps_planned(path, n_steps)) as progress:
        dataset = _or_how_to_resume(
            path, lambda: study.resume(path, n_steps=n_steps, progress=progress)
        )
    _write_results(dataset, path)
    show(paper_table({path.stem: dataset}))


def sweep_grid(
    name: str,
    axis_words: list[str],
    zip_words: list[str],
    set_words: list[str],
    *,
    changes: dict[str, Any],
    dtype: str,
    cores: Any,
    distributed: str | None,
    out: Path,
    **options: Any,
) -> None:
    """Sweep a scenario over a grid into a file, with its picture."""
    faults = _use_dtype(dtype) + _device_faults(cores, distributed) + _picture_faults(out)
    axes = read_axis_words(axis_words, zip_words, faults)
    given = {field: value for field, value in changes.items() if value is not None}
    changes = read_set_words(set_words, _said_elsewhere(axes, given), faults) | given
    if not faults:
        _use_devices(cores, distributed)
    prepared = prepare(name, axes, changes=changes, out=out, known=faults, **options)
    begin = time.monotonic()
    n_before, n_members = prepared.n_done, prepared.plan.n_computed
    if sweeps.is_first_process():
        print(*described(prepared), sep="\n", file=sys.stderr)
    dataset = _swept(prepared, name, out)
    if sweeps.is_first_process():
        plot.save(plot.sweep_summary(dataset), out.with_suffix(".png"))
        print(f"{out}  with {out.stem}.png: {_sweep_line(prepared, n_members - n_before, begin)}")


def _swept(prepared: Prepared, name: str, out: Path) -> xr.Dataset:
    n_members = prepared.plan.n_computed
    try:
        with progress_bar(name, n_members, "members", done=prepared.n_done) as progress:
            return sweeps.compute(prepared, progress)
    except KeyboardInterrupt:
        saved = replace(prepared, overwrite=False).n_done
        again = "the same command without --overwrite" if prepared.overwrite else "the same command"
        hint = f"; {saved:,} of {n_members:,} members are saved: {again} goes on"
        where = f"{hint} ({journal_path(out)})"
        raise KeyboardInterrupt(where if saved else " before any part was saved") from None


def _sweep_line(prepared: Prepared, n_computed: int, begin: float) -> str:
    seconds = time.monotonic() - begin
    rate = f"{n_computed:,} in {seconds:,.1f} s, {n_computed / seconds:,.1f} members/s"
    return f"{prepared.plan.grid.n_members:,} members, {rate} with compiling and drawing"


def _said_elsewhere(axes: Iterable[Any], given: Iterable[str]) -> dict[str, str]:
    """The fields that `--set` may not name, and why."""
    swept = chain.from_iterable(name if isinstance(name, tuple) else (name,) for name in axes)
    return {
        **dict.fromkeys(swept, "an axis sets it"),
        **dict.fromkeys(given, "an option of its own sets it"),
        "save_every": "a sweep saves no frames",
    }


def _picture_faults(out: Path) -> list[Fault]:
    if out.suffix.lower() != ".png":
        return []
    rule = "must not end in .png: the picture, which stands beside the result, does"
    return [Fault("out", rule, str(out))]


def _device_faults(cores: Any, distributed: str | None) -> list[Fault]:
    faults = [] if cores is None else count_faults({"cores": cores})
    return faults + ([] if distributed is None else process_faults(distributed))


def _use_devices(cores: Any, distributed: str | None) -> None:
    if cores is not None:
        use_all_cores(cores)
    else:
        # In a program where jax has already started, its devices stay as they are.
        with suppress(InvalidInputError):
            use_all_cores()
    if distributed is not None:
        join_processes(distributed)


def measure_all(
    paths: list[Path], *, box_size: Any, convention: str, dtype: str | None, out: Path | None
) -> None:
    """Show the summary of each file's metrics; write their tables into a folder if given."""
    faults = _use_dtype(dtype or _widest_dtype(paths))
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
    faults = _use_dtype(_widest_dtype(paths)) + _repeat_faults("FILE.nc", targets)
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


def _use_dtype(dtype: str) -> list[Fault]:
    if dtype not in DTYPES:
        return [Fault("dtype", f"must be {' or '.join(DTYPES)}", dtype)]
    jax.config.update("jax_enable_x64", dtype == "float64")
    return []
