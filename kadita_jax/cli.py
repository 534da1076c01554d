"""The command line: parse, call, print."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from kadita_jax import __version__
from kadita_jax.errors import InvalidInputError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Fish schools in three dimensions: simulate, measure, save and show.",
    epilog="[bold]Example[/bold]  kadita run    [dim]the paper's four schools and its table[/dim]",
)


def _number(kind: type, help: str) -> Any:
    """An option that hands its text on where it is no number: one error then tells all faults."""

    # Typer hands a default to it too, which is a number already.
    def parse(text: Any) -> Any:
        try:
            return kind(text)
        except ValueError:
            return text

    return typer.Option(parser=parse, metavar=kind.__name__, help=help)


def _convention(help: str) -> Any:
    return typer.Option(metavar="reference|corrected", help=help)


def _dtype(help: str) -> Any:
    return typer.Option(metavar="float32|float64", help=help)


BOX_SIZE_HELP = "Side of the periodic box; the file's own unless said."
BoxSizeOption = Annotated[Any, _number(float, BOX_SIZE_HELP)]

RUN_EXAMPLES = """
[bold]Examples[/bold]

kadita run                            [dim]all four, and the paper's table[/dim]

kadita run swarm torus --seed 7       [dim]two of them, another seed[/dim]

kadita scenarios swarm > mine.toml    [dim]a copy to edit[/dim]

kadita run mine.toml --out mine       [dim]... and to run[/dim]

kadita run --resume schools/swarm.nc --n-steps 5000
"""


SWEEP_EXAMPLES = """
[bold]Examples[/bold]

kadita sweep swarm --axis r_orientation=2:15:32 --axis r_attraction=5:20:32 --replicates 4

kadita sweep torus --axis noise=0.01:1:20:log --out noise.nc

kadita sweep mine.toml --axis n_fish=50,100,200 --set speed=2 --set initial=uniform_gas

kadita sweep swarm --axis noise=0.1,0.2 --axis max_turn=0.3,0.4 --zip noise,max_turn

