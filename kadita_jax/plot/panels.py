"""Panels alone: in axes that are given, or in a figure of a panel's own."""

from collections.abc import Collection
from types import MappingProxyType
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kadita_jax.errors import Fault, Unchecked, refuse
from kadita_jax.plot.style import panel

# Figures of one panel, inches: a column and a page of a journal, and half a slide of 13.3 x 7.5,
# so that letters of one size suit all three.
SIZES = MappingProxyType({"column": (3.5, 2.8), "page": (7.2, 5.0), "slide": (20 / 3, 3.75)})

# Room around a panel for what is written beside it: left, bottom, right, top, in inches.
Margins = tuple[float, float, float, float]


def choice_faults(
    field: str, value: Unchecked | None, known: Collection[str], whose: str = ""
) -> list[Fault]:
    """The fault of what is none of these words; None leaves the choice and is none."""
    if value is None or (isinstance(value, str) and value in known):
        return []
    return [Fault(field, f"must be one of {whose}{', '.join(known)}", value)]


def size_faults(size: str | Unchecked | None) -> list[Fault]:
    """The fault of a size that does not exist; None is "page"."""
    return choice_faults("size", size, SIZES)


def own_panel(
    axes: Axes | None,
    size: str | Unchecked | None,
    margins: Margins = (0.0, 0.0, 0.0, 0.0),
    **options: Any,
) -> Axes:
    """The axes that are given, or the one panel of a new figure of this size, "page" when None.

    **Raises:** `InvalidInputError` when there is no such size.
    """
    refuse("cannot draw", size_faults(size))
    if axes is not None:
        return axes
    wide, high = SIZES["page" if size is None else size]
    left, bottom, right, top = margins
    box = left, bottom, wide - left - right, high - bottom - top
    return panel(Figure(figsize=(wide, high)), box, **options)
