"""Hatches of a sweep's pictures: where nothing is to be seen and why, and where schools fell apart.

Those of empty cells fill them. The one of schools that fell apart lies over the colours, drawn line
by line: matplotlib's own has no halo, and without one it is lost on dark colours or on light ones.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from kadita_jax.plot.grid import WHOLE, Grid, fell_apart, is_invalid
from kadita_jax.plot.style import FAINT, MUTED, PAPER, WASH, size_of

# Why a point is empty, and how it is filled.
HATCHES = MappingProxyType({"radii out of order": "/////", "undefined": "....."})
FILL: Mapping[str, Any] = MappingProxyType({"facecolor": WASH, "edgecolor": FAINT, "linewidth": 0})

# Two lines, so that it fits beside a panel.
FELL_APART = f"fell apart (largest\ngroup < {100 * WHOLE:.0f} %)"
# From line to line, in inches, in large panels and in small ones.
GAP, SMALL_GAP = 0.12, 0.085
# Colour, width and opacity: the halo first, then the line. On paper, beneath what is drawn there,
# no more than a shade.
Strokes = tuple[tuple[str, float, float], ...]
OVER_COLOURS: Strokes = ((PAPER, 1.3, 0.75), (MUTED, 0.5, 1.0))
ON_PAPER: Strokes = ((FAINT, 0.6, 1.0),)
# Width and height of a patch of the key, and how far above its middle a mark stands, in inches.
SWATCH, HIGHER = (0.223, 0.128), 0.0124


def reasons(grid: Grid, empty: np.ndarray) -> dict[str, np.ndarray]:
    """Which of the empty points are empty why, by the reasons of `HATCHES`."""
    invalid = is_invalid(grid)
    return dict(zip(HATCHES, (empty & invalid, empty & ~invalid), strict=True))


def draw_hatches(
    axes: Axes, grid: Grid, empty: np.ndarray, strokes: Strokes = OVER_COLOURS
) -> None:
    """Fill the cells that are empty by their reason, and hatch those whose schools fell apart.

    Over one axis, from bottom to top.
    """
    for reason, where in reasons(grid, empty).items():
        if where.any():
            # Not add_patch: the limits stand, and to search so many cells for new ones is slow.
            cells = PathPatch(_outline(axes, grid, where), hatch=HATCHES[reason], **FILL)
            axes.add_artist(cells).set_zorder(1.5)
    where = fell_apart(grid)
    if where.any():
        _draw_falling(axes, _outline(axes, grid, where), strokes)


def _outline(axes: Axes, grid: Grid, where: np.ndarray) -> Path:
    """Once around every cell that is meant."""
    x, *others = (axis.edges for axis in grid.axes)
    y = others[0] if others else np.array(axes.get_ylim())
    i, j = np.nonzero(where.reshape(len(x) - 1, -1))
    corners = [(x[i], y[j]), (x[i + 1], y[j]), (x[i + 1], y[j + 1]), (x[i], y[j + 1])]
    outline = np.moveaxis(np.array([*corners, corners[0]]), -1, 0)
    once_around = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    return Path(outline.reshape(-1, 2), np.tile(once_around, len(i)))


def _draw_falling(axes: Axes, cells: Path, strokes: Strokes) -> None:
    width, height = size_of(axes)
    segments = falling_lines(width, height, GAP if width > 3.5 else SMALL_GAP) / (width, height)
    for colour, linewidth, alpha in strokes:
        look = {"colors": colour, "linewidths": linewidth, "alpha": alpha, "zorder": 1.6}
        lines = LineCollection(list(segments), transform=axes.transAxes, **look)
        lines.set_clip_path(cells, axes.transData)
        axes.add_collection(lines, autolim=False)


def falling_lines(width: float, height: float, gap: float) -> np.ndarray:
    """Ends (n, 2, 2) of lines that fall at 45 degrees through a box, so far from one another."""
    total = np.arange(gap / 2, width + height, gap * 2**0.5)
    left, right = np.maximum(0, total - height), np.minimum(width, total)
    return np.array([(left, total - left), (right, total - right)]).transpose(2, 0, 1)


def empty_swatch(reason: str) -> tuple[Patch, ...]:
    """How the key shows a reason of `HATCHES`."""
    return (Patch(hatch=HATCHES[reason], **FILL),)


def fell_apart_swatch() -> tuple[Patch | Line2D, ...]:
    """How the key shows the hatch of schools that fell apart: over a grey, as it may be any."""
    middle = SWATCH[0] / 2, SWATCH[1] / 2 + HIGHER
    ends = 72 * (falling_lines(*SWATCH, SMALL_GAP) - middle).reshape(-1, 2)
    # A marker is drawn so large that its farthest point lies half a markersize from its middle.
    size = 2 * float(np.abs(ends).max())
    marker = Path(ends, np.tile([Path.MOVETO, Path.LINETO], len(ends) // 2))
    strokes = (
        Line2D(
            [],
            [],
            linestyle="none",
            marker=marker,
            markersize=size,
            color=colour,
            markeredgewidth=width,
            alpha=alpha,
        )
        for colour, width, alpha in OVER_COLOURS
    )
    return (Patch(facecolor=FAINT, linewidth=0), *strokes)
