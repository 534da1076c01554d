"""Lines of a sweep over one axis: metrics with their standard errors, the states in a strip."""

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kadita_jax.plot.grid import Grid, average, leading_state, n_replicates, standard_error
from kadita_jax.plot.hatches import ON_PAPER, draw_hatches
from kadita_jax.plot.labels import mean_note
from kadita_jax.plot.maps import ENDLESS, RANGES, ROUND, UNIT, set_scale, state_colours
from kadita_jax.plot.regions import draw_names, n_pixels
from kadita_jax.plot.style import BLUE, INK, PAPER, Box, panel, size_of
from kadita_jax.plot.timeline import LINES, Label, chance_level

LOOKS = MappingProxyType({name: (colour, marker) for name, _, colour, marker in LINES})
UNIT_EDGES = np.array([0.0, 1.0])


def draw_lines(axes: Axes, grid: Grid, metrics: Sequence[str]) -> None:
    """Metrics against the axis; hatched where none is defined, and where schools fell apart."""
    set_scale(axes, "x", grid.axes[0], size_of(axes)[0])
    mean, error = average(grid, metrics[0]), np.nan_to_num(standard_error(grid, metrics[0]))
    set_heights(axes, metrics[0], np.array([mean - error, mean + error]))
    empty = np.all([np.isnan(average(grid, metric)) for metric in metrics], axis=0)
    draw_hatches(axes, grid, empty, ON_PAPER)
    if "polarization" in metrics:
        draw_chance(axes, grid)
    for metric in metrics:
        draw_line(axes, grid, metric)


def set_heights(axes: Axes, metric: str, values: np.ndarray) -> None:
    """The y axis of lines: a metric's own range, or one about all values where that has no end."""
    if metric not in ENDLESS:
        low, high = RANGES.get(metric, UNIT)
        places = (low, (low + high) / 2, high)
        axes.set_ylim(low, high)
        axes.set_yticks(places, [f"{place:g}" for place in places])
        return
    defined = values[np.isfinite(values)]
    ends = defined if defined.size else UNIT_EDGES
    room = 0.08 * np.ptp(ends) or 0.5
    axes.set_ylim(max(0.0, ends.min() - room), ends.max() + room)
    axes.locator_params(axis="y", nbins=4, steps=ROUND)


def draw_line(axes: Axes, grid: Grid, metric: str) -> None:
    """A metric's mean over the replicates, ± its standard error as a band; gaps stay gaps."""
    place, mean, error = grid.axes[0].place, average(grid, metric), standard_error(grid, metric)
    colour, marker = LOOKS.get(metric, (INK, "o"))
    # Dots that would run into each other shrink into the line.
    size = min(4.6, max(1.2, 40 * size_of(axes)[0] / len(mean)))
    mark = {"marker": marker, "markersize": size}
    mark |= {"markeredgecolor": PAPER, "markeredgewidth": 0.6 if size > 3 else 0}
    axes.fill_between(place, mean - error, mean + error, color=colour, alpha=0.22, linewidth=0)
    axes.plot(place, mean, color=colour, linewidth=1.4, clip_on=False, zorder=3, **mark)


def chance_levels(grid: Grid) -> np.ndarray | None:
    """P of random headings at every point of the axis; None when the number of fish is unknown."""
    coords, attributes = grid.dataset.coords, grid.dataset.attrs
    n_fish = coords["n_fish"].values if "n_fish" in coords else attributes.get("n_fish")
    if n_fish is None:
        return None
    counts = np.broadcast_to(n_fish, grid.axes[0].place.shape)
    return np.array([chance_level(int(count)) for count in counts])


def chance_labels(grid: Grid) -> list[Label]:
    """What stands beside the end of the chance level; nothing where it is unknown."""
    levels = chance_levels(grid)
    return [] if levels is None else [Label(float(levels[-1]), "P by chance", BLUE, "normal")]


def draw_chance(axes: Axes, grid: Grid) -> None:
    levels, axis = chance_levels(grid), grid.axes[0]
    if levels is not None:
        place = [axis.edges[0], *axis.place, axis.edges[-1]]
        height = [levels[0], *levels, levels[-1]]
        axes.plot(place, height, color=BLUE, linewidth=0.9, linestyle=(0, (5, 3)), zorder=1.8)


def draw_strip(figure: Figure, box: Box, grid: Grid) -> Axes:
    """The most frequent state of every point in a strip at (left, bottom, width, height) inches.

    The axis and its name hang below it.
    """
    axes, leading = panel(figure, box), leading_state(grid)
    edges = grid.axes[0].edges
    set_scale(axes, "x", grid.axes[0], box[2])
    axes.pcolormesh(edges, UNIT_EDGES, state_colours(grid)[None], rasterized=True)
    draw_hatches(axes, grid, leading < 0)
    across, up = n_pixels(axes)
    draw_names(axes, np.repeat(leading[grid.axes[0].cells(across), None], up, axis=1))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    return axes


def hide_places(axes: Axes) -> None:
    """Leave the x axis to the panel beneath, which has the same."""
    axes.tick_params(axis="x", labelbottom=False)
    axes.set_xlabel("")


def band_note(grid: Grid, metric: str) -> str:
    """What the band about a line is, or why there is none."""
    variable = f"{metric}_mean"
    many = n_replicates(grid, variable) > 1
    return f"{mean_note(grid, variable)}{'; band: ± its standard error' if many else ': no band'}"
