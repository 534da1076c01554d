"""The command line: parse, call, print."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from kadita_jax import __version__
from kadita_jax.errors import Fault, InvalidInputError, refuse

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Fish schools in three dimensions: simulate, measure, save and show.",
    epilog="[bold]Example[/bold]  kadita run    [dim]the paper's four schools and its table[/dim]",
)

DTYPES = ("float32", "float64")


def _number(kind: type, help: str) -> Any:
    """An option that hands its text on where it is no number: one error then tells all faults."""

    def parse(text: str) -> Any:
        try:
            return kind(text)
        except ValueError:
            return text

    return typer.Option(parser=parse, metavar=kind.__name__, help=help)


def _convention(help: str) -> Any:
    return typer.Option(metavar="reference|corrected", help=help)


def _dtype(help: str) -> Any:
    return typer.Option(metavar="|".join(DTYPES), help=help)


BoxSizeOption = Annotated[Any, _number(float, "Side of the periodic box, if the file has none.")]

RUN_EXAMPLES = """
[bold]Examples[/bold]

kadita run                            [dim]all four, and the paper's table[/dim]

kadita run swarm torus --seed 7       [dim]two of them, another seed[/dim]

kadita scenarios swarm > mine.toml    [dim]a copy to edit[/dim]

kadita run mine.toml --out mine       [dim]... and to run[/dim]

