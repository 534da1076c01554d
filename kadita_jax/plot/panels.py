"""Panels alone: in axes that are given, or in a figure of a panel's own."""

from types import MappingProxyType
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kadita_jax.errors import Fault, refuse
from kadita_jax.plot.style import panel

# Figures of one panel, inches: a column and a page of a journal, and half a slide of 13.3 x 7.5,
# so that letters of one size suit all three.
SIZES = MappingProxyType({"column": (3.5, 2.8), "page": (7.2, 5.0), "slide": (20 / 3, 3.75)})

# Room around a panel for what is written beside it: left, bottom, right, top, in inches.
Margins = tuple[float, float, float, float]


def own_panel(
    axes: Axes | None,
    size: str | None,
    margins: Margins = (0.0, 0.0, 0.0, 0.0),
    **options: Any,
) -> Axes:
    """The axes that are given, or the one panel of a new figure of this size, "page" when None.

    **Raises:** `InvalidInputError` when there is no such size.
    """
    size = size or "page"
    if size not in SIZES:
        rule = f"must be one of {', '.join(SIZES)}"
        refuse("cannot draw", [Fault("size", rule, size)])
    if axes is not None:
        return axes
    wide, high = SIZES[size]
    left, bottom, right, top = margins
    box = left, bottom, wide - left - right, high - bottom - top
    return panel(Figure(figsize=(wide, high)), box, **options)
