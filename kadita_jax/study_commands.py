"""The commands that ask what moves a school: parse, call."""

from pathlib import Path
from typing import Annotated, Any

import typer

from kadita_jax.exits import computing
from kadita_jax.options import (
    GroupDistanceOption,
    convention_option,
    dtype_option,
    number_option,
)

SENSITIVITY_EXAMPLES = """
[bold]Examples[/bold]

kadita sensitivity swarm --wrt r_orientation --wrt noise --of polarization

kadita sensitivity mine.toml --wrt r_orientation --n-steps 500 --replicates 512 --set n_fish=100
"""

CALIBRATE_EXAMPLES = """
[bold]Examples[/bold]

kadita calibrate film.nc swarm --wrt r_orientation=1:8 --wrt noise=0.01:0.5

kadita calibrate schools/torus.nc mine.toml --wrt r_orientation=1:8 --out fitted.toml
"""

HYSTERESIS_EXAMPLES = """
[bold]Examples[/bold]

kadita hysteresis couzin2002_torus --parameter orientation_width --from 0 --to 4 --steps 16

kadita hysteresis mine.toml --parameter noise --from 0.01 --to 1 --steps 20 --replicates 4
"""

ScenarioArgument = Annotated[str, typer.Argument(metavar="NAME or FILE.toml", help="The scenario.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Change the scenario."),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace a result that exists.")]


def sensitivity(
    name: ScenarioArgument,
    of: Annotated[
        list[str] | None,
        typer.Option(metavar="METRIC", help="Of which; several times. P and OSI unless said."),
    ] = None,
    wrt: Annotated[
        list[str] | None,
        typer.Option(metavar="PARAMETER", help="By which; several times. The radii unless said."),
    ] = None,
    sets: SetOption = None,
    method: Annotated[
        str, typer.Option(metavar="auto|differences|smoothing|pathwise", help="How.")
    ] = "auto",
    replicates: Annotated[Any, number_option(int, "Schools of the ensemble.")] = 128,
    seed: Annotated[Any, number_option(int, "Of the random streams.")] = None,
    n_steps: Annotated[Any, number_option(int, "Time steps.")] = None,
    measure_every: Annotated[Any, number_option(int, "Steps between measurements.")] = 10,
    burn_in: Annotated[Any, number_option(int, "Steps before measuring; half unless said.")] = None,
    edge_width: Annotated[Any, number_option(float, "Of smooth edges, bl (pathwise).")] = 0.5,
    bandwidth: Annotated[Any, number_option(float, "Of smooth metrics, bins (pathwise).")] = 0.5,
    out: Annotated[Path, typer.Option(help="The result.")] = Path("sensitivity.nc"),
    dtype: Annotated[str, dtype_option("Of all arrays.")] = "float32",
    convention: Annotated[str | None, convention_option()] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """By how much each parameter moves each metric: derivatives with standard errors."""
    with computing():
        from kadita_jax.study_jobs import differentiate

        differentiate(
            name,
            sets or [],
            {"seed": seed, "n_steps": n_steps},
            dtype=dtype,
            out=out,
            overwrite=overwrite,
            of=of,
            wrt=wrt,
            method=method,
            replicates=replicates,
            measure_every=measure_every,
            burn_in=burn_in,
            edge_width=edge_width,
            bandwidth=bandwidth,
            convention=convention,
        )


def calibrate(
    target: Annotated[Path, typer.Argument(metavar="TARGET.nc", help="What to match.")],
    name: ScenarioArgument,
    wrt: Annotated[
        list[str] | None,
        typer.Option(metavar="PARAMETER=LOW:HIGH", help="What to fit; several times."),
    ] = None,
    sets: SetOption = None,
    target_schools: Annotated[Any, number_option(int, "Schools that the target averages.")] = None,
    replicates: Annotated[Any, number_option(int, "Schools of the last ensemble.")] = 256,
    seed: Annotated[Any, number_option(int, "Of the random streams and the scan.")] = None,
    n_steps: Annotated[Any, number_option(int, "Time steps.")] = None,
    measure_every: Annotated[Any, number_option(int, "Steps between measurements.")] = 10,
    burn_in: Annotated[Any, number_option(int, "Steps before measuring; half unless said.")] = None,
    out: Annotated[Path, typer.Option(help="The fitted scenario, to run or to edit.")] = Path(
        "calibrated.toml"
    ),
    dtype: Annotated[str, dtype_option("Of all arrays.")] = "float32",
    convention: Annotated[str | None, convention_option()] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Find the parameters that explain the metrics of a file, and say how well they are known."""
    with computing(opens_files=True):
        from kadita_jax.study_jobs import fit_to

        fit_to(
            target,
            name,
            wrt or [],
            sets or [],
            {"seed": seed, "n_steps": n_steps},
            dtype=dtype,
            out=out,
            overwrite=overwrite,
            target_schools=target_schools,
            replicates=replicates,
            measure_every=measure_every,
            burn_in=burn_in,
            convention=convention,
        )


def hysteresis(
    name: ScenarioArgument,
    parameter: Annotated[
        str | None, typer.Option(metavar="PARAMETER", help="A parameter or a zone's width.")
    ] = None,
    low: Annotated[Any, number_option(float, "Where the loop begins and ends.", "--from")] = None,
    high: Annotated[Any, number_option(float, "Where it turns round.", "--to")] = None,
    steps: Annotated[Any, number_option(int, "Equal steps of the parameter between.")] = 16,
    sets: SetOption = None,
    replicates: Annotated[Any, number_option(int, "Schools that go through the loop.")] = 16,
    seed: Annotated[Any, number_option(int, "Of the random streams.")] = None,
    n_steps: Annotated[Any, number_option(int, "Time steps at each value.")] = 2000,
    measure_every: Annotated[Any, number_option(int, "Steps between measurements.")] = 10,
    burn_in: Annotated[
        Any, number_option(int, "Steps at a value before measuring; half unless said.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The result; its picture stands beside.")] = Path(
        "hysteresis.nc"
    ),
    dtype: Annotated[str, dtype_option("Of all arrays.")] = "float32",
    convention: Annotated[str | None, convention_option()] = None,
    group_distance: GroupDistanceOption = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Lead schools up a range of one parameter and down again: what do they remember?"""
    with computing():
        from kadita_jax.loop_job import go_through

        go_through(
            name,
            parameter,
            (low, high, steps),
            sets or [],
            {"seed": seed},
            dtype=dtype,
            out=out,
            overwrite=overwrite,
            replicates=replicates,
            n_steps=n_steps,
            measure_every=measure_every,
            burn_in=burn_in,
            convention=convention,
            group_distance=group_distance,
        )
