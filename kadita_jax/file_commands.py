"""The commands that read files: they measure, draw and show what is there."""

from pathlib import Path
from typing import Annotated, Any

import typer

from kadita_jax.exits import computing
from kadita_jax.options import BoxSizeOption, convention_option, dtype_option, number_option

METRICS_EXAMPLE = "[bold]Example[/bold]  kadita metrics tracks.nc --box-size 25"
PLOT_EXAMPLE = "[bold]Example[/bold]  kadita plot schools/swarm.nc --out pictures"
VIEW_EXAMPLES = """
[bold]Examples[/bold]

kadita view schools/torus.nc                   [dim]a school in motion[/dim]

kadita view schools/torus.nc --frames 500:900:2

kadita view phase.nc --out phase.html          [dim]a sweep to hover over[/dim]
"""


def metrics(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE.nc", help="NetCDF of tracks.")],
    convention: Annotated[str | None, convention_option()] = None,
    box_size: BoxSizeOption = None,
    dtype: Annotated[str | None, dtype_option("The file's own unless said.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for CSV tables.")] = None,
) -> None:
    """Measure any file that has positions and headings or velocities."""
    with computing(opens_files=True):
        from kadita_jax import jobs

        jobs.measure_all(paths, box_size=box_size, convention=convention, dtype=dtype, out=out)


def plot(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE.nc", help="NetCDF of tracks.")],
    convention: Annotated[
        str | None, convention_option("Measures anew; else as in the file.")
    ] = None,
    box_size: BoxSizeOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder; beside the file unless said.")] = None,
    animate: Annotated[
        Path | None,
        typer.Option(metavar="FILM.mp4|.gif", help="Write a film of one run instead."),
    ] = None,
    frames: Annotated[
        str | None, typer.Option(metavar="A:B:STRIDE", help="Of the film; all unless said.")
    ] = None,
    trail: Annotated[Any, number_option(int, "Of the film: frames of each path shown.")] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Of the film: the camera moves with the school.")
    ] = False,
    fps: Annotated[
        Any,
        number_option(
            float, "Of the film: frames per second, at most 100, of a .gif 50; 25 unless said."
        ),
    ] = None,
) -> None:
    """Draw the summary picture of runs or of other programs' tracks, or film one."""
    with computing(opens_files=True):
        from kadita_jax import film_job, jobs

        source = {"box_size": box_size, "convention": convention}
        moving = {"frames": frames, "trail": trail, "follow": follow or None, "fps": fps}
        if animate is None:
            film_job.refuse_without_film(moving)
            jobs.plot_all(paths, **source, out=out)
        else:
            film_job.film(paths, animate, out=out, **source, **moving)


def view(
    path: Annotated[Path, typer.Argument(metavar="FILE.nc", help="A run, tracks or a sweep.")],
    out: Annotated[
        Path | None,
        typer.Option(help="The page; beside the file unless said.", show_default=False),
    ] = None,
    frames: Annotated[
        str | None,
        typer.Option(metavar="A:B:STRIDE", help="Of a run; all unless said."),
    ] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Write the page, and do not open it.")
    ] = False,
) -> None:
    """Watch a school in motion, or hover over a sweep: one HTML file that needs no network."""
    with computing(opens_files=True):
        from kadita_jax.view_job import view_file

        view_file(path, out=out, frames=frames, is_opened=not no_browser)
