"""One picture per sweep that says what the schools did, and where."""

from types import MappingProxyType

import numpy as np
import xarray
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from kadita_jax.parameters import PARAMETERS
from kadita_jax.plot.grid import Grid, average, leading_state, read_grid, states_of
from kadita_jax.plot.labels import (
    capital,
    fish,
    mean_note,
    metric_label,
    reach,
    replicates,
    scenario_name,
    window,
)
from kadita_jax.plot.lines import band_note, chance_labels, draw_lines, hide_places
from kadita_jax.plot.maps import draw_colour_bar, draw_map, draw_state_map
from kadita_jax.plot.page import draw_key, key_entries
from kadita_jax.plot.reading import cut, footer, joined
from kadita_jax.plot.states import colours_note, draw_shares, shares_note
from kadita_jax.plot.style import (
    MUTED,
    SMALL,
    SUBTITLE,
    TINY,
    TITLE,
    headline,
    panel,
    style,
    write,
)
from kadita_jax.plot.summary import LEFT, RIGHT, SIZE, UPPER, add_parameters
from kadita_jax.plot.timeline import LINES, end_label, write_labels

# (left, bottom, width, height) of the large panels, in inches.
STATE_BOX = (1.05, 2.85, 4.65, 4.15)
ORDER_BOX, SHARES_BOX = (0.9, 5.0, 9.8, 2.0), (0.9, 2.8, 9.8, 1.4)
METRICS = tuple(name for name, *_ in LINES)
FOOTER = MappingProxyType(
    {
        "kadita_jax_version": "kadita_jax",
        "seed": "seed",
        "n_steps": "steps",
        "window": "window: steps",
        "replicates": "replicates",
        "convention": "convention",
        "dtype": "",
        "device": "",
    }
)


def sweep_summary(dataset: xarray.Dataset) -> Figure:
    """The states of a sweep with its order and index, and its fixed parameters, on one page.

    Two axes make maps, one axis makes lines; further axes are cut at their middle, and the page
    says where. Works without a display and leaves matplotlib's global state alone; `save` writes
    the figure.

    **Arguments:**

    - `dataset`: a sweep, as `kadita_jax.sweep` returns it or xarray opens its file, or a part of
        one. Attributes that are absent are left out.

    **Returns:** a figure of 13 x 9 inches.
    """
    grid = read_grid(dataset, "state", *(f"{metric}_mean" for metric in METRICS))
    with style():
        figure = Figure(figsize=SIZE)
        _write_title(figure, grid)
        (_add_maps if len(grid.axes) == 2 else _add_lines)(figure, grid)
        add_parameters(figure, _with_chosen(grid))
        _write_footer(figure, grid)
    return figure


def _write_title(figure: Figure, grid: Grid) -> None:
    title = capital(f"{scenario_name(grid)} sweep".strip())
    swept = " × ".join(reach(axis) for axis in grid.axes)
    line = joined([cut(swept, 90), fish(grid), replicates(grid, "state")])
    write(figure, LEFT, 8.42, title, fontsize=TITLE, fontweight="bold")
    write(figure, LEFT, 8.1, line, fontsize=SUBTITLE, color=MUTED)
    write(figure, LEFT, 7.87, cut(grid.where, 150), fontsize=SMALL, color=MUTED)


def _add_maps(figure: Figure, grid: Grid) -> None:
    headline(figure, LEFT, UPPER, "Most frequent state", colours_note(grid))
    draw_state_map(panel(figure, STATE_BOX), grid)
    leading, empty = leading_state(grid), np.asarray(_undefined(grid).any(axis=0))
    draw_key(figure, 5.95, 7.0, key_entries(grid, leading, empty, filled=True))
    headline(figure, RIGHT, UPPER, "Order and index", mean_note(grid, f"{METRICS[0]}_mean"))
    meshes = [_add_map(figure, grid, metric, place) for place, metric in enumerate(METRICS)]
    draw_colour_bar(figure, (11.75, 4.7, 0.17, 2.1), meshes[0], "P, M and OSI")


def _add_map(figure: Figure, grid: Grid, metric: str, place: int) -> QuadMesh:
    bottom = 5.1 - 2.15 * place
    axes = panel(figure, (8.45, bottom, 3.0, 1.7))
    mesh = draw_map(axes, grid, metric)
    write(figure, 8.45, bottom + 1.78, capital(metric_label(metric)), fontsize=SMALL)
    if place < len(METRICS) - 1:
        hide_places(axes)
    return mesh


def _add_lines(figure: Figure, grid: Grid) -> None:
    headline(figure, LEFT, UPPER, "Order and index", band_note(grid, METRICS[0]))
    axes = panel(figure, ORDER_BOX)
    draw_lines(axes, grid, METRICS)
    ends = [end_label(average(grid, name), *look) for name, *look, _ in LINES]
    write_labels(axes, chance_labels(grid) + ends)
    hide_places(axes)
    headline(figure, LEFT, 4.6, "States", shares_note(grid))
    draw_shares(panel(figure, SHARES_BOX), grid)
    # A metric alone that is undefined is a gap in its line; what is hatched lacks all.
    empty = np.asarray(_undefined(grid).all(axis=0))
    draw_key(figure, 11.2, 4.2, key_entries(grid, states_of(grid), empty, filled=True))


def _undefined(grid: Grid) -> np.ndarray:
    return np.array([np.isnan(average(grid, metric)) for metric in METRICS])


def _with_chosen(grid: Grid) -> xarray.Dataset:
    """The Dataset, its attributes without what was swept, with the values that were chosen."""
    coords = {str(name): c for name, c in grid.dataset.coords.items()}
    fixed = {name: v for name, v in grid.dataset.attrs.items() if name not in coords}
    # Chosen values alone would read as a file of a school without a box.
    if fixed.keys() & PARAMETERS.keys():
        chosen = {name: c for name, c in coords.items() if name in PARAMETERS and not c.dims}
        fixed |= {name: float(c) for name, c in chosen.items()}
    dataset = grid.dataset.copy(deep=False)
    dataset.attrs = fixed
    return dataset


def _write_footer(figure: Figure, grid: Grid) -> None:
    given = grid.dataset.attrs | ({"window": window(grid)} if window(grid) else {})
    write(figure, LEFT, 0.2, footer(given, FOOTER), fontsize=TINY, color=MUTED)