kadita run --resume schools/swarm.nc --n-steps 5000
"""


def _show_version(wanted: bool) -> bool:
    if wanted:
        print(f"kadita_jax {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None: ...


@app.command("scenarios", epilog="[bold]Example[/bold]  kadita scenarios swarm > mine.toml")
def scenarios(
    name: Annotated[str | None, typer.Argument(help="Print this one's TOML, to edit.")] = None,
) -> None:
    """List the canonical scenarios, or print one as TOML."""
    from kadita_jax.scenario import load_scenario, scenario_names

    with _errors_as_exit_codes():
        if name is not None:
            print(load_scenario(name).to_toml(), end="")
            return
        for known in scenario_names():
            print(f"{known:18}{load_scenario(known).title}")


@app.command("run", epilog=RUN_EXAMPLES)
def run(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME or FILE.toml]...", help="Scenarios; all four when none."),
    ] = None,
    seed: Annotated[Any, _number(int, "Of the random streams.")] = None,
    n_steps: Annotated[Any, _number(int, "Time steps; with --resume the total.")] = None,
    save_every: Annotated[Any, _number(int, "Steps between saved frames.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the results, made if missing.", show_default="schools"),
    ] = None,
    dtype: Annotated[str | None, _dtype("float32 unless said.")] = None,
    convention: Annotated[str | None, _convention("Of the metrics; reference unless said.")] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="FILE.nc", help="Continue this finished or killed run.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results that exist.")
    ] = False,
) -> None:
    """Simulate schools: a NetCDF, a picture and CSV tables each, and a table of all."""
    changes = {"seed": seed, "n_steps": n_steps, "save_every": save_every}
    with _errors_as_exit_codes():
        if resume is None:
            faults = _dtype_faults(dtype)
            _use_dtype(dtype or "float32")
            out = Path("schools") if out is None else out
            _run_all(names, changes, out, convention or "reference", overwrite, faults)
            return
        others = changes | {"NAME": names, "dtype": dtype, "convention": convention}
        others |= {"out": out and str(out), "overwrite": overwrite or None}
        given = {k: v for k, v in others.items() if v is not None and k != "n_steps"}
        rule = "must not be given with --resume: the file says it"
        refuse("cannot resume", [Fault(name, rule, value) for name, value in given.items()])
        _resume(resume, n_steps)


@app.command("metrics", epilog="[bold]Example[/bold]  kadita metrics tracks.nc --box-size 25")
def metrics(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE.nc...")],
    convention: Annotated[str, _convention("Of the metrics.")] = "reference",
    box_size: BoxSizeOption = None,
    dtype: Annotated[str | None, _dtype("The file's own unless said.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for CSV tables.")] = None,
) -> None:
    """Measure any file that has positions and headings or velocities."""
    with _errors_as_exit_codes():
        faults = _dtype_faults(dtype)
        if out is not None:
            faults += _folder_faults(out) + _repeat_faults("FILE.nc", [path.stem for path in paths])
        _use_dtype(dtype or _widest_dtype(paths))
        from kadita_jax.tables import write_tables
        from kadita_jax.terminal import metrics_table, show
        from kadita_jax.tracks import measure_file

        measure = partial(measure_file, box_size=box_size, convention=convention)
        datasets = _of_each(paths, measure, faults)
        refuse("cannot measure", faults)
        for path, dataset in zip(paths, datasets, strict=True):
            show(metrics_table(f"{path} ({convention})", dataset))
            if out is not None:
                out.mkdir(parents=True, exist_ok=True)
                write_tables(dataset, out, path.stem)


@app.command("plot", epilog="[bold]Example[/bold]  kadita plot schools/swarm.nc --out pictures")
def plot(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE.nc...")],
    convention: Annotated[
        str, _convention("Of the metrics, where the file has none.")
    ] = "reference",
    box_size: BoxSizeOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder; beside the file unless said.")] = None,
) -> None:
    """Draw the summary picture of runs or of other programs' tracks."""
    with _errors_as_exit_codes():
        targets = [(path.parent if out is None else out) / f"{path.stem}.png" for path in paths]
        faults = _repeat_faults("FILE.nc", targets)
        if out is not None:
            faults += _folder_faults(out)
        _use_dtype(_widest_dtype(paths))
        from kadita_jax import plot as pictures
        from kadita_jax.dataset import reading
        from kadita_jax.tracks import measured_or_measure

        measure = partial(measured_or_measure, box_size=box_size, convention=convention)
        datasets = _of_each(paths, measure, faults)
        refuse("cannot plot", faults)
        for path, target, dataset in zip(paths, targets, datasets, strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            with reading(path):
                pictures.save(pictures.summary(dataset), target)
            print(target)


def main() -> None:
    """The entry point of `kadita`."""
    app()


def _run_all(
    names: list[str] | None,
    changes: dict[str, Any],
    out: Path,
    convention: str,
    overwrite: bool,
    faults: list[Fault],
) -> None:
    from kadita_jax import study
    from kadita_jax.metrics.convention import convention_faults
    from kadita_jax.scenario import load_scenario, scenario_names
    from kadita_jax.terminal import paper_table, progress_bar, show

    def load(name: str) -> Any:
        return load_scenario(name).replaced(**changes)

    scenarios = _of_each(names or scenario_names(), load, faults)
    targets = {scenario.name: out / f"{scenario.name}.nc" for scenario in scenarios}
    faults += convention_faults(convention) + _folder_faults(out)
    faults += _repeat_faults("NAME", [scenario.name for scenario in scenarios])
    for scenario in scenarios:
        faults += study.plan_faults(study.settle(scenario, convention))
        faults += study.existing_faults(targets[scenario.name], overwrite=overwrite)
    refuse("cannot run", faults)
    out.mkdir(parents=True, exist_ok=True)
    finished = {}
    for scenario in scenarios:
        with progress_bar(scenario.name, scenario.n_steps) as progress:
            finished[scenario.name] = study.run(
                scenario,
                out=targets[scenario.name],
                convention=convention,
                overwrite=overwrite,
                progress=progress,
            )
        _write_results(finished[scenario.name], targets[scenario.name])
    show(paper_table(finished))


def _resume(path: Path, n_steps: Any) -> None:
    from kadita_jax.dataset import best_source

    _use_dtype(_widest_dtype([best_source(path)]))
    from kadita_jax import study
    from kadita_jax.terminal import paper_table, progress_bar, show

    with progress_bar(path.stem, study.steps_planned(path, n_steps)) as progress:
        dataset = study.resume(path, n_steps=n_steps, progress=progress)
    _write_results(dataset, path)
    show(paper_table({path.stem: dataset}))


def _write_results(dataset: Any, path: Path) -> None:
    from kadita_jax import plot as pictures
    from kadita_jax.tables import write_tables

    write_tables(dataset, path.parent, path.stem)
    pictures.save(pictures.summary(dataset), path.with_suffix(".png"))
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


def _dtype_faults(dtype: str | None) -> list[Fault]:
    if dtype is None or dtype in DTYPES:
        return []
    return [Fault("dtype", f"must be {' or '.join(DTYPES)}", dtype)]


def _widest_dtype(paths: list[Path]) -> str:
    """float64 if any of the files holds it: nothing a file says is rounded."""
    from kadita_jax.dataset import holds_float64, unreadable

    readable = [path for path in paths if not unreadable(path)]
    return "float64" if any(map(holds_float64, readable)) else "float32"


def _use_dtype(dtype: str) -> None:
    import jax

    jax.config.update("jax_enable_x64", dtype == "float64")


@contextmanager
def _errors_as_exit_codes() -> Iterator[None]:
    """2 for wrong input, 1 where the system failed, 130 when interrupted; never a traceback."""
    try:
        yield
    except InvalidInputError as error:
        _leave(error, 2)
    except KeyboardInterrupt:
        _leave("interrupted; what was saved can be continued with kadita run --resume", 130)
    except OSError as error:
        _leave(error, 1)


def _leave(message: object, code: int) -> None:
    print(f"kadita: {message}", file=sys.stderr)
    raise typer.Exit(code)
