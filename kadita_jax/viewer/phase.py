"""The page of a sweep: every metric and state at every point, over any of its axes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from kadita_jax.names import STATES
from kadita_jax.plot.grid import (
    REPLICATE,
    Axis,
    Grid,
    average,
    fell_apart,
    is_invalid,
    leading_state,
    n_replicates,
    read_grid,
    standard_error,
    state_shares,
)
from kadita_jax.plot.hatches import FELL_APART, HATCHES
from kadita_jax.plot.labels import about as about_sweep
from kadita_jax.plot.labels import capital, metric_label, scenario_name
from kadita_jax.plot.maps import colour_range, colours_of, meaning_of_ends, state_colours
from kadita_jax.plot.style import STATE_COLOURS
from kadita_jax.viewer.checks import metrics_of
from kadita_jax.viewer.packing import packed
from kadita_jax.viewer.page import Page
from kadita_jax.viewer.palette import as_bytes, map_table


def phase_page(dataset: xr.Dataset) -> Page:
    """The page of a sweep; what `view` says holds."""
    metrics = metrics_of(dataset)
    grid = read_grid(dataset, f"{metrics[0]}_mean", most_axes=len(dataset.dims))
    places, data = packed(_arrays(grid, metrics), frozenset())
    title = capital(f"{scenario_name(grid)} sweep".strip())
    subtitle = about_sweep(grid, f"{metrics[0]}_mean")
    about = {"title": title, "subtitle": subtitle, "arrays": places}
    return Page("phase", about | _words(grid, metrics), data)


def _arrays(grid: Grid, metrics: list[str]) -> dict[str, np.ndarray]:
    arrays = {}
    for name in metrics:
        mean, error = average(grid, name), standard_error(grid, name)
        arrays[name] = mean.astype(np.float32)
        arrays[f"{name}_error"] = error.astype(np.float32)
        arrays[f"{name}_deviation"] = _deviation(grid, name).astype(np.float32)
    arrays |= {"is_invalid": is_invalid(grid), "fell_apart": fell_apart(grid)}
    arrays["leading"] = leading_state(grid).astype(np.int8)
    if "state" in grid.dataset:
        arrays["shares"] = state_shares(grid).astype(np.float32)
        arrays["state_colours"] = as_bytes(state_colours(grid))
    tables = {f"colours_{colours_of(name)}": map_table(colours_of(name)) for name in metrics}
    found = arrays | tables
    return {k: v.astype(np.uint8) if v.dtype == bool else v for k, v in found.items()}


def _deviation(grid: Grid, metric: str) -> np.ndarray:
    """Of the replicates' means (ddof 1); nan where fewer than two are defined."""
    array = grid.array(f"{metric}_mean").astype(float)
    if REPLICATE not in array.dims:
        return np.full(array.shape, np.nan)
    count = array.notnull().sum(REPLICATE).values
    return standard_error(grid, metric) * np.sqrt(count)


def _words(grid: Grid, metrics: list[str]) -> dict[str, Any]:
    variable = f"{metrics[0]}_mean"
    return {
        "axes": [_axis(axis) for axis in grid.axes],
        "metrics": [_metric(grid, name) for name in metrics],
        "states": [
            {"name": name.replace("_", " "), "colour": STATE_COLOURS[name]} for name in STATES
        ],
        "n_replicates": n_replicates(grid, variable),
        "reasons": list(HATCHES),
        "fell_apart_words": " ".join(FELL_APART.split()),
        "where": grid.where,
    }


def _axis(axis: Axis) -> Mapping[str, Any]:
    edges = np.log(axis.edges) if axis.is_log else axis.edges
    # From 0 to 1 across the map, whatever the scale.
    share = (edges - edges[0]) / (edges[-1] - edges[0])
    return {
        "name": axis.name,
        "label": axis.label,
        "unit": axis.unit,
        "edges": share.tolist(),
        "values": [f"{place:.4g}" for place in axis.place],
    }


def _metric(grid: Grid, name: str) -> Mapping[str, Any]:
    low, high = colour_range(grid, name)
    return {
        "name": name,
        "label": metric_label(name),
        "low": low,
        "high": high,
        "ends": list(meaning_of_ends(name)),
        "colours": f"colours_{colours_of(name)}",
    }
