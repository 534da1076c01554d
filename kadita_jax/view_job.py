"""What `kadita view` does once its words are parsed."""

import webbrowser
from pathlib import Path

import numpy as np
import xarray as xr

import kadita_jax
from kadita_jax.dataset import open_run, reading, unreadable
from kadita_jax.errors import Fault, refuse
from kadita_jax.frame_words import taken_frames, taking_faults, word_faults
from kadita_jax.job_checks import folder_faults
from kadita_jax.metrics.convention import CORRECTED
from kadita_jax.names import NAMES
from kadita_jax.tracks import is_measured, measure_file, read_tracks, says_box
from kadita_jax.viewer.checks import NO_FRAMES, as_slice, content_faults, frame_faults, holds_points
from kadita_jax.viewer.page import out_faults


def view_file(path: Path, *, out: Path | None, frames: str | None, is_opened: bool) -> None:
    """Write the page of a file, print its path, and open it in the browser if asked to.

    **Arguments:**

    - `frames`: which ones, as Python slices: "100:500:2".
    """
    # What has no name is a folder, and refused.
    target = path.parent / f"{path.stem or 'page'}.html" if out is None else out
    faults = _file_faults(path, frames) + out_faults(target) + folder_faults(target.parent)
    refuse("cannot view", faults)
    with reading(path), open_run(path) as stored:
        dataset, given = stored, {}
        if not holds_points(stored):
            chosen = taken_frames(frames, _n_frames(stored))
            dataset, given = _measured(path, stored, chosen), _ends(chosen)
        target.parent.mkdir(parents=True, exist_ok=True)
        page = kadita_jax.plot.view(dataset, target, **given)
    print(page)
    if is_opened:
        webbrowser.open(page.absolute().as_uri())


def _file_faults(path: Path, text: str | None) -> list[Fault]:
    """Why what a file holds cannot be shown, or not in the frames that are asked for."""
    faults = unreadable(path)
    if faults:
        return faults + word_faults(text)
    with reading(path), open_run(path) as stored:
        faults = content_faults(stored)
        return faults + (word_faults(text) if faults else _frame_faults(stored, text))


def _frame_faults(stored: xr.Dataset, text: str | None) -> list[Fault]:
    """What is wrong with the frames, blamed on the word that was given and not on its parts."""
    if holds_points(stored):
        return [] if text is None else [Fault("frames", NO_FRAMES, text)]
    faults = taking_faults(text, _n_frames(stored))
    if faults:
        return faults
    found = frame_faults(stored, **_ends(taken_frames(text, _n_frames(stored))))
    return [
        Fault("frames", f"stride {fault.rule}", text or "all") if fault.field == "stride" else fault
        for fault in found
    ]


def _n_frames(stored: xr.Dataset) -> int:
    return read_tracks(stored).sizes["time"]


def _ends(frames: range) -> dict[str, int]:
    return {"first": frames[0], "last": frames[-1], "stride": frames.step}


def _measured(path: Path, stored: xr.Dataset, frames: range) -> xr.Dataset:
    """A run as it is; tracks with the metrics of these frames, and nan in all others."""
    if is_measured(stored):
        return stored
    # Tracks in no box that anybody knows of are shown, and so measured, in open water.
    convention = None if says_box(stored) else CORRECTED
    found = measure_file(path, convention=convention, frames=as_slice(frames))
    tracks = read_tracks(stored)
    series = {name: np.full(tracks.sizes["time"], np.nan) for name in NAMES}
    for name, values in series.items():
        values[frames] = found[name].values
    measured = tracks.assign({name: ("time", values) for name, values in series.items()})
    return measured.assign_attrs(found.attrs)
