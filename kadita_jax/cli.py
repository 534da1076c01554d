"""The command line: parse, call, print."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from kadita_jax import __version__, file_commands, study_commands
from kadita_jax.exits import computing, errors_as_exit_codes, leaving, load_jax
from kadita_jax.options import (
    RUN_EXAMPLES,
    SWEEP_EXAMPLES,
    GroupDistanceOption,
    convention_option,
    dtype_option,
    number_option,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Fish schools in three dimensions: simulate, measure, save and show.",
    epilog="[bold]Example[/bold]  kadita run    [dim]the paper's four schools and its table[/dim]",
)


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
    """List the shipped scenarios, or print one as TOML."""
    from kadita_jax.scenario import load_scenario, scenario_names

    with errors_as_exit_codes():
        if name is not None:
            print(load_scenario(name).to_toml(with_name=name not in scenario_names()), end="")
            return
        for known in scenario_names():
            print(f"{known:29}{load_scenario(known).title}")


@app.command("run", epilog=RUN_EXAMPLES)
def run(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME or FILE.toml", help="Scenarios; the paper's four when none."),
    ] = None,
    seed: Annotated[Any, number_option(int, "Of the random streams.")] = None,
    n_steps: Annotated[Any, number_option(int, "Time steps; with --resume the total.")] = None,
    save_every: Annotated[Any, number_option(int, "Steps between saved frames.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the results, made if missing.", show_default="schools"),
    ] = None,
    dtype: Annotated[str | None, dtype_option("float32 unless said.")] = None,
    convention: Annotated[str | None, convention_option()] = None,
    group_distance: GroupDistanceOption = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.nc",
            help="Continue this killed run, or a finished one to more steps; what else a killed "
            "one lacks, tables and picture, is made.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results that exist.")
    ] = False,
) -> None:
    """Simulate schools: a NetCDF, a picture and CSV tables each, and a table of all."""
    changes = {"seed": seed, "n_steps": n_steps, "save_every": save_every}
    settings = {"out": out, "dtype": dtype, "convention": convention}
    settings |= {"group_distance": group_distance}
    if resume is None:
        _run_anew(names, changes, settings, overwrite)
        return
    others = {"NAME": names, **changes, **settings, "overwrite": overwrite or None}
    with computing(opens_files=True):
        from kadita_jax import jobs

        jobs.continue_run(resume, others.pop("n_steps"), others)


def _run_anew(
    names: list[str] | None, changes: dict[str, Any], settings: dict[str, Any], overwrite: bool
) -> None:
    from kadita_jax.artist import drawing_aside

    # The process that draws takes as long to start as jax does to load.
    with errors_as_exit_codes(), drawing_aside() as draw:
        load_jax()
        from kadita_jax.run_job import run_all

        chosen = settings | {
            "out": settings["out"] or Path("schools"),
            "dtype": "float32" if settings["dtype"] is None else settings["dtype"],
        }
        run_all(names, changes, draw, **chosen, overwrite=overwrite)


@app.command("sweep", epilog=SWEEP_EXAMPLES)
def sweep(
    name: Annotated[str, typer.Argument(metavar="NAME or FILE.toml", help="The scenario.")],
    axis: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUES",
            help="A parameter, orientation_width, attraction_width or n_fish, and FIRST:LAST:N, "
            "FIRST:LAST:N:log or numbers with commas between. Several make a grid.",
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
    replicates: Annotated[Any, number_option(int, "Schools at each point.")] = 1,
    seed: Annotated[Any, number_option(int, "Of the random streams.")] = None,
    n_steps: Annotated[Any, number_option(int, "Time steps.")] = None,
    measure_every: Annotated[Any, number_option(int, "Steps between measurements.")] = 10,
    burn_in: Annotated[Any, number_option(int, "Steps before measuring; half unless said.")] = None,
    part_size: Annotated[Any, number_option(int, "Members saved together; seconds' worth.")] = None,
    out: Annotated[Path, typer.Option(help="The result; its picture stands beside.")] = Path(
        "phase.nc"
    ),
    keep_final: Annotated[
        bool, typer.Option("--keep-final", help="Keep the schools after the last step.")
    ] = False,
    dtype: Annotated[str, dtype_option("Of all arrays.")] = "float32",
    convention: Annotated[str | None, convention_option()] = None,
    group_distance: GroupDistanceOption = None,
    cores: Annotated[Any, number_option(int, "CPU cores; all unless said.")] = None,
    distributed: Annotated[
        str | None,
        typer.Option(
            metavar="auto|HOST:PORT,K/N", help="This is one of N processes that share OUT's folder."
        ),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="tcp://HOST:PORT|local:N", help="Let the workers of a Dask cluster compute."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a result or an unfinished sweep.")
    ] = False,
) -> None:
    """Run a school at every point of a grid: a NetCDF of means, spreads and states, a picture."""
    with computing():
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
            dask=dask,
            out=out,
            replicates=replicates,
            measure_every=measure_every,
            burn_in=burn_in,
            part_size=part_size,
            keep_final=keep_final,
            convention=convention,
            group_distance=group_distance,
            overwrite=overwrite,
        )


app.command("metrics", epilog=file_commands.METRICS_EXAMPLE)(file_commands.metrics)
app.command("plot", epilog=file_commands.PLOT_EXAMPLE)(file_commands.plot)
app.command("view", epilog=file_commands.VIEW_EXAMPLES)(file_commands.view)
app.command("sensitivity", epilog=study_commands.SENSITIVITY_EXAMPLES)(study_commands.sensitivity)
app.command("hysteresis", epilog=study_commands.HYSTERESIS_EXAMPLES)(study_commands.hysteresis)
app.command("calibrate", epilog=study_commands.CALIBRATE_EXAMPLES)(study_commands.calibrate)


def main() -> None:
    """The entry point of `kadita`."""
    with leaving():
        app()
