"""How every picture looks: paper white, dark ink, colours that survive print and colour blindness.

Nothing here touches matplotlib's global settings: pictures are drawn and saved inside `style()`.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

INK = "#1b1f24"
MUTED = "#626a73"
FAINT = "#c9ced4"
WASH = "#f1f3f5"
PAPER = "#ffffff"

# Okabe and Ito's palette, told apart by all common kinds of colour vision, but for a darker purple:
# beside grey theirs is grey to who lacks the green cones. Every use also varies the marker, so a
# grey print reads the same.
BLUE = "#0072b2"
VERMILLION = "#d55e00"
SKY = "#56b4e9"
ORANGE = "#e69f00"
GREEN = "#009e73"
PURPLE = "#882d73"
# What belongs to none of those.
GREY = "#b4bac2"

# One look per state, in every picture.
STATE_COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "swarm": SKY,
        "torus": ORANGE,
        "dynamic_parallel": GREEN,
        "highly_parallel": PURPLE,
        "transitional": GREY,
    }
)
STATE_MARKERS: Mapping[str, str] = MappingProxyType(
    {
        "swarm": "o",
        "torus": "^",
        "dynamic_parallel": "s",
        "highly_parallel": "v",
        "transitional": "D",
    }
)

# Directions: a wheel for level headings, two poles for steep ones. Dichromats see two axes,
# light-dark and blue-yellow: the quarters of the wheel lie on those, the poles differ in
# lightness, and nothing is so light that it vanishes on paper.
COMPASS = LinearSegmentedColormap.from_list(
    "compass", ["#d2662a", "#e2ba5a", "#4f97cf", "#33305f", "#d2662a"]
)
UP, DOWN = "#5fb89a", "#8c3d6e"
# What fish leave on the floor and behind them: paler than any fish.
SHADOW, PATHS = "#e9ebee", "#a8c6da"

TITLE, SUBTITLE, PANEL, BODY, SMALL, TINY = 23, 11.5, 11.5, 9, 8.5, 7.5

SETTINGS: Mapping[str, Any] = MappingProxyType(
    {
        # The one font that comes with matplotlib: the layout is the same on every machine.
        "font.family": "DejaVu Sans",
        "font.size": BODY,
        # A "$" in the name of a scenario is a dollar sign.
        "text.parse_math": False,
        "text.color": INK,
        "figure.facecolor": PAPER,
        "axes.facecolor": PAPER,
        "axes.edgecolor": MUTED,
        "axes.labelcolor": MUTED,
        "axes.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL,
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "xtick.major.size": 3,
        "ytick.major.size": 3,
        "lines.solid_capstyle": "round",
        "lines.solid_joinstyle": "round",
    }
)

Box = tuple[float, float, float, float]


def style() -> AbstractContextManager[None]:
    """Our settings over matplotlib's defaults, the user's own left out, for one with block."""
    return matplotlib.style.context(["default", dict(SETTINGS)])


def panel(figure: Figure, box: Box, **options: Any) -> Axes:
    """Axes at (left, bottom, width, height), in inches."""
    left, bottom, width, height = box
    wide, high = figure.get_size_inches()
    return figure.add_axes((left / wide, bottom / high, width / wide, height / high), **options)


def size_of(axes: Axes) -> tuple[float, float]:
    """Width and height of a panel, in inches."""
    figure, extent = axes.get_figure(root=True), axes.get_window_extent()
    assert figure is not None
    return extent.width / figure.dpi, extent.height / figure.dpi


def write(figure: Figure, x: float, y: float, text: str, **font: Any) -> None:
    """Text with its baseline's start at x, y, in inches."""
    wide, high = figure.get_size_inches()
    figure.text(x / wide, y / high, text, **font)


def headline(figure: Figure, x: float, y: float, title: str, note: str = "") -> None:
    """A panel's title at x, y, in inches, with a quiet line beneath."""
    write(figure, x, y, title, fontsize=PANEL, fontweight="bold")
    write(figure, x, y - 0.2, note, fontsize=SMALL, color=MUTED)
