"""Maps of a sweep over two axes: a metric or the states, cell by cell, with the states' borders."""

from types import MappingProxyType

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.colorbar import Colorbar
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, Locator, LogLocator, MaxNLocator, NullFormatter

from kadita_jax.names import STATES
from kadita_jax.plot.grid import Axis, Grid, average, leading_state, state_shares
from kadita_jax.plot.hatches import draw_hatches
from kadita_jax.plot.profile import ROWS
from kadita_jax.plot.regions import draw_names, n_pixels
from kadita_jax.plot.style import (
    BODY,
    INK,
    MUTED,
    PAPER,
    SMALL,
    STATE_COLOURS,
    WASH,
    Box,
    panel,
    size_of,
)

# Both rise evenly in lightness for every kind of colour vision; two, for scales that differ.
COLOURS, OTHER_COLOURS = "viridis", "cividis"
# What a metric can be, unless another range is known or there is none.
UNIT = (0.0, 1.0)
RANGES = MappingProxyType({"accuracy": (-1.0, 1.0)})
ENDLESS = ("spread", "n_groups")
# Steps between ticks, times a power of ten.
ROUND = (1, 2, 2.5, 5, 10)
_LETTER, _ROW = 0.085, 0.21


def set_scales(axes: Axes, grid: Grid) -> None:
    """The two axes of a map: limits, scale, ticks and names."""
    for side, axis, inches in zip("xy", grid.axes, size_of(axes), strict=True):
        set_scale(axes, side, axis, inches)


def set_scale(axes: Axes, side: str, axis: Axis, inches: float) -> None:
    """One axis of a panel, `side` "x" or "y", that is so many inches long."""
    drawn = {"x": axes.xaxis, "y": axes.yaxis}[side]
    scale = "log" if axis.is_log else "linear"
    axes.set(**{f"{side}scale": scale, f"{side}lim": axis.edges[[0, -1]]})
    at_points = _ticks_at_points(axis, inches, upright=side == "y")
    if at_points:
        drawn.set_ticks(axis.place, [f"{place:.4g}" for place in axis.place])
    else:
        drawn.set_major_locator(_locator(axis, inches, apart=0.55 if side == "x" else 0.4))
        drawn.set_major_formatter(FuncFormatter(lambda place, _: f"{place:g}"))
    drawn.set_minor_formatter(NullFormatter())
    drawn.set_label_text(axis.label, fontsize=BODY)
    drawn.labelpad = 4


def _ticks_at_points(axis: Axis, inches: float, *, upright: bool) -> bool:
    """Whether the points are few, and their values short enough to stand side by side."""
    texts = [f"{place:.4g}" for place in axis.place]
    if len(texts) == 1:
        return True
    scaled, ends = (np.log(v) if axis.is_log else v for v in (axis.place, axis.edges[[0, -1]]))
    nearest = np.diff(scaled).min() / np.diff(ends)[0] * inches
    needed = _ROW if upright else _LETTER * max(map(len, texts)) + 0.1
    return len(texts) <= 9 and max(map(len, texts)) <= 4 and bool(nearest >= needed)


def _locator(axis: Axis, inches: float, apart: float) -> Locator:
    decades = np.log10(axis.edges[-1] / axis.edges[0]) if axis.is_log else 0.0
    # Over less than a decade the round values of a linear scale are the better ones.
    if decades < 0.7:
        whole = bool(np.all(axis.place % 1 == 0))
        most = max(2, min(6, round(inches / apart)))
        return MaxNLocator(nbins=most, integer=whole, steps=ROUND)
    return LogLocator(subs=(1, 2, 5) if inches / decades >= 1.1 else (1,))


def colour_range(grid: Grid, metric: str) -> tuple[float, float]:
    """What the colours span: the metric's own range, or the values where that has no end."""
    if metric not in ENDLESS:
        return RANGES.get(metric, UNIT)
    values = average(grid, metric)
    defined = values[np.isfinite(values)]
    if not defined.size:
        return UNIT
    low, high = 1.0 if metric == "n_groups" else float(defined.min()), float(defined.max())
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def colours_of(metric: str) -> str:
    """The name of the colours of a metric: others where it does not go from 0 to 1."""
    return OTHER_COLOURS if metric in ENDLESS or metric in RANGES else COLOURS


