"""A loop up and down a parameter: the two branches, and where they part the school remembers."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import overload

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from kadita_jax.errors import Fault, Unchecked, refuse
from kadita_jax.plot.effects import NORMAL_95
from kadita_jax.plot.grid import (
    REPLICATE,
    Grid,
    average,
    grid_faults,
    metric_faults,
    n_replicates,
    read_grid,
    standard_error,
)
from kadita_jax.plot.labels import SYMBOLS, fish, metric_label, replicates, scenario_name
from kadita_jax.plot.lines import chance_labels, draw_chance, hide_places, set_heights
from kadita_jax.plot.maps import set_scale
from kadita_jax.plot.page import new_page
from kadita_jax.plot.panels import own_panel, size_faults
from kadita_jax.plot.reading import joined
from kadita_jax.plot.style import BODY, PAPER, Box, panel, size_of, style
from kadita_jax.plot.timeline import write_labels

BRANCH = "branch"
# P above M, each a panel at (left, bottom, width, height) inches of a page of this size.
SIZE = (8.9, 7.1)
PANELS: Mapping[str, Box] = MappingProxyType(
    {"polarization": (0.9, 3.5, 6.4, 2.45), "rotation": (0.9, 0.75, 6.4, 2.45)}
)
# Room about a panel alone; that of P has the name of the chance level beside it.
MARGINS, MARGINS_OF_P = (0.62, 0.5, 0.2, 0.2), (0.62, 0.5, 1.2, 0.2)
# Colour, marker and name of each branch; the markers point the way it goes. Neither colour is P's
# or M's in other pictures, and they differ in lightness, which every eye sees.
LOOKS = MappingProxyType({"up": ("#c07b00", ">", "up →"), "down": ("#33305f", "<", "← down")})
# Branches so far apart have room between them for their names.
ROOM = 0.25


@overload
def hysteresis(
    dataset: xarray.Dataset, axes: None = ..., *, metric: None = ..., size: None = ...
) -> Figure: ...
@overload
def hysteresis(
    dataset: xarray.Dataset, axes: Axes, *, metric: str | None = ..., size: str | None = ...
) -> Axes: ...
@overload
def hysteresis(
    dataset: xarray.Dataset, axes: None = ..., *, metric: str, size: str | None = ...
) -> Axes: ...
@overload
def hysteresis(
    dataset: xarray.Dataset, axes: None = ..., *, metric: None = ..., size: str
) -> Axes: ...
def hysteresis(
    dataset: xarray.Dataset,
    axes: Axes | None = None,
    *,
    metric: str | Unchecked | None = None,
    size: str | Unchecked | None = None,
) -> Figure | Axes:
    """Polarization and rotation, or one metric, up a parameter and down again.

    The mean over the replicates with its 95 % interval, each replicate thin behind it.

    **Arguments:**

    - `dataset`: a loop, as `kadita_jax.hysteresis` returns it or xarray opens its file.
    - `axes`: to draw one metric in.
    - `metric`: which one; the polarization when None.
    - `size`: "column", "page" or "slide": of a figure of one metric.

    **Returns:** the axes; of a dataset alone the figure of a page with title and notes, P above M.
        `save` writes either.

    **Raises:** `InvalidInputError` where it holds no two branches along one parameter.
    """
    is_page = axes is None and metric is None and size is None
    shown = list(PANELS) if is_page else ["polarization" if metric is None else metric]
    refuse("cannot draw", [*_faults(dataset, shown), *size_faults(size)])
    loop = {name: _branch(dataset, name, shown) for name in LOOKS}
    with style():
        if is_page:
            return _page(loop)
        is_p = shown == ["polarization"]
        drawn = own_panel(axes, size, MARGINS_OF_P if is_p else MARGINS)
        _draw_panel(drawn, loop, shown[0])
    return drawn


def _branch(dataset: xarray.Dataset, name: str, metrics: Sequence[str]) -> Grid:
    return read_grid(dataset.sel({BRANCH: name}), *(f"{metric}_mean" for metric in metrics))


def _page(loop: Mapping[str, Grid]) -> Figure:
    grid = loop["up"]
    title = f"Hysteresis: {grid.axes[0].name} up and down"
    figure = new_page(SIZE, title, _about(grid), _note(grid))
    for metric, box in PANELS.items():
        _draw_panel(panel(figure, box), loop, metric)
    hide_places(figure.axes[0])
    return figure


def _faults(dataset: xarray.Dataset, metrics: Sequence[Unchecked]) -> list[Fault]:
    wrong = list(metric_faults(metrics[0], dataset))
    asked = [] if wrong else metrics
    loop = list(_loop_faults(dataset, asked))
    if wrong or loop:
        return wrong + loop
    return grid_faults(dataset.sel({BRANCH: "up"}), *(f"{metric}_mean" for metric in asked))


def _loop_faults(dataset: xarray.Dataset, metrics: Sequence[str]) -> Iterator[Fault]:
    means = [f"{metric}_mean" for metric in metrics]
    along = [set(dataset[name].dims) - {REPLICATE} for name in means if name in dataset]
    branches = dataset[BRANCH].values.tolist() if BRANCH in dataset.dims else []
    has_all = len(along) == len(means) and set(LOOKS) <= set(branches)
    if not has_all or any(len(dims) != 2 or BRANCH not in dims for dims in along):
        names = " and ".join(SYMBOLS.get(metric, metric) for metric in metrics) or "metrics"
        rule = f"must hold {names} up and down one parameter, as kadita_jax.hysteresis returns them"
        yield Fault("dataset", rule, f"dims {dict(dataset.sizes)}, branches {branches}")


def _about(grid: Grid) -> str:
    given = grid.dataset.attrs
    steps = f"{given['n_steps']:,} steps at each value" if "n_steps" in given else ""
    first = f", the first {given['burn_in']:,} left out" if steps and given.get("burn_in") else ""
    many = replicates(grid, "polarization_mean")
    return joined([scenario_name(grid), fish(grid), many, f"{steps}{first}"])


def _note(grid: Grid) -> str:
    if n_replicates(grid, "polarization_mean") == 1:
        return "no band: that takes two replicates"
    return "thick: mean over the replicates, band: its 95 % interval; thin: each replicate"


def _draw_panel(axes: Axes, loop: Mapping[str, Grid], metric: str) -> None:
    grid = loop["up"]
    set_scale(axes, "x", grid.axes[0], size_of(axes)[0])
    values = [branch.array(f"{metric}_mean").values for branch in loop.values()]
    set_heights(axes, metric, np.array(values))
    axes.set_ylabel(metric_label(metric), fontsize=BODY)
    for name in loop:
        _draw_branch(axes, loop[name], metric, name)
    _name_branches(axes, grid.axes[0].place, {n: average(g, metric) for n, g in loop.items()})
    if metric == "polarization":
        draw_chance(axes, grid)
        write_labels(axes, chance_labels(grid))


def _draw_branch(axes: Axes, grid: Grid, metric: str, name: str) -> None:
    place, mean = grid.axes[0].place, average(grid, metric)
    colour, marker, _ = LOOKS[name]
    half = NORMAL_95 * standard_error(grid, metric)
    axes.fill_between(place, mean - half, mean + half, color=colour, alpha=0.22, linewidth=0)
    many = n_replicates(grid, f"{metric}_mean")
    if many > 1:
        # The more there are, the fainter each: where they crowd it is seen, and the mean too.
        thin = {"linewidth": 0.5, "marker": ".", "markersize": 2, "alpha": min(0.35, 6 / many)}
        axes.plot(place, grid.array(f"{metric}_mean").values, color=colour, **thin, zorder=2)
    size = min(6.0, max(2.4, 40 * size_of(axes)[0] / len(place)))
    mark = {"marker": marker, "markersize": size, "markeredgecolor": PAPER}
    mark["markeredgewidth"] = 0.6 if size > 4 else 0
    axes.plot(place, mean, color=colour, linewidth=1.5, clip_on=False, zorder=3, **mark)


def _name_branches(axes: Axes, place: np.ndarray, means: Mapping[str, np.ndarray]) -> None:
    """A name at each branch, in the middle of where they lie apart; nowhere if none is defined."""
    gap = np.nan_to_num(np.abs(means["up"] - means["down"]), nan=-1.0)
    apart = np.flatnonzero(gap >= 0.8 * gap.max())
    if not len(apart):
        return
    middle = apart[len(apart) // 2]
    upper = max(means, key=lambda name: means[name][middle])
    for name, mean in means.items():
        # Between the branches where there is room, outside where there is none.
        above = bool((name == upper) != (gap[middle] > ROOM))
        at = float(place[middle]), float(mean[middle])
        _name_branch(axes, name, at, above=above)


def _name_branch(axes: Axes, name: str, at: tuple[float, float], *, above: bool) -> None:
    colour, _, text = LOOKS[name]
    font = {"color": colour, "fontsize": BODY, "fontweight": "bold", "ha": "center", "zorder": 6}
    side = {"va": "bottom", "xytext": (0, 8)} if above else {"va": "top", "xytext": (0, -8)}
    halo = [withStroke(linewidth=2.4, foreground=PAPER)]
    axes.annotate(text, at, textcoords="offset points", path_effects=halo, **side, **font)
