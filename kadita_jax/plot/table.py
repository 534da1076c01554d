"""The parameters with their units, as a table."""

import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from kadita_jax.parameters import PARAMETERS, RADII
from kadita_jax.plot.reading import amount
from kadita_jax.plot.style import BODY, FAINT, INK, MUTED, panel
from kadita_jax.plot.zones import ZONES

N_COLUMNS = 2


def draw_table(
    figure: Figure, box: tuple[float, float, float, float], dataset: xarray.Dataset
) -> Axes:
    """The parameters that the file names, with units, at (left, bottom, width, height) inches."""
    axes = panel(figure, box)
    axes.set_axis_off()
    rows = parameter_rows(dataset)
    per_column = max(1, -(-len(rows) // N_COLUMNS))
    axes.set_xlim(0, N_COLUMNS)
    axes.set_ylim(max(per_column, 5), 0)
    for place, (name, value, unit, colour) in enumerate(rows):
        column, row = divmod(place, per_column)
        _write_row(axes, column, row + 0.5, name, value, unit)
        if colour:
            _draw_swatch(axes, column, row + 0.5, colour)
    return axes


def parameter_rows(dataset: xarray.Dataset) -> list[tuple[str, str, str, str]]:
    """Name, value, unit and colour of each row, "" where there is none."""
    found = {name: dataset.attrs[name] for name in PARAMETERS if name in dataset.attrs}
    rows = [
        (_plain(name), amount(value), _unit(name), ZONES.get(name, ""))
        for name, value in found.items()
    ]
    if found and "box_size" not in found:
        rows.append(("box", "open water", "", ""))
    return rows


def _plain(name: str) -> str:
    if name in RADII:
        return f"{name.removeprefix('r_')} radius"
    return {"dt": "time step"}.get(name, name.replace("_", " "))


def _unit(name: str) -> str:
    unit = PARAMETERS[name].unit
    return {"1": "", "degree": "°"}.get(unit, unit)


def _write_row(axes: Axes, column: int, height: float, name: str, value: str, unit: str) -> None:
    font = {"va": "center", "fontsize": BODY}
    axes.text(column + 0.06, height, name, color=MUTED, **font)
    axes.text(column + 0.69, height, value, color=INK, ha="right", **font)
    axes.text(column + 0.71, height, unit, color=MUTED, **font)
    axes.plot([column, column + 0.9], [height + 0.5] * 2, color=FAINT, linewidth=0.5)


def _draw_swatch(axes: Axes, column: int, height: float, colour: str) -> None:
    axes.add_patch(Rectangle((column, height - 0.22), 0.035, 0.44, color=colour, linewidth=0))
