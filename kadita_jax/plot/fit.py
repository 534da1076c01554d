"""How a calibration ended: each metric against its target, each parameter with its interval."""

import textwrap
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kadita_jax.plot.effects import NORMAL_95, ROW
from kadita_jax.plot.labels import capital, metric_label
from kadita_jax.plot.page import new_page
from kadita_jax.plot.reading import amount, cut, joined, plain_name, plain_unit
from kadita_jax.plot.style import BLUE, BODY, FAINT, INK, VERMILLION, WASH, headline, panel, style

if TYPE_CHECKING:
    from kadita_jax.calibration import Calibration

# Inches: what stands above the panels and beneath, and their left edges and widths.
ABOVE, BELOW = 1.6, 0.6
METRICS, PARAMETERS_AT, WIDE, NARROW = 2.3, 7.4, 3.2, 2.5
# The most that an interval is drawn to either side, in percent.
MOST = 100.0
LINE = 110


def calibration(found: "Calibration") -> Figure:
    """The metrics' deviations from their targets, and the parameters' 95 % intervals.

    **Arguments:**

    - `found`: what `kadita_jax.calibrate` returns.

    **Returns:** a figure; `save` writes it. Deviations are in standard errors, the band holds 95 %
        of those of a model that explains the target; intervals are in percent of the value, cut
        at 100 %.
    """
    rows = max(len(found.metrics["metric"]), len(found.parameters))
    size = (PARAMETERS_AT + NARROW + 0.4, ABOVE + ROW * rows + BELOW)
    runs = f"{found.n_runs:,} schools run"
    about = joined([f"{found.scenario.n_fish:,} fish", runs, f"misfit {found.misfit:.2f}"])
    verdict = textwrap.wrap(capital(found.verdict), LINE)
    with style():
        title = f"Calibration: {cut(found.scenario.name.replace('_', ' '), 40)}"
        figure = new_page(size, title, about, *verdict)
        _draw_metrics(figure, found)
        _draw_parameters(figure, found)
    return figure


def _rows(figure: Figure, left: float, width: float, names: list[str], title: str) -> Axes:
    """A panel with a named row for each of `names`, its top below the page's words."""
    height = ROW * len(names)
    top = figure.get_size_inches()[1] - ABOVE
    axes = panel(figure, (left, top - height, width, height))
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), names, color=INK, fontsize=BODY)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    headline(figure, left, top + 0.1, title)
    return axes


def _draw_metrics(figure: Figure, found: "Calibration") -> None:
    names = [capital(metric_label(str(name))) for name in found.metrics["metric"].values]
    deviation = found.metrics["deviation"].values
    axes = _rows(figure, METRICS, WIDE, names, "Fitted less target, in its errors")
    axes.axvspan(-NORMAL_95, NORMAL_95, color=WASH, zorder=0)
    axes.axvline(0, color=FAINT, linewidth=0.9, zorder=1)
    colours = [BLUE if abs(x) <= NORMAL_95 else VERMILLION for x in deviation]
    axes.scatter(deviation, range(len(names)), s=34, c=colours, zorder=2)
    most = 1.1 * max(3.0, float(np.nanmax(np.abs(deviation))))
    axes.set_xlim(-most, most)


def _draw_parameters(figure: Figure, found: "Calibration") -> None:
    values = np.array(list(found.parameters.values()))
    errors = np.array(list(found.standard_errors.values()))
    names = [
        f"{plain_name(name)}\n{amount(value)} {plain_unit(name)}".rstrip()
        for name, value in found.parameters.items()
    ]
    axes = _rows(figure, PARAMETERS_AT, NARROW, names, "95 % intervals, in percent")
    half = np.minimum(100 * NORMAL_95 * errors / np.abs(values), MOST)
    axes.errorbar(
        np.zeros(len(half)), range(len(half)), xerr=half, fmt="o", color=BLUE, elinewidth=1.3
    )
    most = 1.15 * max(5.0, float(half.max()))
    axes.set_xlim(-most, most)
