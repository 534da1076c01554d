"""Around one picture of a sweep: a page with headline, notes and key, or no more than the key."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from kadita_jax.names import STATES
from kadita_jax.plot.grid import Grid, fell_apart
from kadita_jax.plot.hatches import FELL_APART, empty_swatch, fell_apart_swatch, reasons
from kadita_jax.plot.panels import own_panel
from kadita_jax.plot.regions import MARK_STYLE
from kadita_jax.plot.style import (
    MUTED,
    SMALL,
    STATE_COLOURS,
    STATE_MARKERS,
    headline,
    write,
)

# Sizes of the page and of its panel at (left, bottom, width, height), for maps and for lines.
MAP_PAGE, MAP_BOX = (8.9, 6.55), (0.9, 0.7, 5.6, 4.65)
LINE_PAGE, LINE_BOX = (8.9, 5.05), (0.9, 0.95, 5.6, 2.85)
# Left edge of what stands beside the panel.
ASIDE = 6.85
# Room left of a panel alone, below it and on its free sides; of the key above it the columns by
# the figure's size and the height of a line.
LEFT, BELOW, MARGIN, LINE = 0.62, 0.5, 0.2, 0.2
COLUMNS = MappingProxyType({"column": 2, "page": 4, "slide": 4})
KEY_STYLE: Mapping[str, Any] = MappingProxyType(
    {
        "borderaxespad": 0,
        "frameon": False,
        "fontsize": SMALL,
        "handlelength": 1.9,
        "handleheight": 1.3,
        "labelspacing": 0.55,
    }
)

# What the key shows by what is written beside it.
Entries = dict[str, Any]


def new_page(size: tuple[float, float], title: str, *notes: str) -> Figure:
    """An empty page with a title and up to three quiet lines beneath it."""
    figure = Figure(figsize=size)
    top = size[1] - 0.42
    first, *others = [note for note in notes if note]
    headline(figure, 0.4, top, title, first)
    for line, note in enumerate(others, start=2):
        write(figure, 0.4, top - 0.2 * line, note, fontsize=SMALL, color=MUTED)
    return figure


def keyed_panel(size: str | None, key: Entries, *, right: float) -> Axes:
    """The one panel of a figure of its own with its key above it, and so much room to the right."""
    axes = panel_below(size, key, right=right)
    draw_key_above(axes, size, key)
    return axes


def panel_below(size: str | None, key: Entries, *, right: float) -> Axes:
    """The panel of `keyed_panel`, the room for its key empty."""
    lines = -(-len(key) // _columns(size)) + any("\n" in text for text in key)
    return own_panel(None, size, (LEFT, BELOW, right, MARGIN + LINE * lines))


def draw_key_above(axes: Axes, size: str | None, key: Entries) -> None:
    """The key, if it tells of anything, above a panel of a figure of this size."""
    if key:
        place = {"loc": "lower left", "bbox_to_anchor": (0, 1.03), "ncols": _columns(size)}
        axes.legend(list(key.values()), list(key), **place, columnspacing=0.9, **KEY_STYLE)


def _columns(size: str | None) -> int:
    return COLUMNS["page" if size is None else size]


def draw_key(figure: Figure, x: float, y: float, key: Entries) -> None:
    """The key with its upper left corner at x, y in inches."""
    wide, high = figure.get_size_inches()
    place = {"loc": "upper left", "bbox_to_anchor": (x / wide, y / high)}
    figure.legend(list(key.values()), list(key), **place, **KEY_STYLE)


def key_entries(grid: Grid, states: np.ndarray, empty: np.ndarray, *, filled: bool) -> Entries:
    """What the marks, colours and hatches mean.

    **Arguments:**

    - `states`: the indices of all that is shown, in any shape and order; -1 is passed over.
    - `empty`: the points at which nothing is shown; each reason that occurs is in the key.
    - `filled`: whether the states have their colours beside their marks.
    """
    present = [STATES[number] for number in np.unique(states[states >= 0])]
    entries: Entries = {name.replace("_", " "): _swatch(name, filled=filled) for name in present}
    for reason, where in reasons(grid, empty).items():
        if where.any():
            entries[reason] = empty_swatch(reason)
    if fell_apart(grid).any():
        entries[FELL_APART] = fell_apart_swatch()
    return entries


def _swatch(name: str, *, filled: bool) -> tuple[Patch | Line2D, ...]:
    mark = Line2D([], [], linestyle="none", marker=STATE_MARKERS[name], **MARK_STYLE)
    return (Patch(facecolor=STATE_COLOURS[name], linewidth=0), mark) if filled else (mark,)
