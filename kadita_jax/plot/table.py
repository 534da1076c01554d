"""The parameters with their units, as a table."""

from typing import NamedTuple

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from kadita_jax.parameters import PARAMETERS
from kadita_jax.plot.reading import amount, has_number, plain_name, plain_unit
from kadita_jax.plot.style import BODY, FAINT, INK, MUTED, Box, panel
from kadita_jax.plot.zones import ZONES

N_COLUMNS = 2
# So many rows fill the panel's height; a shorter table keeps their height.
FULL_COLUMN = 5


class Row(NamedTuple):
    """One line of the table; `colour` marks a zone, "" marks nothing."""

    name: str
    value: str
    colour: str = ""


def parameter_rows(dataset: xarray.Dataset) -> list[Row]:
    """The parameters that the file names, in plain words and with units."""
    found = {name: dataset.attrs[name] for name in PARAMETERS if has_number(dataset, name)}
    if not np.any(found.get("informed_weight", 0)):
        # No fish is informed: nothing to tell.
        found.pop("informed_weight", None)
    rows = [
        Row(plain_name(name), f"{amount(value)} {plain_unit(name)}", ZONES.get(name, ""))
        for name, value in found.items()
    ]
    given = found.keys() | dataset.coords.keys()
    open_water = [Row("box size", "open water")] if found and "box_size" not in given else []
    return rows + open_water


def draw_table(figure: Figure, box: Box, rows: list[Row]) -> Axes:
    """The rows in two columns at (left, bottom, width, height) inches."""
    axes = panel(figure, box)
    axes.set_axis_off()
    per_column = max(FULL_COLUMN, -(-len(rows) // N_COLUMNS))
    axes.set_xlim(0, N_COLUMNS)
    axes.set_ylim(per_column, 0)
    for place, row in enumerate(rows):
        _write_row(axes, *divmod(place, per_column), row)
    return axes


def _write_row(axes: Axes, column: int, line: int, row: Row) -> None:
    middle, left, right = line + 0.5, column + 0.06, column + 0.92
    axes.text(left, middle, row.name, color=MUTED, va="center", fontsize=BODY)
    axes.text(right, middle, row.value.strip(), color=INK, va="center", ha="right", fontsize=BODY)
    axes.plot([column, right], [line + 1, line + 1], color=FAINT, linewidth=0.5)
    if row.colour:
        swatch = Rectangle((column, middle - 0.22), 0.035, 0.44, color=row.colour, linewidth=0)
        axes.add_patch(swatch)
