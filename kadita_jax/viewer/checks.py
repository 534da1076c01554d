"""What a page cannot show: other than runs and sweeps, frames that are not there, too much."""

from typing import Any

import numpy as np
import xarray as xr

from kadita_jax.dataset import is_sweep, kind_faults
from kadita_jax.errors import Fault, Unchecked, count_faults
from kadita_jax.names import ALL_LONG_NAMES
from kadita_jax.plot.grid import REPLICATE
from kadita_jax.plot.swimmers import unseen_faults
from kadita_jax.tracks import read_tracks, track_faults
from kadita_jax.viewer.packing import MOST_BYTES

# Per frame: a coordinate takes 2 bytes, a component of the heading 1, and so does each number that
# colours a fish; then the time, the centre and three metrics.
BYTES_PER_FISH, BYTES_PER_FRAME = 12, 36
# To place a fish takes the page's script a microsecond: so many play at 20 frames a second where a
# GPU draws them, and at 2 where the processor does.
MOST_FISH = 50_000
# Of a sweep's metric: mean, standard deviation over replicates, standard error, float32 each.
BYTES_PER_METRIC, BYTES_PER_POINT = 12, 32
NO_FRAMES = "must not be given for a sweep, which has no frames"


def holds_points(dataset: xr.Dataset) -> bool:
    """Whether it is a sweep, or what is left of one where a replicate was chosen."""
    return is_sweep(dataset) or ("time" not in dataset.dims and bool(metrics_of(dataset)))


def metrics_of(dataset: xr.Dataset) -> list[str]:
    """The metrics whose means a sweep holds."""
    return [name for name in ALL_LONG_NAMES if f"{name}_mean" in dataset]


def content_faults(dataset: xr.Dataset) -> list[Fault]:
    """Why no page can show a Dataset, whichever frames are chosen."""
    faults = kind_faults(dataset, "run", "sweep")
    if faults:
        return faults
    if holds_points(dataset):
        return _sweep_faults(dataset)
    return track_faults(dataset) or _crowd_faults(read_tracks(dataset).sizes["fish"])


def frame_faults(
    dataset: xr.Dataset, first: Unchecked | None, last: Unchecked | None, stride: Unchecked
) -> list[Fault]:
    """Why these frames of a Dataset without `content_faults` cannot be shown."""
    if holds_points(dataset):
        frames = {"first": first, "last": last, "stride": None if stride == 1 else stride}
        return [
            Fault(name, NO_FRAMES, value) for name, value in frames.items() if value is not None
        ]
    tracks = read_tracks(dataset)
    sizes = tracks.sizes
    ends = _ends(sizes["time"], first, last)
    faults = _order_faults(*ends, stride, sizes["time"])
    if faults:
        return faults
    frames = chosen_frames(sizes["time"], *ends, stride)
    return _size_faults(frames, sizes["fish"]) or unseen_faults(tracks.isel(time=as_slice(frames)))


def chosen_frames(n_frames: int, first: int | None, last: int | None, stride: int) -> range:
    """The numbers of the frames that are shown, both ends included."""
    start, end = _ends(n_frames, first, last)
    return range(start, end + 1, stride)


def as_slice(frames: range) -> slice:
    """Frames as they are read from a file: without those between."""
    return slice(frames.start, frames.stop, frames.step)


def _ends(n_frames: int, first: Any, last: Any) -> tuple[Any, Any]:
    return 0 if first is None else first, n_frames - 1 if last is None else last


def _sweep_faults(dataset: xr.Dataset) -> list[Fault]:
    metrics = metrics_of(dataset)
    if not metrics:
        found = ", ".join(map(str, dataset.data_vars)) or "nothing"
        return [Fault("dataset", "must hold the mean of at least one metric", found)]
    sizes = dataset[f"{metrics[0]}_mean"].sizes
    shape = [size for dim, size in sizes.items() if dim != REPLICATE]
    most = MOST_BYTES // (BYTES_PER_METRIC * len(metrics) + BYTES_PER_POINT)
    if np.prod(shape) <= most:
        return []
    rule = f"must have at most {most:,} points, for a page of 60 MB; choose some with dataset.isel"
    return [Fault("dataset", rule, " x ".join(map(str, shape)))]


def _crowd_faults(n_fish: int) -> list[Fault]:
    if n_fish <= MOST_FISH:
        return []
    rule = f"must have at most {MOST_FISH:,} fish for a browser to play; choose with dataset.isel"
    return [Fault("dataset", rule, f"{n_fish:,} fish")]


def _order_faults(first: Any, last: Any, stride: Any, n_frames: int) -> list[Fault]:
    faults = count_faults({"stride": stride}) + count_faults({"first": first, "last": last}, 0)
    if faults:
        return faults
    if last >= n_frames:
        faults.append(Fault("last", f"must be less than the {n_frames} frames there are", last))
    if first > last:
        faults.append(Fault("first", f"must not be beyond the last, frame {last}", first))
    return faults


def _size_faults(frames: range, n_fish: int) -> list[Fault]:
    most = MOST_BYTES // (BYTES_PER_FISH * n_fish + BYTES_PER_FRAME)
    if len(frames) <= most:
        return []
    told = f"{n_fish:,} fish in {len(frames):,} frames make a page of more than 60 MB"
    least = (frames[-1] - frames[0]) // most + 1
    return [Fault("stride", f"must be at least {least} here: {told}", frames.step)]
