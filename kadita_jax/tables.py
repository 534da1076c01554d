"""Tables of one run as CSV: the metrics in time, their summary, the final state."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
import xarray as xr

from kadita_jax.dataset import clock, mean_and_std, second_half, state_name
from kadita_jax.files import replacing
from kadita_jax.layout import SPACE
from kadita_jax.names import MORE_NAMES, NAMES


@dataclass(frozen=True)
class Summary:
    """One metric over a run's defined frames.

    Mean and std (ddof 0) are of the second half, min and max of all frames, final of the last.
    """

    mean: float
    std: float
    final: float
    min: float
    max: float


def summarize(dataset: xr.Dataset) -> dict[str, Summary]:
    """The summary of each metric; the second half starts at frame T // 2."""
    return {name: _summary(np.asarray(dataset[name], float)) for name in _told(dataset)}


def _told(dataset: xr.Dataset) -> list[str]:
    """The twelve metrics, and what else a run tells."""
    return [*NAMES, *(name for name in MORE_NAMES if name in dataset)]


def _summary(series: np.ndarray) -> Summary:
    mean, std = mean_and_std(second_half(series))
    defined = series[np.isfinite(series)]
    low, high = (defined.min(), defined.max()) if defined.size else (np.nan, np.nan)
    return Summary(mean, std, float(series[-1]), float(low), float(high))


def write_tables(dataset: xr.Dataset, folder: Path, name: str) -> list[Path]:
    """Write NAME_metrics.csv, NAME_summary.csv and, of tracks, NAME_final_state.csv."""
    tables = {"metrics": _metric_rows(dataset), "summary": _summary_rows(dataset)}
    if "position" in dataset:
        tables["final_state"] = _final_rows(dataset)
    paths = []
    for kind, rows in tables.items():
        paths.append(folder / f"{name}_{kind}.csv")
        _write_rows(paths[-1], rows)
    return paths


def _metric_rows(dataset: xr.Dataset) -> Iterable[Sequence[object]]:
    when = clock(dataset)
    yield (when.name, *_told(dataset), "state")
    columns = [np.asarray(dataset[name]) for name in _told(dataset)]
    labels = map(state_name, dataset["state"].values.tolist())
    yield from zip(when.values, *columns, labels, strict=True)


def _summary_rows(dataset: xr.Dataset) -> Iterable[Sequence[object]]:
    yield ("metric", *(field.name for field in fields(Summary)))
    for name, summary in summarize(dataset).items():
        yield (name, *astuple(summary))


def _final_rows(dataset: xr.Dataset) -> Iterable[Sequence[object]]:
    yield ("fish", *SPACE, *(f"heading_{axis}" for axis in SPACE))
    last = dataset.isel(time=-1)
    position, heading = np.asarray(last["position"]), np.asarray(last["heading"])
    for fish, (place, direction) in enumerate(zip(position, heading, strict=True)):
        yield (fish, *place, *direction)


def _write_rows(path: Path, rows: Iterable[Sequence[object]]) -> None:
    with replacing(path) as partial, partial.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: object) -> object:
    if getattr(value, "dtype", None) == np.float32:
        return f"{value:.9g}"
    return f"{value:.17g}" if isinstance(value, float) else value