def draw_map(axes: Axes, grid: Grid, metric: str) -> QuadMesh:
    """A metric's mean over the replicates, the borders between the most frequent states over it."""
    x, y = (axis.edges for axis in grid.axes)
    values, (low, high) = average(grid, metric), colour_range(grid, metric)
    set_scales(axes, grid)
    mesh = axes.pcolormesh(
        x, y, values.T, cmap=colours_of(metric), vmin=low, vmax=high, rasterized=True
    )
    draw_hatches(axes, grid, np.isnan(values))
    draw_borders(axes, grid)
    return mesh


def draw_state_map(axes: Axes, grid: Grid) -> QuadMesh:
    """The most frequent state of every point, paler where fewer replicates are in it."""
    x, y = (axis.edges for axis in grid.axes)
    set_scales(axes, grid)
    mesh = axes.pcolormesh(x, y, state_colours(grid).swapaxes(0, 1), rasterized=True)
    draw_hatches(axes, grid, leading_state(grid) < 0)
    draw_borders(axes, grid)
    name_states(axes, grid)
    return mesh


def state_colours(grid: Grid) -> np.ndarray:
    """Colour (axes..., 3) of the most frequent state, mixed with paper by who is not in it."""
    leading, share = leading_state(grid), state_shares(grid).max(axis=-1)
    palette = np.array([to_rgb(STATE_COLOURS[name]) for name in STATES] + [to_rgb(WASH)])
    strength = np.where(leading < 0, 1.0, share)[..., None]
    return strength * palette[leading] + (1 - strength) * np.array(to_rgb(PAPER))


def border_segments(state: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Ends (n, 2, 2) of the cell edges that part neighbours in two different states."""
    i, j = np.nonzero(_differ(state[1:], state[:-1]))
    upright = np.array([(x[i + 1], y[j]), (x[i + 1], y[j + 1])])
    i, j = np.nonzero(_differ(state[:, 1:], state[:, :-1]))
    level = np.array([(x[i], y[j + 1]), (x[i + 1], y[j + 1])])
    return np.moveaxis(np.concatenate([upright, level], axis=-1), -1, 0)


def _differ(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (one >= 0) & (other >= 0) & (one != other)


def draw_borders(axes: Axes, grid: Grid) -> None:
    """Thin lines where the most frequent state changes, with a halo to be seen on any colour."""
    segments = border_segments(leading_state(grid), *(axis.edges for axis in grid.axes))
    cell = min(size_of(axes) / np.array([len(axis.place) for axis in grid.axes]))
    # Finer in small panels, and so fine that the cells between them are still seen.
    fine = min(1.0 if size_of(axes)[0] > 3.5 else 0.7, 7 * cell)
    for colour, width, zorder in ((PAPER, 2.8 * fine, 2), (INK, fine, 3)):
        lines = LineCollection(list(segments), colors=colour, linewidths=width, zorder=zorder)
        lines.set_capstyle("projecting")
        axes.add_collection(lines, autolim=False)


def name_states(axes: Axes, grid: Grid) -> np.ndarray:
    """The state's name or mark in every region of the map that has room; which have a mark."""
    pixels = zip(grid.axes, n_pixels(axes), strict=True)
    across, up = (axis.cells(number) for axis, number in pixels)
    return draw_names(axes, leading_state(grid)[across[:, None], up])


def draw_colour_bar(
    figure: Figure, box: Box, mesh: QuadMesh, label: str, ends: tuple[str, str] = ("", "")
) -> Axes:
    """What the colours of a map mean, in a bar at (left, bottom, width, height) inches.

    **Arguments:**

    - `ends`: what 0 and 1 mean, if the colours span those.
    """
    axes = panel(figure, box)
    label_colour_bar(figure.colorbar(mesh, cax=axes), label, ends)
    return axes


def label_colour_bar(bar: Colorbar, label: str, ends: tuple[str, str]) -> None:
    """The look and the words of a colour bar."""
    bar.outline.set_visible(False)  # type: ignore[operator]
    if bar.mappable.get_clim() == (0, 1):
        bar.set_ticks([0, 0.5, 1], labels=[f"0  {ends[0]}", "0.5", f"1  {ends[1]}"])
    bar.ax.tick_params(length=0, labelsize=SMALL, labelcolor=MUTED)
    bar.set_label(label, fontsize=BODY, color=INK)


def meaning_of_ends(metric: str) -> tuple[str, str]:
    """What 0 and 1 of an entropy mean; the other metrics' need no words."""
    return ("order", "disorder") if metric in ROWS else ("", "")
