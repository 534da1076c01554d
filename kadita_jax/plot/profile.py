"""The seven entropies and their index as a profile, against the canonical schools'."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from types import MappingProxyType

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation, Transform

from kadita_jax.dataset import mean_and_std, second_half
from kadita_jax.errors import refuse
from kadita_jax.parameters import OPEN
from kadita_jax.plot.panels import own_panel
from kadita_jax.plot.reading import missing, series
from kadita_jax.plot.style import (
    BODY,
    FAINT,
    INK,
    MUTED,
    PAPER,
    SMALL,
    STATE_COLOURS,
    STATE_MARKERS,
    size_of,
    style,
)

Profile = Mapping[str, Sequence[float]]

ROWS: Mapping[str, str] = MappingProxyType(
    {
        "school_cohesion_entropy": "cohesion",
        "polarization_entropy": "polarization",
        "depth_stratification_entropy": "depth",
        "angular_momentum_entropy": "angular momentum",
        "nearest_neighbor_entropy": "nearest neighbour",
        "velocity_correlation_entropy": "velocity correlation",
        "school_shape_entropy": "shape",
        "oceanic_schooling_index": "OSI",
    }
)
# The index stands apart from the seven that it is made of.
HEIGHTS = np.array([0, 1, 2, 3, 4, 5, 6, 7.5])

# Beside the panel: the names of the rows to the left, their numbers to the right.
MARGINS = (1.45, 0.5, 1.05, 0.4)
# How far beyond the rows their numbers end, in inches.
BEYOND = 0.95

SCHOOLS = ("swarm", "torus", "dynamic_parallel", "highly_parallel")


def canonical_profiles(convention: str) -> dict[str, Profile]:
    """Mean and spread over seeds of every metric of the four schools, by school and metric."""
    text = (files("kadita_jax") / "data" / "profiles.json").read_text(encoding="utf-8")
    return json.loads(text)[convention]


def run_profile(dataset: xarray.Dataset) -> Profile:
    """Mean and standard deviation of each row over the second half of the run."""
    return {name: mean_and_std(second_half(series(dataset, name))) for name in ROWS}


def has_bands(dataset: xarray.Dataset) -> bool:
    """Whether the canonical schools, which live in boxes, can be compared with.

    In open water the bins of cohesion and depth have other ranges.
    """
    return str(dataset.attrs.get("box_size")) != OPEN


def entropies(dataset: xarray.Dataset, axes: Axes | None = None, *, size: str = "page") -> Axes:
    """The seven entropies and their index, mean ± std of the second half of the run.

    In a box the four canonical schools stand behind. An entropy that is undefined leaves a gap.

    **Arguments:**

    - `dataset`: one run, as `kadita_jax.run` returns it or xarray opens its file.
    - `axes`: to draw in, with an inch and a half of room to the left and one to the right; None
        makes a figure of its own.
    - `size`: of a figure of its own: "column", "page" or "slide".

    **Returns:** the axes; `axes.figure` is the figure, which `save` writes.
    """
    refuse("cannot draw", missing(dataset, ROWS))
    with style():
        axes = own_panel(axes, size, MARGINS)
        _draw_profile(axes, dataset)
    return axes


def _draw_profile(axes: Axes, dataset: xarray.Dataset) -> None:
    _set_rows(axes)
    canonical = canonical_profiles(dataset.attrs.get("convention", "reference"))
    for name in SCHOOLS if has_bands(dataset) else ():
        _draw_school(axes, canonical[name], name)
    profile = run_profile(dataset)
    _draw_run(axes, profile)
    _write_values(axes, profile)
    _draw_key(axes)


def _set_rows(axes: Axes) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(HEIGHTS[-1] + 0.6, HEIGHTS[0] - 0.6)
    axes.set_xticks([0, 0.5, 1], ["0\norder", "0.5", "1\ndisorder"], color=MUTED)
    axes.set_yticks(HEIGHTS, list(ROWS.values()), color=INK, fontsize=BODY)
    axes.get_yticklabels()[-1].set_fontweight("bold")
    axes.tick_params(axis="y", length=0, pad=8)
    axes.spines["left"].set_visible(False)
    axes.hlines(HEIGHTS, 0, 1, color=FAINT, linewidth=0.6, zorder=0)


def _columns(profile: Profile) -> tuple[np.ndarray, np.ndarray]:
    mean, std = zip(*(profile[name] for name in ROWS), strict=True)
    return np.array(mean, dtype=float), np.array(std, dtype=float)


def _draw_school(axes: Axes, profile: Profile, name: str) -> None:
    mean, std = _columns(profile)
    colour, label = STATE_COLOURS[name], name.replace("_", " ")
    axes.plot(mean[:-1], HEIGHTS[:-1], color=colour, linewidth=1, alpha=0.55, zorder=1)
    axes.hlines(HEIGHTS, mean - std, mean + std, color=colour, linewidth=5, alpha=0.22, zorder=1)
    mark = {"marker": STATE_MARKERS[name], "markersize": 8, "markerfacecolor": PAPER}
    mark |= {"markeredgewidth": 1.3, "linestyle": "none"}
    axes.plot(mean, HEIGHTS, color=colour, clip_on=False, zorder=2, label=label, **mark)


def _draw_run(axes: Axes, profile: Profile) -> None:
    mean, std = _columns(profile)
    axes.plot(mean[:-1], HEIGHTS[:-1], color=INK, linewidth=1.6, zorder=3)
    axes.errorbar(mean, HEIGHTS, xerr=std, fmt="none", ecolor=INK, elinewidth=2.4, zorder=3)
    mark = {"markersize": 5.5, "markeredgecolor": PAPER, "markeredgewidth": 0.6}
    axes.plot(mean, HEIGHTS, "o", color=INK, clip_on=False, zorder=4, label="this run", **mark)


def _write_values(axes: Axes, profile: Profile) -> None:
    font = {"va": "center", "ha": "right", "transform": _beyond(axes, axes.get_yaxis_transform())}
    for height, (mean, std) in zip(HEIGHTS, zip(*_columns(profile), strict=True), strict=True):
        defined = bool(np.isfinite(mean))
        text = f"{mean:.2f} ± {std:.2f}" if defined else "undefined"
        axes.text(1, height, text, fontsize=SMALL, color=INK if defined else MUTED, **font)


def _beyond(axes: Axes, transform: Transform) -> Transform:
    """The same places, so much to the right."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return transform + ScaledTranslation(BEYOND, 0, figure.dpi_scale_trans)


def _draw_key(axes: Axes) -> None:
    spacing = {"handletextpad": 0.2, "columnspacing": 1.1, "handlelength": 1.4, "borderpad": 0}
    anchor = {"bbox_to_anchor": (1.0, 1.0), "bbox_transform": _beyond(axes, axes.transAxes)}
    # Five schools beside each other take more than a column.
    place = {"loc": "lower right", "ncols": 5 if size_of(axes)[0] > 2 else 3, **anchor}
    axes.legend(**place, **spacing, frameon=False, fontsize=SMALL)
