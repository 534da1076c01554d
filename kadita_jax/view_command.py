"""The command that opens a file in the browser."""

from pathlib import Path
from typing import Annotated

import typer

from kadita_jax.exits import computing

VIEW_EXAMPLES = """
[bold]Examples[/bold]

kadita view schools/torus.nc                   [dim]a school in motion[/dim]

kadita view schools/torus.nc --frames 500:900:2

kadita view phase.nc --out phase.html          [dim]a sweep to hover over[/dim]
"""


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
