"""One metric of a sweep: a map over two axes, a line over one."""

from functools import partial
from typing import overload

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kadita_jax.errors import Fault, Unchecked, refuse
from kadita_jax.plot.grid import (
    Grid,
    average,
    grid_faults,
    leading_state,
    metric_faults,
    read_grid,
)
from kadita_jax.plot.labels import about, capital, mean_note, metric_label
from kadita_jax.plot.lines import band_note, chance_labels, draw_lines, draw_strip, hide_places
from kadita_jax.plot.maps import (
    draw_colour_bar,
    draw_map,
    label_colour_bar,
    meaning_of_ends,
    name_states,
)
from kadita_jax.plot.page import (
    ASIDE,
    BELOW,
    LEFT,
    LINE_BOX,
    LINE_PAGE,
    MAP_BOX,
    MAP_PAGE,
    MARGIN,
    draw_key,
    draw_key_above,
    key_entries,
    keyed_panel,
    new_page,
    panel_below,
)
from kadita_jax.plot.panels import own_panel, size_faults
from kadita_jax.plot.style import BODY, panel, size_of, style
from kadita_jax.plot.timeline import write_labels

BORDERS = "; borders, names and marks: the most frequent state"
STRIP = 0.16
# Room to the right of a panel alone: for a colour bar, one whose ends have words, a line's label.
BAR_ASIDE, WORDS_ASIDE, LABEL_ASIDE = 0.85, 1.35, 1.2


@overload
def phase_diagram(
    dataset: xarray.Dataset, metric: str | Unchecked = ..., axes: None = ..., *, size: None = ...
) -> Figure: ...
@overload
def phase_diagram(
    dataset: xarray.Dataset, metric: str | Unchecked = ..., *, axes: Axes, size: str | None = ...
) -> Axes: ...
@overload
def phase_diagram(
    dataset: xarray.Dataset, metric: str | Unchecked, axes: Axes, *, size: str | None = ...
) -> Axes: ...
@overload
def phase_diagram(
    dataset: xarray.Dataset, metric: str | Unchecked = ..., axes: None = ..., *, size: str
) -> Axes: ...
def phase_diagram(
    dataset: xarray.Dataset,
    metric: str | Unchecked = "polarization",
    axes: Axes | None = None,
    *,
    size: str | Unchecked | None = None,
) -> Figure | Axes:
    """A metric at every point of a sweep, its mean over the replicates.

    Two axes make a map, the first along x, with the borders between the most frequent states. One
    axis makes a line with its standard error, the states in a strip beneath; of the polarization
    the chance level is dashed. Further axes are cut at their middle, and the picture says where.

    **Arguments:**

    - `dataset`: a sweep, as `kadita_jax.sweep` returns it or xarray opens its file, or a part of
        one.
    - `metric`: one of `kadita_jax.metrics.NAMES`, or what else the sweep tells of: of
        `kadita_jax.names.MORE_NAMES`.
    - `axes`: to draw the map with its colour bar, or the line, in.
    - `size`: "column", "page" or "slide": of a figure of its own, the key above the panel.

    **Returns:** the axes; without axes and size the figure of a page with title, notes and key.
        `save` writes either.

    **Raises:** `InvalidInputError` for a run, a loop or what else holds no such metric.
    """
    refuse("cannot draw", _faults(dataset, metric, size))
    grid = read_grid(dataset, f"{metric}_mean")
    with style():
        if axes is not None:
            return _in_axes(grid, metric, own_panel(axes, size))
        is_map = len(grid.axes) == 2
        if size is not None:
            return (_map_panel if is_map else _line_panel)(grid, metric, size)
        return (_map_page if is_map else _line_page)(grid, metric)


def _faults(dataset: xarray.Dataset, metric: Unchecked, size: Unchecked | None) -> list[Fault]:
    wrong = list(metric_faults(metric, dataset))
    means = [] if wrong else [f"{metric}_mean"]
    return [*wrong, *grid_faults(dataset, *means), *size_faults(size)]


