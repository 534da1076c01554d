"""What `kadita view` does once its words are parsed."""

import webbrowser
from pathlib import Path

import xarray as xr

import kadita_jax
from kadita_jax.dataset import is_sweep, open_run, reading, unreadable
from kadita_jax.errors import Fault, refuse
from kadita_jax.film_job import FRAMES_RULE, parse_frames
from kadita_jax.metrics.convention import CORRECTED
from kadita_jax.tracks import measured_or_measure, says_box
from kadita_jax.viewer.page import out_faults


def view_file(path: Path, *, out: Path | None, frames: str | None, is_opened: bool) -> None:
    """Write the page of a file, print its path, and open it in the browser if asked to.

    **Arguments:**

    - `frames`: which ones, as Python slices: "100:500:2".
    """
    chosen = parse_frames(frames)
    faults = [] if chosen else [Fault("frames", FRAMES_RULE, frames)]
    target = path.with_suffix(".html") if out is None else out
    refuse("cannot view", unreadable(path) + faults + out_faults(target))
    with reading(path), open_run(path) as stored:
        dataset = _measured(path, stored)
        given = _frames(dataset, chosen or slice(None), frames)
        page = kadita_jax.plot.view(dataset, target, **given)
    print(page)
    if is_opened:
        webbrowser.open(page.absolute().as_uri())


def _measured(path: Path, stored: xr.Dataset) -> xr.Dataset:
    """A run or tracks with their metrics; anything else as it is, for the page to judge."""
    if is_sweep(stored) or "derivative" in stored:
        return stored
    # Tracks in no box that anybody knows of are shown, and so measured, in open water.
    return measured_or_measure(path, convention=None if says_box(stored) else CORRECTED)


def _frames(dataset: xr.Dataset, chosen: slice, text: str | None) -> dict[str, int | None]:
    """The frames of a run that a slice takes; of a sweep, which has none, as they were given."""
    if "time" not in dataset.dims:
        return {"first": chosen.start, "last": chosen.stop, "stride": chosen.step or 1}
    n_frames = dataset.sizes["time"]
    found = range(*chosen.indices(n_frames))
    rule = f"must take at least one of the {n_frames} frames"
    refuse("cannot view", [] if found else [Fault("frames", rule, text)])
    return {"first": found[0], "last": found[-1], "stride": found.step}
