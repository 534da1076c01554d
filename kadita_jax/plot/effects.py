"""What each parameter does to each metric: derivatives with their intervals, side by side."""

from typing import overload

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kadita_jax.errors import Fault, Unchecked, refuse
from kadita_jax.names import ALL_LONG_NAMES
from kadita_jax.parameters import PARAMETERS
from kadita_jax.plot.labels import capital, metric_label
from kadita_jax.plot.maps import ROUND
from kadita_jax.plot.page import new_page
from kadita_jax.plot.panels import choice_faults, own_panel, size_faults
from kadita_jax.plot.reading import amount, cut, joined, plain_name, plain_unit
from kadita_jax.plot.style import BLUE, BODY, FAINT, INK, MUTED, PAPER, Box, headline, panel, style

# 95 % of a normal distribution lie within so many standard errors.
NORMAL_95 = 1.96
# A parameter is raised by this share of its value, or by so much where that is 0.
TENTH = 0.1
RISE = {"blind_angle": 3.0, "noise": 0.01}
RISE_OTHERS = 0.1
NOTE = "change of the mean when one parameter is raised by 10 %, with 95 % intervals"
HOLLOW = "hollow: the interval holds 0"
# Inches: a panel, the room between panels, a row of a panel, and what is left about all of them.
WIDE, BETWEEN, ROW = 2.35, 0.6, 0.36
LEFT, RIGHT, ABOVE, BELOW = 2.6, 0.35, 1.2, 0.55
PANELS_BESIDE = 4
# About a panel alone: to the left its rows' names.
MARGINS = (1.5, 0.5, 0.2, 0.15)


@overload
def sensitivities(
    dataset: xarray.Dataset, axes: None = ..., *, metric: None = ..., size: None = ...
) -> Figure: ...
@overload
def sensitivities(
    dataset: xarray.Dataset, axes: Axes, *, metric: str | None = ..., size: str | None = ...
) -> Axes: ...
@overload
def sensitivities(
    dataset: xarray.Dataset, axes: None = ..., *, metric: str, size: str | None = ...
) -> Axes: ...
@overload
def sensitivities(
    dataset: xarray.Dataset, axes: None = ..., *, metric: None = ..., size: str
) -> Axes: ...
def sensitivities(
    dataset: xarray.Dataset,
    axes: Axes | None = None,
    *,
    metric: str | Unchecked | None = None,
    size: str | Unchecked | None = None,
) -> Figure | Axes:
    """The change of each mean metric when each parameter is raised by a tenth of its value.

    derivative x 0.1 |value| with its 95 % interval; where the value is 0, x a small fixed rise
    that its row tells. A panel for each metric, a row for each parameter, in the Dataset's order.

    **Arguments:**

    - `dataset`: a study, as `kadita_jax.sensitivity` returns it or xarray opens its file, with at
        least one parameter.
    - `axes`: to draw one metric in, with an inch and a half of room to the left.
    - `metric`: which one; the study's first when None.
    - `size`: "column", "page" or "slide": of a figure of one metric.

    **Returns:** the axes; of a dataset alone the figure of a page with title and notes, a panel for
        each metric. `save` writes either.

    **Raises:** `InvalidInputError` where it holds no derivatives by parameters, or none of this
        metric.
    """
    refuse("cannot draw", [*_faults(dataset, metric), *size_faults(size)])
    with style():
        if axes is None and metric is None and size is None:
            return _page(dataset)
        name = str(dataset["metric"].values[0]) if metric is None else metric
        drawn = own_panel(axes, size, MARGINS)
        _draw_metric(drawn, dataset.sel(metric=name))
        _name_rows(drawn, dataset, named=True)
        drawn.set_xlabel(f"change of {metric_label(name)}", fontsize=BODY, loc="right")
    return drawn


def _faults(dataset: xarray.Dataset, metric: Unchecked | None) -> list[Fault]:
    if "derivative" in dataset:
        known = list(map(str, dataset["metric"].values))
        return choice_faults("metric", metric, known, "the study's: ")
    rule = "must hold derivatives by parameters: a study with wrt"
    wrong = Fault("dataset", rule, list(map(str, dataset.data_vars)))
    return [wrong, *choice_faults("metric", metric, ALL_LONG_NAMES)]