[dim]A killed sweep goes on with the same command.[/dim]
"""


def _show_version(wanted: bool) -> bool:
    if wanted:
        print(f"kadita_jax {__version__}")
        raise typer.Exit
    return wanted


def _turn_off_compile_cache(unwanted: bool) -> bool:
    if unwanted:
        # jax, not imported yet, reads it then.
        os.environ["JAX_ENABLE_COMPILATION_CACHE"] = "false"
    return unwanted


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
    no_compile_cache: Annotated[
        bool,
        typer.Option(
            "--no-compile-cache",
            callback=_turn_off_compile_cache,
            envvar="KADITA_NO_COMPILE_CACHE",
            help="Compile anew, and keep nothing compiled for the next time.",
        ),
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
            print(load_scenario(name).to_toml(with_name=name not in scenario_names()), end="")
            return
        for known in scenario_names():
            print(f"{known:18}{load_scenario(known).title}")


@app.command("run", epilog=RUN_EXAMPLES)
def run(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME or FILE.toml", help="Scenarios; all four when none."),
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
    with _computing():
        changes = {"seed": seed, "n_steps": n_steps, "save_every": save_every}
        if resume is None:
            from kadita_jax.run_job import run_all

            run_all(
                names,
                changes,
                out=Path("schools") if out is None else out,
                dtype=dtype or "float32",
                convention=convention or "reference",
                overwrite=overwrite,
            )
            return
        from kadita_jax import jobs

        others = {"NAME": names, "seed": seed, "save_every": save_every, "dtype": dtype}
        others |= {"convention": convention, "out": out, "overwrite": overwrite or None}
        jobs.continue_run(resume, n_steps, others)


@app.command("sweep", epilog=SWEEP_EXAMPLES)
def sweep(
    name: Annotated[str, typer.Argument(metavar="NAME or FILE.toml", help="The scenario.")],
    axis: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUES",
            help="A parameter, orientation_width, attraction_width or n_fish, and A:B:N, A:B:N:log "
            "or numbers with commas between. Several make a grid.",
        ),
    ] = None,
    zips: Annotated[
        list[str] | None,
        typer.Option("--zip", metavar="NAME,NAME", help="Axes that change together."),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Change the scenario everywhere."),
    ] = None,
    replicates: Annotated[Any, _number(int, "Schools at each point.")] = 1,
    seed: Annotated[Any, _number(int, "Of the random streams.")] = None,
    n_steps: Annotated[Any, _number(int, "Time steps.")] = None,
    measure_every: Annotated[Any, _number(int, "Steps between measurements.")] = 10,
    burn_in: Annotated[Any, _number(int, "Steps before measuring; half unless said.")] = None,
    part_size: Annotated[Any, _number(int, "Members saved together; seconds' worth.")] = None,
    out: Annotated[Path, typer.Option(help="The result; its picture stands beside.")] = Path(
        "phase.nc"
    ),
    keep_final: Annotated[
        bool, typer.Option("--keep-final", help="Keep the schools after the last step.")
    ] = False,
    dtype: Annotated[str, _dtype("Of all arrays.")] = "float32",
    convention: Annotated[str, _convention("Of the metrics.")] = "reference",
    cores: Annotated[Any, _number(int, "CPU cores; all unless said.")] = None,
    distributed: Annotated[
        str | None,
        typer.Option(
            metavar="auto|HOST:PORT,K/N", help="This is one of N processes that share OUT's folder."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a result or an unfinished sweep.")
    ] = False,
) -> None:
    """Run a school at every point of a grid: a NetCDF of means, spreads and states, a picture."""
    with _computing():
        from kadita_jax.sweep_job import sweep_grid

        sweep_grid(
            name,
            axis or [],
            zips or [],
            sets or [],
            changes={"seed": seed, "n_steps": n_steps},
            dtype=dtype,
            cores=cores,
            distributed=distributed,
            out=out,
            replicates=replicates,
            measure_every=measure_every,
            burn_in=burn_in,
            part_size=part_size,
            keep_final=keep_final,
            convention=convention,
            overwrite=overwrite,
        )


@app.command("metrics", epilog="[bold]Example[/bold]  kadita metrics tracks.nc --box-size 25")
def metrics(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE.nc", help="NetCDF of tracks.")],
    convention: Annotated[str, _convention("Of the metrics.")] = "reference",
    box_size: BoxSizeOption = None,
    dtype: Annotated[str | None, _dtype("The file's own unless said.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for CSV tables.")] = None,
) -> None:
    """Measure any file that has positions and headings or velocities."""
    with _computing():
        from kadita_jax import jobs

        jobs.measure_all(paths, box_size=box_size, convention=convention, dtype=dtype, out=out)


@app.command("plot", epilog="[bold]Example[/bold]  kadita plot schools/swarm.nc --out pictures")
def plot(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE.nc", help="NetCDF of tracks.")],
    convention: Annotated[
        str | None, _convention("Measures anew; else as in the file, or reference.")
    ] = None,
    box_size: BoxSizeOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder; beside the file unless said.")] = None,
) -> None:
    """Draw the summary picture of runs or of other programs' tracks."""
    with _computing():
        from kadita_jax import jobs

        jobs.plot_all(paths, box_size=box_size, convention=convention, out=out)


def main() -> None:
    """The entry point of `kadita`."""
    try:
        app()
    finally:
        # All that is alive leaves with the process; to search it for garbage takes a second.
        gc.freeze()


@contextmanager
def _computing() -> Iterator[None]:
    with _errors_as_exit_codes():
        # On some Intel processors XLA logs an error for each program that it finds in the cache
        # (openxla/xla issue 44565); what matters is raised, too.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        from kadita_jax.compile_cache import use_compile_cache

        use_compile_cache()
        yield


@contextmanager
def _errors_as_exit_codes() -> Iterator[None]:
    """2 for wrong input, 1 where the system failed, 130 when interrupted; never a traceback."""
    try:
        yield
    except InvalidInputError as error:
        _leave(error, 2)
    except KeyboardInterrupt as error:
        _leave("".join(["interrupted", *map(str, error.args)]), 130)
    except OSError as error:
        _leave(error, 1)


def _leave(message: object, code: int) -> None:
    print(f"kadita: {message}", file=sys.stderr)
    raise typer.Exit(code)
