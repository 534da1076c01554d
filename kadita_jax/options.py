"""Options that several commands have, and the examples below their help."""

from typing import Annotated, Any

import typer


def number_option(kind: type, help: str, *names: str) -> Any:
    """An option that hands its text on where it is no number: one error then tells all faults."""

    # Typer hands a default to it too, which is a number already.
    def parse(text: Any) -> Any:
        try:
            return kind(text)
        except ValueError:
            return text

    return typer.Option(*names, parser=parse, metavar=kind.__name__, help=help)


CONVENTION_HELP = "Of the metrics; reference in a box, corrected in open water unless said."


def convention_option(help: str = CONVENTION_HELP) -> Any:
    """An option that names a convention of the metrics."""
    return typer.Option(metavar="reference|corrected", help=help, show_default=False)


def dtype_option(help: str) -> Any:
    """An option that names a dtype."""
    return typer.Option(metavar="float32|float64", help=help)


GROUP_HELP = (
    "Fish nearer than that are of one group; unless said r_attraction in open water, and no "
    "groups in a box."
)
GroupDistanceOption = Annotated[Any, number_option(float, GROUP_HELP)]
BOX_SIZE_HELP = "Side of the periodic box; the file's own unless said."
BoxSizeOption = Annotated[Any, number_option(float, BOX_SIZE_HELP)]

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
