"""Which state a school is in, at every point of a sweep."""

from typing import overload

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kadita_jax.errors import Unchecked, refuse
from kadita_jax.names import STATES
from kadita_jax.plot.grid import (
    Grid,
    grid_faults,
    leading_state,
    n_replicates,
    read_grid,
    state_shares,
    states_of,
)
from kadita_jax.plot.hatches import draw_hatches
from kadita_jax.plot.labels import about
from kadita_jax.plot.maps import draw_state_map, set_scale
from kadita_jax.plot.page import (
    ASIDE,
    LINE_BOX,
    LINE_PAGE,
    MAP_BOX,
    MAP_PAGE,
    MARGIN,
    Entries,
    draw_key,
    key_entries,
    keyed_panel,
    new_page,
)
from kadita_jax.plot.panels import own_panel, size_faults
from kadita_jax.plot.regions import draw_names, n_pixels
from kadita_jax.plot.style import BODY, PAPER, STATE_COLOURS, panel, size_of, style


@overload
def state_map(dataset: xarray.Dataset, axes: None = ..., *, size: None = ...) -> Figure: ...
@overload
def state_map(dataset: xarray.Dataset, axes: Axes, *, size: str | None = ...) -> Axes: ...
@overload
def state_map(dataset: xarray.Dataset, axes: None = ..., *, size: str) -> Axes: ...
def state_map(
    dataset: xarray.Dataset, axes: Axes | None = None, *, size: str | Unchecked | None = None
) -> Figure | Axes:
    """The state of the school at every point of a sweep.

    Two axes make a map of the most frequent state, paler where fewer replicates are in it; one
    axis makes bars of the share of the replicates in each. Further axes are cut at their middle.

    **Arguments:**

    - `dataset`: a sweep, as `kadita_jax.sweep` returns it or xarray opens its file, or a part of
        one.
    - `axes`: to draw the map or the bars in.
    - `size`: "column", "page" or "slide": of a figure of its own, the key above the panel.

    **Returns:** the axes; without axes and size the figure of a page with title, notes and key.
        `save` writes either.

    **Raises:** `InvalidInputError` for a run, a loop or what else holds no states over an axis.
    """
    refuse("cannot draw", [*grid_faults(dataset, "state"), *size_faults(size)])
    grid = read_grid(dataset, "state")
    with style():
        is_map = len(grid.axes) == 2
        if axes is None and size is None:
            return (_map_page if is_map else _bars_page)(grid)
        key = _key(grid)
        drawn = keyed_panel(size, key, right=MARGIN) if axes is None else own_panel(axes, size)
        (draw_state_map if is_map else draw_shares)(drawn, grid)
        return drawn


def _key(grid: Grid) -> Entries:
    """What the colours of a map, or of bars, mean."""
    leading = leading_state(grid)
    shown = leading if len(grid.axes) == 2 else states_of(grid)
    return key_entries(grid, shown, leading < 0, filled=True)


def colours_note(grid: Grid) -> str:
    """What the strength of the colours in a map of states means."""
    many = n_replicates(grid, "state") > 1
    return "paler where replicates disagree" if many else "of the one replicate"


def shares_note(grid: Grid) -> str:
    """What the bars of states mean."""
    many = n_replicates(grid, "state") > 1
    return "height: share of the replicates in each" if many else "of the one replicate"


def _map_page(grid: Grid) -> Figure:
    title = "Most frequent state"
    figure = new_page(MAP_PAGE, title, about(grid, "state"), colours_note(grid), grid.where)
    draw_state_map(panel(figure, MAP_BOX), grid)
    top = MAP_BOX[1] + MAP_BOX[3]
    draw_key(figure, ASIDE, top, _key(grid))
    return figure


def _bars_page(grid: Grid) -> Figure:
    figure = new_page(LINE_PAGE, "States", about(grid, "state"), shares_note(grid), grid.where)
    axes = panel(figure, LINE_BOX)
    draw_shares(axes, grid)
    top = LINE_BOX[1] + LINE_BOX[3]
    draw_key(figure, ASIDE, top, _key(grid))
    return figure


def draw_shares(axes: Axes, grid: Grid) -> None:
    """Bars of the share of the replicates in each state, over one axis."""
    axis, share = grid.axes[0], state_shares(grid)
    upper = np.cumsum(share, axis=-1)
    set_scale(axes, "x", axis, size_of(axes)[0])
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_ylabel("share of replicates", fontsize=BODY)
    look = {"edgecolor": PAPER, "linewidth": 0.6 if len(share) < 60 else 0, "align": "edge"}
    for number, name in enumerate(STATES):
        lower = upper[:, number] - share[:, number]
        place = {"x": axis.edges[:-1], "width": np.diff(axis.edges), "bottom": lower}
        axes.bar(**place, height=share[:, number], color=STATE_COLOURS[name], **look)
    draw_hatches(axes, grid, leading_state(grid) < 0)
    draw_names(axes, _raster(axes, axis.cells(n_pixels(axes)[0]), upper))


def _raster(axes: Axes, cells: np.ndarray, upper: np.ndarray) -> np.ndarray:
    up = n_pixels(axes)[1]
    height = (np.arange(up) + 0.5) / up
    state = (upper[cells, None, :] <= height[:, None]).sum(axis=-1)
    return np.where(state < len(STATES), state, -1)
