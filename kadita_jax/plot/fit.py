"""How a calibration ended: each metric against its target, each parameter with its interval."""

import textwrap
from typing import TYPE_CHECKING, overload

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kadita_jax.errors import Unchecked, refuse
from kadita_jax.plot.effects import NORMAL_95, ROW
from kadita_jax.plot.labels import capital, metric_label
from kadita_jax.plot.page import new_page
from kadita_jax.plot.panels import choice_faults, own_panel, size_faults
from kadita_jax.plot.reading import cut, joined, plain_name, plain_unit
from kadita_jax.plot.style import BLUE, BODY, FAINT, INK, VERMILLION, WASH, headline, panel, style

if TYPE_CHECKING:
    from kadita_jax.calibration import Calibration

# Inches: what stands above the panels and beneath, and their left edges and widths.
ABOVE, BELOW = 1.6, 0.6
METRICS, PARAMETERS_AT, WIDE, NARROW = 2.3, 7.4, 3.2, 2.5
# The most that an interval is drawn to either side, in percent.
MOST = 100.0
LINE = 110
DEVIATIONS, INTERVALS = "Fitted less target, in its errors", "95 % intervals, in percent"
# What a panel alone shows.
PARTS = ("metrics", "parameters")


@overload
def calibration(
    found: "Calibration", axes: None = ..., *, part: None = ..., size: None = ...
) -> Figure: ...
@overload
def calibration(
    found: "Calibration", axes: Axes, *, part: str | None = ..., size: str | None = ...
) -> Axes: ...
@overload
def calibration(
    found: "Calibration", axes: None = ..., *, part: str, size: str | None = ...
) -> Axes: ...
@overload
def calibration(found: "Calibration", axes: None = ..., *, part: None = ..., size: str) -> Axes: ...
def calibration(
    found: "Calibration",
    axes: Axes | None = None,
    *,
    part: str | Unchecked | None = None,
    size: str | Unchecked | None = None,
) -> Figure | Axes:
    """The metrics' deviations from their targets, and the parameters' 95 % intervals.

    **Arguments:**

    - `found`: what `kadita_jax.calibrate` returns.
    - `axes`: to draw one part in, with two inches of room to the left.
    - `part`: which one, "metrics" or "parameters"; the metrics when None.
    - `size`: "column", "page" or "slide": of a figure of one part.

    **Returns:** the axes; of what was found alone the figure of a page with title and verdict, both
        parts beside each other. `save` writes either. Deviations are in standard errors, the band
        holds 95 % of those of a model that explains the target; intervals are in percent of the
        value, cut at 100 %.
    """
    refuse("cannot draw", [*choice_faults("part", part, PARTS), *size_faults(size)])
    with style():
        if axes is None and part is None and size is None:
            return _page(found)
        of_metrics = part != "parameters"
        drawn = own_panel(axes, size, (1.95 if of_metrics else 1.5, 0.5, 0.2, 0.15))
        (_draw_metrics if of_metrics else _draw_parameters)(drawn, found)
        drawn.set_xlabel(DEVIATIONS if of_metrics else INTERVALS, fontsize=BODY, loc="right")
    return drawn


def _page(found: "Calibration") -> Figure:
    rows = max(len(found.metrics["metric"]), len(found.parameters))
    size = (PARAMETERS_AT + NARROW + 0.4, ABOVE + ROW * rows + BELOW)
    runs = f"{found.n_runs:,} schools run"
    about = joined([f"{found.scenario.n_fish:,} fish", runs, f"misfit {found.misfit:.2f}"])
    verdict = textwrap.wrap(capital(found.verdict), LINE)
    title = f"Calibration: {cut(found.scenario.name.replace('_', ' '), 40)}"
    figure = new_page(size, title, about, *verdict)
    n_metrics, n_parameters = len(found.metrics["metric"]), len(found.parameters)
    _draw_metrics(_panel(figure, METRICS, WIDE, n_metrics, DEVIATIONS), found)
    _draw_parameters(_panel(figure, PARAMETERS_AT, NARROW, n_parameters, INTERVALS), found)
    return figure


def _panel(figure: Figure, left: float, width: float, n_rows: int, title: str) -> Axes:
    """A panel for so many rows, its top below the page's words."""
    height, top = ROW * n_rows, figure.get_size_inches()[1] - ABOVE
    headline(figure, left, top + 0.1, title)
    return panel(figure, (left, top - height, width, height))


def _name_rows(axes: Axes, names: list[str]) -> None:
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), names, color=INK, fontsize=BODY)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _draw_metrics(axes: Axes, found: "Calibration") -> None:
    names = [capital(metric_label(str(name))) for name in found.metrics["metric"].values]
    _name_rows(axes, names)
    deviation = found.metrics["deviation"].values
    axes.axvspan(-NORMAL_95, NORMAL_95, color=WASH, zorder=0)
    axes.axvline(0, color=FAINT, linewidth=0.9, zorder=1)
    colours = [BLUE if abs(x) <= NORMAL_95 else VERMILLION for x in deviation]
    axes.scatter(deviation, range(len(names)), s=34, c=colours, zorder=2)
    most = 1.1 * max(3.0, float(np.nanmax(np.abs(deviation))))
    axes.set_xlim(-most, most)


def _draw_parameters(axes: Axes, found: "Calibration") -> None:
    values = np.array(list(found.parameters.values()))
    errors = np.array(list(found.standard_errors.values()))
    names = [
        f"{plain_name(name)}\n{value:.3g} {plain_unit(name)}".rstrip()
        for name, value in found.parameters.items()
    ]
    _name_rows(axes, names)
    half = np.minimum(100 * NORMAL_95 * errors / np.abs(values), MOST)
    axes.errorbar(
        np.zeros(len(half)), range(len(half)), xerr=half, fmt="o", color=BLUE, elinewidth=1.3
    )
    most = 1.15 * max(5.0, float(half.max()))
    axes.set_xlim(-most, most)