def _page(dataset: xarray.Dataset) -> Figure:
    boxes, size = _layout(dataset.sizes["metric"], dataset.sizes["parameter"])
    figure = new_page(size, _title(dataset), _about(dataset), NOTE, HOLLOW)
    for number, box in enumerate(boxes):
        axes = panel(figure, box)
        _draw_metric(axes, dataset.isel(metric=number))
        _name_rows(axes, dataset, named=number % PANELS_BESIDE == 0)
        name = metric_label(str(dataset["metric"].values[number]))
        headline(figure, box[0], box[1] + box[3] + 0.08, capital(name))
    return figure


def _layout(n_metrics: int, n_parameters: int) -> tuple[list[Box], tuple[float, float]]:
    """Boxes of the panels, row after row from the top, and the size of the page."""
    beside = min(n_metrics, PANELS_BESIDE)
    rows, height = -(-n_metrics // PANELS_BESIDE), ROW * n_parameters + 0.2
    down = height + BELOW + 0.45
    high = ABOVE + rows * down
    boxes = [
        (
            LEFT + number % PANELS_BESIDE * (WIDE + BETWEEN),
            high - ABOVE - (number // PANELS_BESIDE) * down - height - 0.3,
            WIDE,
            height,
        )
        for number in range(n_metrics)
    ]
    return boxes, (max(LEFT + beside * (WIDE + BETWEEN) + RIGHT, 6.5), high)


def _title(dataset: xarray.Dataset) -> str:
    name = str(dataset.attrs.get("scenario_name", "")).replace("_", " ")
    return f"What moves this school{': ' * bool(name)}{cut(name, 40)}"


def _about(dataset: xarray.Dataset) -> str:
    given = dataset.attrs
    words = {"n_fish": "fish", "replicates": "replicates", "n_steps": "steps"}
    sizes = [f"{int(given[key]):,} {word}" for key, word in words.items() if key in given]
    return joined([*sizes, str(given.get("method", ""))])


def _rises(dataset: xarray.Dataset) -> np.ndarray:
    """How far each parameter is raised."""
    names, values = dataset["parameter"].values, dataset["parameter_value"].values
    least = [RISE.get(str(name), RISE_OTHERS) for name in names]
    return np.where(values == 0, least, TENTH * np.abs(values))


def _draw_metric(axes: Axes, dataset: xarray.Dataset) -> None:
    rise = _rises(dataset)
    change, error = (dataset[name].values * rise for name in ("derivative", "standard_error"))
    half = NORMAL_95 * error
    place = np.arange(len(change))
    axes.axvline(0, color=FAINT, linewidth=0.9, zorder=1)
    axes.errorbar(change, place, xerr=half, fmt="none", ecolor=BLUE, elinewidth=1.3, zorder=2)
    fill = [BLUE if abs(x) > h else PAPER for x, h in zip(change, half, strict=True)]
    axes.scatter(change, place, s=34, c=fill, edgecolors=BLUE, linewidths=1.2, zorder=3)
    ends = np.abs(np.concatenate([change - half, change + half]))
    most = 1.12 * max(np.max(ends[np.isfinite(ends)], initial=0), 1e-12)
    axes.set_xlim(-most, most)
    axes.locator_params(axis="x", nbins=4, steps=ROUND)


def _name_rows(axes: Axes, dataset: xarray.Dataset, *, named: bool) -> None:
    names = [str(name) for name in dataset["parameter"].values]
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    rows = zip(names, dataset["parameter_value"].values, _rises(dataset), strict=True)
    words = [_row(*row) for row in rows] if named else []
    axes.set_yticks(range(len(names)), words or [""] * len(names), color=INK, fontsize=BODY)
    axes.xaxis.label.set_color(MUTED)


def _row(name: str, value: float, rise: float) -> str:
    unit = plain_unit(name, PARAMETERS[name].unit if name in PARAMETERS else "1")
    return f"{plain_name(name)}\n{amount(float(value))} + {amount(float(rise))} {unit}".rstrip()
