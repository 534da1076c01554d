"""The page of a run: its frames, quantised, and all that is told of them."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.colors import to_rgb

from kadita_jax.dataset import clock
from kadita_jax.motion import centres
from kadita_jax.plot.fish import AZIMUTH, ELEVATION, HAZE, MAX_DRAWN, fish_length
from kadita_jax.plot.reading import number, series
from kadita_jax.plot.school import SHADOW, cube_about
from kadita_jax.plot.summary import title_of
from kadita_jax.plot.timeline import LINES
from kadita_jax.tracks import read_tracks
from kadita_jax.viewer.body import fish_body
from kadita_jax.viewer.checks import as_slice, chosen_frames
from kadita_jax.viewer.modes import Mode, all_modes
from kadita_jax.viewer.packing import (
    ABSENT,
    HEADING_SCALE,
    Quantised,
    packed,
    quantised,
    quantised_heading,
)
from kadita_jax.viewer.page import Page
from kadita_jax.viewer.palette import group_table, heading_table, scale_table
from kadita_jax.viewer.swimming import Tracks, shown_tracks

MOVING = frozenset({"position", "heading", "speed", "nearest", "group"})
# A school that wanders so much further than it is large is better followed.
FAR = 3.0


def school_page(dataset: xr.Dataset, first: int | None, last: int | None, stride: int) -> Page:
    """The page of some frames of a run; what `view` says holds."""
    tracks = read_tracks(dataset)
    frames = chosen_frames(tracks.sizes["time"], first, last, stride)
    shown = shown_tracks(tracks, frames, number(dataset, "box_size"))
    placed, modes = quantised(shown.position, shown.box_size), all_modes(dataset, shown)
    arrays = _arrays(shown, placed, modes) | _order(dataset, frames)
    places, data = packed(arrays, MOVING)
    title, subtitle = title_of(tracks.isel(time=as_slice(frames)))
    about = {"title": title, "subtitle": subtitle, "convention": _convention(dataset)}
    about |= {"has_times": clock(tracks).has_times, "moment": clock(tracks).moment}
    about |= _look(modes) | _extent(shown, placed)
    frame = {"first": frames[0], "stride": frames.step, "n_in_file": tracks.sizes["time"]}
    return Page("school", about | {"arrays": places, "frames": frame}, data)


def _arrays(tracks: Tracks, placed: Quantised, modes: list[Mode]) -> dict[str, np.ndarray]:
    return {
        "time": tracks.time,
        "centre": centres(tracks.position, tracks.box_size).astype(np.float32),
        "position": placed.number,
        "heading": quantised_heading(tracks.heading),
        **{mode.name: mode.values for mode in modes if mode.values is not None},
        "heading_colours": heading_table(),
        "scale_colours": scale_table(),
        "group_colours": group_table(),
    }


def _order(dataset: xr.Dataset, frames: range) -> dict[str, np.ndarray]:
    """The running metrics that the Dataset has."""
    names = [name for name, *_ in LINES if name in dataset and dataset[name].dims == ("time",)]
    return {name: series(dataset, name)[frames].astype(np.float32) for name in names}


def _convention(dataset: xr.Dataset) -> str:
    return str(dataset.attrs.get("convention", ""))


def _look(modes: list[Mode]) -> dict[str, Any]:
    lines = [
        {"name": name, "symbol": symbol, "colour": colour} for name, symbol, colour, _ in LINES
    ]
    return {
        "lines": lines,
        "modes": [mode.about() for mode in modes],
        "body": fish_body().about(),
        "azimuth": AZIMUTH,
        "elevation": ELEVATION,
        "haze": HAZE,
        "shadow": to_rgb(SHADOW),
        "absent": ABSENT,
        "heading_scale": HEADING_SCALE,
    }


def _extent(tracks: Tracks, placed: Quantised) -> dict[str, Any]:
    """Where the school is, how large its surroundings are, and how long to draw a fish."""
    seen = tracks.position[np.isfinite(tracks.position).all(axis=-1)]
    low, side, _ = cube_about(seen, tracks.box_size)
    own_side = _own_side(tracks)
    n_drawn = min(tracks.position.shape[1], MAX_DRAWN)
    return {
        "box_size": tracks.box_size,
        "low": placed.low.tolist(),
        "step": placed.step.tolist(),
        "middle": (low + side / 2).tolist(),
        "side": float(side),
        "followed_side": own_side,
        "fish_length": fish_length(min(side, own_side), n_drawn),
        "is_followed": bool(side > FAR * own_side),
    }


def _own_side(tracks: Tracks) -> float:
    """The side of the cube about the school itself, of the median frame; the box's if any."""
    if tracks.box_size is not None:
        return tracks.box_size
    seen = [place[np.isfinite(place).all(axis=-1)] for place in tracks.position]
    return float(np.median([cube_about(place, None).side for place in seen]))
