"""What a fish can be coloured by: its heading, speed, nearest neighbour, group."""

from typing import NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float, UInt8

from kadita_jax.plot.reading import amount, has_number
from kadita_jax.viewer.packing import quantised_share
from kadita_jax.viewer.palette import GROUP_COLOURS
from kadita_jax.viewer.swimming import (
    MOST_PAIRS,
    Tracks,
    group_ranks,
    nearest_neighbours,
)

# Colours end where nearly all values do: one fish far away shall not make all others look alike.
NEARLY_ALL = 95.0
# The attributes that say which fish are of one group, the first that there is.
REACHES = ("group_distance", "r_attraction")


class Mode(NamedTuple):
    """One way to colour fish.

    **Attributes:**

    - `name`, `label`: for the scripts, and for people.
    - `low`, `high`: what the first and the last colour mean, in words.
    - `values`: a colour's number for each fish and frame; None where headings say it, or where
        there is nothing to say.
    - `missing`: why there is nothing, "" otherwise.
    - `has_undefined`: whether some fish are drawn of which nothing can be said.
    """

    name: str
    label: str
    low: str = ""
    high: str = ""
    values: UInt8[np.ndarray, "time fish"] | None = None
    missing: str = ""
    has_undefined: bool = False

    def about(self) -> dict[str, str | bool]:
        """All but the values."""
        return {name: told for name, told in self._asdict().items() if name != "values"}


def all_modes(dataset: xr.Dataset, tracks: Tracks) -> list[Mode]:
    """Every way to colour the fish of a run, also those that it says nothing of."""
    return [
        Mode("heading", "heading"),
        _speed(tracks),
        _nearest(tracks),
        _groups(dataset, tracks),
    ]


def _speed(tracks: Tracks) -> Mode:
    label = "speed" if tracks.is_speed_told else "speed between frames"
    needs = "needs two frames, and their times"
    return _scaled(Mode("speed", label), "bl/s", tracks, tracks.speed, needs)


def _nearest(tracks: Tracks) -> Mode:
    mode = Mode("nearest", "nearest neighbour")
    return _scaled(mode, "bl", tracks, nearest_neighbours(tracks), "needs two fish")


def _scaled(
    mode: Mode,
    unit: str,
    tracks: Tracks,
    values: Float[np.ndarray, "time fish"] | None,
    needs: str,
) -> Mode:
    is_drawn = np.isfinite(tracks.position).all(axis=-1)
    if values is None or not np.isfinite(values[is_drawn]).any():
        return mode._replace(missing=needs)
    shown = values[is_drawn]
    high = float(np.nanpercentile(shown, NEARLY_ALL)) or 1.0
    beyond = "≥ " if np.nanmax(shown) > high * 1.001 else ""
    return mode._replace(
        low="0",
        high=f"{beyond}{high:.3g} {unit}",
        values=quantised_share(values, high),
        has_undefined=bool(np.isnan(shown).any()),
    )


def _groups(dataset: xr.Dataset, tracks: Tracks) -> Mode:
    name = next((name for name in REACHES if has_number(dataset, name)), None)
    n_frames, n_fish = tracks.position.shape[:2]
    if name is None:
        return Mode("group", "group", missing="the file gives no distance that joins fish")
    if n_frames * n_fish**2 > MOST_PAIRS:
        return Mode("group", "group", missing="too many fish and frames; take a stride")
    distance = float(np.max(dataset.attrs[name]))
    if not distance > 0:
        return Mode("group", "group", missing="the fish feel no other from afar")
    ranks = group_ranks(tracks, distance, len(GROUP_COLOURS))
    return Mode("group", f"group (within {amount(distance)} bl)", values=ranks)