def _in_axes(grid: Grid, metric: str, axes: Axes) -> Axes:
    label = metric_label(metric)
    if len(grid.axes) == 2:
        mesh = draw_map(axes, grid, metric)
        figure = axes.get_figure()
        assert figure is not None
        label_colour_bar(figure.colorbar(mesh, ax=axes), label, meaning_of_ends(metric))
    else:
        _draw_line(axes, grid, metric)
    return axes


def _draw_line(axes: Axes, grid: Grid, metric: str) -> None:
    draw_lines(axes, grid, [metric])
    axes.set_ylabel(metric_label(metric), fontsize=BODY)


def _map_panel(grid: Grid, metric: str, size: str) -> Axes:
    ends, empty = meaning_of_ends(metric), np.isnan(average(grid, metric))
    key = partial(key_entries, grid, empty=empty, filled=False)
    room = {"right": WORDS_ASIDE if any(ends) else BAR_ASIDE}
    # Below the largest key a map is smallest, and has the most marks: no more are to be explained.
    most = name_states(panel_below(size, key(leading_state(grid)), **room), grid)
    axes = panel_below(size, key(most), **room)
    mesh = draw_map(axes, grid, metric)
    draw_key_above(axes, size, key(name_states(axes, grid)))
    figure, (width, height) = axes.get_figure(root=True), size_of(axes)
    assert figure is not None
    bar = (LEFT + width + 0.12, BELOW, 0.14, height)
    draw_colour_bar(figure, bar, mesh, metric_label(metric), ends)
    return axes


def _line_panel(grid: Grid, metric: str, size: str) -> Axes:
    nobody, empty = np.array([], int), np.isnan(average(grid, metric))
    key = key_entries(grid, nobody, empty, filled=False)
    labels = chance_labels(grid) if metric == "polarization" else []
    axes = keyed_panel(size, key, right=LABEL_ASIDE if labels else MARGIN)
    _draw_line(axes, grid, metric)
    write_labels(axes, labels)
    return axes


def _page(size: tuple[float, float], grid: Grid, metric: str, note: str) -> Figure:
    title = capital(metric_label(metric))
    return new_page(size, title, about(grid, f"{metric}_mean"), note, grid.where)


def _map_page(grid: Grid, metric: str) -> Figure:
    leading = leading_state(grid)
    note = mean_note(grid, f"{metric}_mean") + (BORDERS if (leading >= 0).any() else "")
    figure = _page(MAP_PAGE, grid, metric, note)
    axes = panel(figure, MAP_BOX)
    mesh = draw_map(axes, grid, metric)
    marked = name_states(axes, grid)
    top = MAP_BOX[1] + MAP_BOX[3]
    bar = (ASIDE, top - 2.4, 0.17, 2.4)
    draw_colour_bar(figure, bar, mesh, metric_label(metric), meaning_of_ends(metric))
    empty = np.isnan(average(grid, metric))
    draw_key(figure, ASIDE, top - 2.8, key_entries(grid, marked, empty, filled=False))
    return figure


def _line_page(grid: Grid, metric: str) -> Figure:
    figure = _page(LINE_PAGE, grid, metric, band_note(grid, metric))
    axes = panel(figure, LINE_BOX)
    _draw_line(axes, grid, metric)
    if metric == "polarization":
        write_labels(axes, chance_labels(grid))
    left, bottom, width, height = LINE_BOX
    if "state" in grid.dataset:
        hide_places(axes)
        axes.tick_params(axis="x", which="both", bottom=False)
        draw_strip(figure, (left, bottom - STRIP - 0.05, width, STRIP), grid)
    empty = np.isnan(average(grid, metric))
    draw_key(
        figure, ASIDE, bottom + height, key_entries(grid, leading_state(grid), empty, filled=True)
    )
    return figure
