"""What the pictures need from a run's Dataset, whichever program wrote it."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray

from kadita_jax.metrics import STATES

EPOCH = np.datetime64("2000-01-01")


def seconds(dataset: xarray.Dataset) -> np.ndarray:
    """Time in seconds (T,), whether or not xarray decoded it into dates or durations."""
    time = dataset["time"].values
    if time.dtype.kind == "M":
        time = time - EPOCH
    return time / np.timedelta64(1, "s") if time.dtype.kind == "m" else time.astype(float)


def series(dataset: xarray.Dataset, name: str) -> np.ndarray:
    """One metric against time (T,), as float64."""
    return dataset[name].values.astype(float)


def window(values: np.ndarray) -> np.ndarray:
    """The second half (frames T // 2 to the end), that summary statistics are taken over."""
    return values[values.shape[0] // 2 :]


def mean_and_std(values: np.ndarray) -> tuple[float, float]:
    """Of the defined values; nan, nan when there is none."""
    defined = values[np.isfinite(values)]
    return (float(defined.mean()), float(defined.std())) if defined.size else (np.nan, np.nan)


def final_school(dataset: xarray.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Position and heading (N, 3) in the last frame, without the fish that were not seen."""
    last = dataset[["position", "heading"]].isel(time=-1)
    position, heading = (last[name].values.astype(float) for name in ("position", "heading"))
    seen = np.isfinite(position).all(axis=1) & np.isfinite(heading).all(axis=1)
    return position[seen], heading[seen]


def final_state(dataset: xarray.Dataset) -> str:
    """The state's name in plain words; "undefined" when P and M name none."""
    label = int(dataset["state"].values[-1])
    return STATES[label].replace("_", " ") if label >= 0 else "undefined"


def number(dataset: xarray.Dataset, name: str) -> float | None:
    """An attribute as one number, the median of one value per fish; None when it is absent."""
    value = dataset.attrs.get(name)
    return None if value is None else float(np.median(value))


def amount(value: Any) -> str:
    """A number as a person would write it; "a to b" for unlike fish."""
    if isinstance(value, str):
        return value
    low, high = float(np.min(value)), float(np.max(value))
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def joined(parts: Iterable[str]) -> str:
    """The parts that are not empty, side by side with room between."""
    return "   ·   ".join(part for part in parts if part)
