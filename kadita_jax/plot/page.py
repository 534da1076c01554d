"""The page of one picture of a sweep: its headline, its notes and the key to its states."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from kadita_jax.names import STATES
from kadita_jax.plot.grid import Grid, fell_apart
from kadita_jax.plot.hatches import FELL_APART, empty_swatch, fell_apart_swatch, reasons
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


def new_page(size: tuple[float, float], title: str, *notes: str) -> Figure:
    """An empty page with a title and up to three quiet lines beneath it."""
    figure = Figure(figsize=size)
    top = size[1] - 0.42
    first, *others = [note for note in notes if note]
    headline(figure, 0.4, top, title, first)
    for line, note in enumerate(others, start=2):
        write(figure, 0.4, top - 0.2 * line, note, fontsize=SMALL, color=MUTED)
    return figure


def draw_key(
    figure: Figure,
    x: float,
    y: float,
    grid: Grid,
    states: np.ndarray,
    empty: np.ndarray,
    *,
    filled: bool,
) -> None:
    """What the marks, colours and hatches mean, its upper left corner at x, y in inches.

    **Arguments:**

    - `states`: the indices of all that is shown, in any shape and order; -1 is passed over.
    - `empty`: the points at which nothing is shown; each reason that occurs is in the key.
    - `filled`: whether the states have their colours beside their marks.
    """
    present = [STATES[number] for number in np.unique(states[states >= 0])]
    handles: dict[str, Any] = {
        name.replace("_", " "): _swatch(name, filled=filled) for name in present
    }
    for reason, where in reasons(grid, empty).items():
        if where.any():
            handles[reason] = empty_swatch(reason)
    if fell_apart(grid).any():
        handles[FELL_APART] = fell_apart_swatch()
    wide, high = figure.get_size_inches()
    figure.legend(
        list(handles.values()),
        list(handles),
        loc="upper left",
        bbox_to_anchor=(x / wide, y / high),
        borderaxespad=0,
        frameon=False,
        fontsize=SMALL,
        handlelength=1.9,
        handleheight=1.3,
        labelspacing=0.55,
    )


def _swatch(name: str, *, filled: bool) -> tuple[Patch | Line2D, ...]:
    mark = Line2D([], [], linestyle="none", marker=STATE_MARKERS[name], **MARK_STYLE)
    return (Patch(facecolor=STATE_COLOURS[name], linewidth=0), mark) if filled else (mark,)
