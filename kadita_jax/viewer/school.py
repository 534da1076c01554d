"""The page of a run: its frames, quantised, and all that is told of them."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.colors import to_rgb

from kadita_jax.dataset import seconds
from kadita_jax.errors import Fault, Unchecked, count_faults, refuse
from kadita_jax.motion import centres
from kadita_jax.plot.fish import AZIMUTH, ELEVATION, HAZE, MAX_DRAWN, fish_length
from kadita_jax.plot.reading import number, series, unit_headings
from kadita_jax.plot.school import SHADOW, cube_about
from kadita_jax.plot.summary import title_of
from kadita_jax.plot.timeline import LINES
from kadita_jax.tracks import read_tracks
from kadita_jax.viewer.body import fish_body
from kadita_jax.viewer.modes import Mode, all_modes
from kadita_jax.viewer.packing import (
    ABSENT,
    HEADING_SCALE,
    MOST_BYTES,
    packed,
    quantised,
    quantised_heading,
)
from kadita_jax.viewer.page import Page
from kadita_jax.viewer.palette import group_table, heading_table, scale_table
from kadita_jax.viewer.swimming import Tracks

# Per frame: a coordinate takes 2 bytes, a component of the heading 1, and so does each number that
# colours a fish; then the time, the centre and three metrics.
BYTES_PER_FISH, BYTES_PER_FRAME = 12, 36
MOVING = frozenset({"position", "heading", "speed", "nearest", "group"})
# Lengths of velocities that are all so near to 1 are headings.
UNIT_LENGTH = 1e-3
# A school that wanders so much further than it is large is better followed.
FAR = 3.0


def school_page(
    dataset: xr.Dataset,
    first: int | Unchecked | None,
    last: int | Unchecked | None,
    stride: int | Unchecked,
) -> Page:
    """The page of some frames of a run; what `view` says holds."""
    tracks = read_tracks(dataset)
    n_frames, n_fish = tracks.sizes["time"], tracks.sizes["fish"]
    frames = 0 if first is None else first, n_frames - 1 if last is None else last, stride
    refuse("cannot view", _frame_faults(*frames, n_frames))
    refuse("cannot view", _size_faults(*frames, n_fish))
    chosen = np.arange(frames[0], frames[1] + 1, stride)
    shown = _tracks(dataset, tracks.isel(time=chosen))
    modes = all_modes(dataset, shown)
    arrays = _arrays(shown, modes) | _order(dataset, chosen)
    places, data = packed(arrays, MOVING)
    title, subtitle = title_of(tracks.isel(time=chosen))
    about = {"title": title, "subtitle": subtitle, "convention": _convention(dataset)}
    about |= _look(modes) | _extent(shown)
    frame = {"first": int(chosen[0]), "stride": int(stride), "n_in_file": n_frames}
    return Page("school", about | {"arrays": places, "frames": frame}, data)


def _frame_faults(first: Any, last: Any, stride: Any, n_frames: int) -> list[Fault]:
    faults = count_faults({"stride": stride}) + count_faults({"first": first, "last": last}, 0)
    if faults:
        return faults
    if last >= n_frames:
        faults.append(Fault("last", f"must be less than the {n_frames} frames there are", last))
    if first > last:
        faults.append(Fault("first", f"must not be beyond the last, frame {last}", first))
    return faults


def _size_faults(first: int, last: int, stride: int, n_fish: int) -> list[Fault]:
    most = MOST_BYTES // (BYTES_PER_FISH * n_fish + BYTES_PER_FRAME)
    n_shown = (last - first) // stride + 1
    if n_shown <= most:
        return []
    told = f"{n_fish:,} fish in {n_shown:,} frames make a page of more than 60 MB"
    if most < 1:
        return [Fault("dataset", f"must have fewer fish: {told}", n_fish)]
    least = (last - first) // most + 1
    return [Fault("stride", f"must be at least {least} here: {told}", stride)]


def _tracks(dataset: xr.Dataset, tracks: xr.Dataset) -> Tracks:
    position, velocity = (tracks[name].values.astype(float) for name in ("position", "heading"))
    box_size = number(dataset, "box_size")
    if box_size is not None:
        position = position % box_size
        position[position == box_size] = 0.0
    length, heading = np.linalg.norm(velocity, axis=-1), unit_headings(velocity)
    is_seen = np.isfinite(position + heading).sum(axis=-1, keepdims=True) == position.shape[-1]
    are_headings = np.all(np.abs(length[is_seen[..., 0]] - 1) < UNIT_LENGTH)
    return Tracks(
        time=seconds(tracks),
        position=np.where(is_seen, position, np.nan),
        heading=np.where(is_seen, heading, np.nan),
        speed=None if are_headings else length,
        box_size=box_size,
    )


def _arrays(tracks: Tracks, modes: list[Mode]) -> dict[str, np.ndarray]:
    return {
        "time": tracks.time,
        "centre": centres(tracks.position, tracks.box_size).astype(np.float32),
        "position": quantised(tracks.position, tracks.box_size).number,
        "heading": quantised_heading(tracks.heading),
        **{mode.name: mode.values for mode in modes if mode.values is not None},
        "heading_colours": heading_table(),
        "scale_colours": scale_table(),
        "group_colours": group_table(),
    }


def _order(dataset: xr.Dataset, chosen: np.ndarray) -> dict[str, np.ndarray]:
    """The running metrics that the Dataset has."""
    names = [name for name, *_ in LINES if name in dataset and dataset[name].dims == ("time",)]
    return {name: series(dataset, name)[chosen].astype(np.float32) for name in names}


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


def _extent(tracks: Tracks) -> dict[str, Any]:
    """Where the school is, how large its surroundings are, and how long to draw a fish."""
    found = quantised(tracks.position, tracks.box_size)
    seen = tracks.position[np.isfinite(tracks.position).all(axis=-1)]
    low, side, _ = cube_about(seen, tracks.box_size)
    own_side = _own_side(tracks)
    n_drawn = min(tracks.position.shape[1], MAX_DRAWN)
    return {
        "box_size": tracks.box_size,
        "low": found.low.tolist(),
        "step": found.step.tolist(),
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
