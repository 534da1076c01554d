"""Polarization, rotation and the index against time, each line named where it ends."""

from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory

from kadita_jax.dataset import Clock, clock, second_half
from kadita_jax.errors import refuse
from kadita_jax.plot.panels import own_panel
from kadita_jax.plot.reading import missing, series
from kadita_jax.plot.style import (
    BLUE,
    INK,
    MUTED,
    PAPER,
    SMALL,
    TINY,
    VERMILLION,
    WASH,
    size_of,
    style,
)

LINES = (
    ("polarization", "P", BLUE, "o"),
    ("rotation", "M", VERMILLION, "s"),
    ("oceanic_schooling_index", "OSI", INK, "D"),
)
# Mean length of the mean of N random unit vectors: sqrt(8 / (3 pi N)).
CHANCE = (8 / (3 * np.pi)) ** 0.5
# Beside the panel: the names of the lines to the right, the summary window's above.
MARGINS = (0.4, 0.45, 1.35, 0.3)
# Least distance of two labels, in inches.
LABEL_GAP = 0.187
MARK = MappingProxyType({"markersize": 4.8, "markeredgecolor": PAPER, "markeredgewidth": 0.7})


class Label(NamedTuple):
    """What is written beside the end of a line, as near to its height as others allow."""

    height: float
    text: str
    colour: str
    weight: str = "bold"


def order(dataset: xarray.Dataset, axes: Axes | None = None, *, size: str = "page") -> Axes:
    """P, M and OSI against time.

    The half that summary statistics are taken over is shaded; the chance level of P is dashed.

    **Arguments:**

    - `dataset`: one run, as `kadita_jax.run` returns it or xarray opens its file.
    - `axes`: to draw in, with 1.4 inches of room to the right; None makes a figure of its own.
    - `size`: of a figure of its own: "column", "page" or "slide".

    **Returns:** the axes; `axes.figure` is the figure, which `save` writes.
    """
    refuse("cannot draw", missing(dataset, [name for name, *_ in LINES]))
    with style():
        axes = own_panel(axes, size, MARGINS)
        draw_order(axes, dataset)
        _shade_window(axes, clock(dataset).values)
    return axes


def draw_order(axes: Axes, dataset: xarray.Dataset) -> None:
    """The lines, the chance level and what each is called."""
    when, chance = clock(dataset), chance_level(dataset.sizes["fish"])
    _set_limits(axes, when)
    axes.axhline(chance, color=BLUE, linewidth=0.9, linestyle=(0, (5, 3)), zorder=1.5)
    labels = [Label(chance, "P by chance", BLUE, "normal")]
    for place, (name, symbol, colour, marker) in enumerate(LINES):
        values = series(dataset, name)
        _draw_line(axes, when.values, values, colour, marker, place / len(LINES))
        labels.append(end_label(values, symbol, colour))
    write_labels(axes, labels)


def chance_level(n_fish: int) -> float:
    """The mean P of random headings, about 0.92 / sqrt(N); good for many fish, at most 1."""
    return min(1.0, CHANCE / n_fish**0.5)


def _set_limits(axes: Axes, when: Clock) -> None:
    time = when.values
    # A single frame has no duration: give it a second to stand in.
    pad = 0.0 if time[-1] > time[0] else 0.5
    axes.set_xlim(time[0] - pad, time[-1] + pad)
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.locator_params(axis="x", nbins=5, integer=not when.has_times)
    axes.set_xlabel(when.label, fontsize=SMALL, labelpad=2)


def _shade_window(axes: Axes, time: np.ndarray) -> None:
    first = len(time) - len(second_half(time))
    # From half a frame before the first, so that a window of one frame has a width too.
    start, end = time[[max(first - 1, 0), first]].mean(), axes.get_xlim()[1]
    axes.axvspan(start, end, color=WASH, linewidth=0, zorder=0)
    place = blended_transform_factory(axes.transData, axes.transAxes)
    font = {"ha": "center", "fontsize": TINY, "color": MUTED}
    axes.text((start + end) / 2, 1.045, "summary window", transform=place, **font)


def _draw_line(
    axes: Axes, time: np.ndarray, values: np.ndarray, colour: str, marker: str, shift: float
) -> None:
    step = max(1, len(time) // 8)
    # Marks out of step with the other lines', so that none hides another.
    mark = {"marker": marker, "markevery": (int(shift * step), step), **MARK}
    axes.plot(time, values, color=colour, linewidth=1.4, clip_on=False, zorder=3, **mark)


def end_label(values: np.ndarray, symbol: str, colour: str) -> Label:
    """What stands beside the end of a line: its symbol and its last value."""
    defined = values[np.isfinite(values)]
    if not defined.size:
        return Label(0.0, f"{symbol}  undefined", colour, "normal")
    return Label(float(defined[-1]), f"{symbol}  {defined[-1]:.2f}", colour)


def write_labels(axes: Axes, labels: list[Label]) -> None:
    """Labels, if any, to the right of a panel whose y axis goes from 0 to 1."""
    if not labels:
        return
    gap = LABEL_GAP / size_of(axes)[1]
    heights = spread_out([label.height for label in labels], gap, 0.0, 1.0)
    for label, height in zip(labels, heights, strict=True):
        leader = {"arrowstyle": "-", "color": label.colour, "linewidth": 0.6, "shrinkA": 1}
        axes.annotate(
            label.text,
            (1, label.height),
            (1.07, height),
            xycoords="axes fraction",
            arrowprops=leader,
            color=label.colour,
            va="center",
            fontweight=label.weight,
        )


def spread_out(wanted: list[float], gap: float, low: float, high: float) -> np.ndarray:
    """Places as near the wanted ones as the gap between neighbours and the two ends allow."""
    order = np.argsort(wanted, kind="stable")
    steps = gap * np.arange(len(wanted))
    slack = np.asarray(wanted)[order] - steps
    # Neighbours that are too close yield half each: up from below, down from above.
    upward = np.maximum.accumulate(slack)
    downward = np.minimum.accumulate(slack[::-1])[::-1]
    places = np.empty(len(wanted))
    places[order] = np.clip((upward + downward) / 2, low, high - steps[-1]) + steps
    return places
