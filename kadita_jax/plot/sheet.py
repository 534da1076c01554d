"""Every metric of a sweep on one page, beside the states."""

from collections.abc import Iterator, Sequence

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from kadita_jax.names import NAMES
from kadita_jax.plot.grid import Grid, average, leading_state, read_grid, states_of
from kadita_jax.plot.labels import about, capital, metric_label
from kadita_jax.plot.lines import band_note, draw_lines, hide_places
from kadita_jax.plot.maps import draw_colour_bar, draw_map, draw_state_map
from kadita_jax.plot.page import draw_key, key_entries, new_page
from kadita_jax.plot.states import colours_note, draw_shares
from kadita_jax.plot.style import SMALL, Box, panel, style, write

SIZE = (13.0, 9.0)
N_COLUMNS, N_ROWS = 5, 3
# Lower left corner and size of the lowest left panel, and from one to the next, in inches.
LEFT, BOTTOM, WIDTH, HEIGHT, ACROSS, UP = 0.8, 0.7, 2.05, 1.95, 2.42, 2.5
# Room for the name of the axis above what is no panel.
BELOW_LABEL = 0.2

# The order of the school, the seven entropies, and last the one metric with colours of its own.
ORDER = (
    "polarization",
    "rotation",
    "order_index",
    "oceanic_schooling_index",
    *(name for name in NAMES if name.endswith("_entropy")),
    "spread",
)


def phase_sheet(dataset: xarray.Dataset) -> Figure:
    """The states and all twelve metrics of a sweep in small, on the same axes.

    Two axes make maps, one axis makes lines; further axes are cut at their middle, and the page
    says where. Variables that the Dataset lacks are left out.

    **Arguments:**

    - `dataset`: a sweep, as `kadita_jax.sweep` returns it or xarray opens its file, or a part of
        one.

    **Returns:** a figure of 13 x 9 inches; `save` writes it.
    """
    metrics = [name for name in ORDER if f"{name}_mean" in dataset]
    grid = read_grid(dataset, f"{[*metrics, *ORDER][0]}_mean")
    with style():
        return _maps_page(grid, metrics) if len(grid.axes) == 2 else _lines_page(grid, metrics)


def _maps_page(grid: Grid, metrics: Sequence[str]) -> Figure:
    variable = f"{metrics[0]}_mean"
    figure = new_page(SIZE, "All metrics", about(grid, variable), _note(grid), grid.where)
    meshes: dict[str, QuadMesh] = {}
    for name, axes in _panels(figure, _names(grid, metrics)):
        meshes[name] = draw_state_map(axes, grid) if name == "state" else draw_map(axes, grid, name)
    _add_colour_bars(figure, meshes, _slot(len(meshes)))
    _add_key(figure, grid, metrics, leading_state(grid), _slot(len(meshes) + 1))
    return figure


def _lines_page(grid: Grid, metrics: Sequence[str]) -> Figure:
    variable, names = f"{metrics[0]}_mean", _names(grid, metrics)
    note = band_note(grid, metrics[0])
    figure = new_page(SIZE, "All metrics", about(grid, variable), note, grid.where)
    for name, axes in _panels(figure, names, own_heights=["spread"]):
        if name == "state":
            draw_shares(axes, grid)
        else:
            draw_lines(axes, grid, [name])
    _add_key(figure, grid, metrics, states_of(grid), _slot(len(names)))
    return figure


def _note(grid: Grid) -> str:
    if "state" not in grid.dataset:
        return ""
    return f"first panel and borders: the most frequent state, {colours_note(grid)}"


def _names(grid: Grid, metrics: Sequence[str]) -> list[str]:
    return ["state", *metrics] if "state" in grid.dataset else list(metrics)


def _slot(place: int) -> Box:
    row, column = divmod(place, N_COLUMNS)
    return LEFT + ACROSS * column, BOTTOM + UP * (N_ROWS - 1 - row), WIDTH, HEIGHT


def _panels(
    figure: Figure, names: Sequence[str], own_heights: Sequence[str] = ()
) -> Iterator[tuple[str, Axes]]:
    """A titled panel for each name; after it is drawn, what a neighbour shows too is taken off."""
    for place, name in enumerate(names):
        left, bottom, _, height = box = _slot(place)
        title = "states" if name == "state" else metric_label(name)
        write(figure, left, bottom + height + 0.08, capital(title), fontsize=SMALL, weight="bold")
        axes = panel(figure, box)
        yield name, axes
        if place % N_COLUMNS:
            axes.set_ylabel("")
            axes.tick_params(axis="y", labelleft=name in own_heights)
        if place + N_COLUMNS < len(names):
            hide_places(axes)


def _add_colour_bars(figure: Figure, meshes: dict[str, QuadMesh], slot: Box) -> None:
    left, bottom, _, height = slot
    height -= BELOW_LABEL
    shared = [name for name in meshes if name not in ("state", "spread")]
    if shared:
        box = (left, bottom, 0.15, height)
        draw_colour_bar(figure, box, meshes[shared[0]], "all metrics but the spread")
    if "spread" in meshes:
        box = (left + 1.1, bottom, 0.15, height)
        draw_colour_bar(figure, box, meshes["spread"], metric_label("spread"))


def _add_key(
    figure: Figure, grid: Grid, metrics: Sequence[str], states: np.ndarray, slot: Box
) -> None:
    empty = np.any([np.isnan(average(grid, metric)) for metric in metrics], axis=0)
    top = slot[1] + slot[3] - BELOW_LABEL
    draw_key(figure, slot[0], top, key_entries(grid, states, empty, filled=True))
